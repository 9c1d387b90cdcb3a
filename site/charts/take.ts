import { html, type Markup } from '../lib/html.ts';

/** Buttons that save the picture of the figure they stand in. */
export function drawTake(title: string): Markup {
  return html`<span class="take needs-script"><button type="button" data-take="svg" aria-label="Save “${title}” as SVG">SVG</button><button type="button" data-take="png" aria-label="Save “${title}” as PNG">PNG</button></span>`;
}
