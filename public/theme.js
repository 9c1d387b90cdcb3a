// Runs before the first paint: marks that scripts work and that the address asks for a choice of SAEs, and sets the theme the
// reader chose earlier, if any.
(() => {
  const root = document.documentElement;
  const key = 'interpboard-theme';
  const system = matchMedia('(prefers-color-scheme: dark)');
  root.dataset.js = '';
  if (new URLSearchParams(location.search).has('sae')) root.dataset.asked = '';

  function stored() {
    try {
      const value = localStorage.getItem(key);
      return value === 'dark' || value === 'light' ? value : null;
    } catch {
      return null; // storage is switched off: the choice lasts for this page
    }
  }

  function apply(theme) {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  function isDark() {
    return (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  }

  apply(stored());

  addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    if (!button) return;
    const show = () => button.setAttribute('aria-pressed', String(isDark()));
    show();
    system.addEventListener('change', show);
    button.addEventListener('click', () => {
      const wanted = isDark() ? 'light' : 'dark';
      // Back at the system's own theme, follow the system again.
      const theme = wanted === (system.matches ? 'dark' : 'light') ? null : wanted;
      apply(theme);
      try {
        if (theme) localStorage.setItem(key, theme);
        else localStorage.removeItem(key);
      } catch {
        // as above
      }
      show();
    });
  });
})();
