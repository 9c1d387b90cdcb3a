/** Says a statistic's definition beside its name while it is pointed at or focused; Escape closes it. */
import { html } from '../lib/html.ts';

/** From the name, and from the edge of the window. */
const GAP = 6;

const tip = document.createElement('div');
tip.className = 'tip';
tip.id = 'definition-tip';
tip.setAttribute('role', 'tooltip');
tip.hidden = true;
document.body.append(tip);

let shown: HTMLElement | null = null;

function show(term: HTMLElement): void {
  if (shown === term) return;
  hide();
  shown = term;
  const { id, formula, note, study } = term.dataset;
  tip.innerHTML =
    html`<p class="formula">${formula}</p><p>${note}</p>${study !== undefined && html`<p class="fine">${study}</p>`}<code>${id}</code>`.text;
  tip.hidden = false;
  // The browser's own would cover it.
  term.removeAttribute('title');
  term.setAttribute('aria-describedby', tip.id);
  const [at, box] = [term.getBoundingClientRect(), tip.getBoundingClientRect()];
  const left = Math.min(Math.max(GAP, at.left), document.documentElement.clientWidth - box.width - GAP);
  const below = at.bottom + GAP + box.height <= window.innerHeight;
  tip.style.left = `${left + window.scrollX}px`;
  tip.style.top = `${(below ? at.bottom + GAP : Math.max(GAP, at.top - GAP - box.height)) + window.scrollY}px`;
}

function hide(): void {
  shown?.removeAttribute('aria-describedby');
  shown = null;
  tip.hidden = true;
}

function termOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>('.term') : null;
}

document.addEventListener('pointerover', ({ target, pointerType }) => {
  if (pointerType !== 'mouse') return;
  const term = termOf(target);
  if (term) show(term);
  // Stays while the pointer is over the words themselves.
  else if (shown && !(target instanceof Node && tip.contains(target)) && document.activeElement !== shown)
    hide();
});
document.addEventListener('focusin', ({ target }) => {
  const term = termOf(target);
  if (term) show(term);
  else hide();
});
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') hide();
});
