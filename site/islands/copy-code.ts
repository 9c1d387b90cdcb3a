/** Copies the code of a snippet, and says so for a moment. */
const SAID_FOR = 1_500;

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLButtonElement>('button.copy') : null;
  const code = button?.closest('.snippet')?.querySelector('code')?.textContent;
  if (!button || code == null) return;
  const before = button.textContent;
  const say = (words: string): void => {
    button.textContent = words;
    setTimeout(() => {
      button.textContent = before;
    }, SAID_FOR);
  };
  // Only pages of a secure origin may write there.
  if (navigator.clipboard)
    navigator.clipboard.writeText(code).then(
      () => say('Copied'),
      () => say('Not allowed'),
    );
  else say('Not allowed');
});
