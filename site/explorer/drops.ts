/** Panels that open under a button, closed by Escape and by a click elsewhere; that one closes another is their common `name`. */
export function dropsOf(root: HTMLElement, opened: (drop: HTMLDetailsElement) => void): void {
  const open = (): HTMLDetailsElement[] => [
    ...root.querySelectorAll<HTMLDetailsElement>('details.drop[open]'),
  ];
  root.addEventListener(
    'toggle',
    ({ target }) => {
      if (!(target instanceof HTMLDetailsElement) || !target.matches('.drop') || !target.open) return;
      opened(target);
    },
    true,
  );
  document.addEventListener('click', ({ target }) => {
    for (const each of open()) if (!(target instanceof Node && each.contains(target))) each.open = false;
  });
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const each of open()) {
      each.open = false;
      each.querySelector('summary')?.focus();
    }
  });
}
