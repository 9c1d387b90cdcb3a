/** Pointer and keyboard over the panels: which point is read out. */
import { writeInto } from './controls.ts';
import { linkOf, readOutView, spokenOf } from './read-out.ts';
import { nearest, type ScatterPanel, type ScatterPoint, step } from './scatter.ts';
import type { View } from './view.ts';

/** Reach of a pointer, in pixels of the screen. */
const REACH = 28;
const keys = ['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown', 'Home', 'End'] as const;
type WalkKey = (typeof keys)[number];

export interface Plot {
  /** After the panels were drawn anew. */
  refresh(view: View, row: number | null): void;
}

/**
 * @param pin called with the row whose point was chosen, null when it was let go
 */
export function plotOf(picture: HTMLElement, spoken: HTMLElement, pin: (row: number | null) => void): Plot {
  let view: View | null = null;
  let pinned: number | null = null;
  const box = document.createElement('div');
  box.className = 'read-out';

  const panelAt = (target: EventTarget | null): { figure: HTMLElement; panel: ScatterPanel } | null => {
    const figure = target instanceof Element ? target.closest<HTMLElement>('.multiple') : null;
    const panel = view?.picture().panels[Number(figure?.dataset.panel)];
    return figure === null || panel === undefined ? null : { figure, panel };
  };

  const hide = (): void => {
    box.remove();
    for (const ring of picture.querySelectorAll('.ring')) ring.setAttribute('visibility', 'hidden');
  };

  const show = (figure: HTMLElement, panel: ScatterPanel, point: ScatterPoint): void => {
    if (view === null) return;
    for (const ring of picture.querySelectorAll('.ring')) {
      const own = figure.contains(ring);
      ring.setAttribute('visibility', own ? 'visible' : 'hidden');
      if (!own) continue;
      ring.setAttribute('cx', String(point.x));
      ring.setAttribute('cy', String(point.y));
    }
    writeInto(box, readOutView(view, point.row));
    const plot = figure.querySelector<HTMLElement>('.plot');
    if (plot === null) return;
    plot.append(box);
    const scale = plot.clientWidth / panel.frame.width;
    const [x, y] = [point.x * scale, point.y * scale];
    const left = x > plot.clientWidth / 2 ? x - box.offsetWidth - 14 : x + 14;
    box.style.left = `${Math.max(0, Math.min(left, plot.clientWidth - box.offsetWidth))}px`;
    box.style.top = `${Math.max(0, y - box.offsetHeight / 2)}px`;
  };

  const showRow = (row: number | null): void => {
    hide();
    if (row === null || view === null) return;
    view.picture().panels.forEach((panel, i) => {
      const point = panel.points.find((one) => one.row === row);
      const figure = picture.querySelector<HTMLElement>(`[data-panel="${i}"]`);
      if (point !== undefined && figure !== null) show(figure, panel, point);
    });
  };

  const under = (
    event: PointerEvent | MouseEvent,
  ): { figure: HTMLElement; panel: ScatterPanel; point: ScatterPoint } | null => {
    const at = panelAt(event.target);
    const svg = at?.figure.querySelector('svg.scatter');
    if (!at || !svg) return null;
    const bounds = svg.getBoundingClientRect();
    const scale = at.panel.frame.width / bounds.width;
    const [x, y] = [(event.clientX - bounds.left) * scale, (event.clientY - bounds.top) * scale];
    const point = nearest(at.panel.points, x, y, REACH * scale);
    return point === null ? null : { ...at, point };
  };

  picture.addEventListener('pointermove', (event) => {
    if (event.target instanceof Element && event.target.closest('.read-out')) return;
    const found = event.pointerType === 'mouse' ? under(event) : null;
    if (found !== null) show(found.figure, found.panel, found.point);
    else if (event.pointerType === 'mouse') showRow(pinned);
  });
  picture.addEventListener('pointerleave', () => showRow(pinned));
  picture.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('a')) return;
    const found = under(event);
    pinned = found?.point.row ?? null;
    showRow(pinned);
    pin(pinned);
  });
  picture.addEventListener('keydown', (event) => {
    const at = panelAt(event.target);
    if (at === null || view === null || !(event.target instanceof Element && event.target.matches('.plot')))
      return;
    const from = at.panel.points.find(({ row }) => row === pinned) ?? null;
    if (event.key === 'Escape') pinned = null;
    else if (event.key === 'Enter' && from !== null) location.assign(linkOf(view, from.row));
    else if (isWalk(event.key)) pinned = step(at.panel.points, from, event.key)?.row ?? null;
    else return;
    event.preventDefault();
    showRow(pinned);
    spoken.textContent = pinned === null ? '' : spokenOf(view, pinned);
    pin(pinned);
  });

  return {
    refresh(next, row) {
      view = next;
      pinned = row;
      showRow(row);
    },
  };
}

function isWalk(key: string): key is WalkKey {
  return (keys as readonly string[]).includes(key);
}
