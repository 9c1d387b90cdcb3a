/** What a language model says a latent means, always with who says it and how well that did. */
import { protocols } from '../../runner/report/explanation-kinds.ts';
import type { Explanations, Tally } from '../../runner/report/explanations.ts';
import { html, type Markup } from '../lib/html.ts';
import { visibleToken } from './tokens.ts';

/** An explanation with the name of the model that wrote it. */
export interface Explained {
  model: string;
  found: Explanations['latents'][number];
}

/** By latent; none without explanations. */
export function explainedBy(all: Explanations | null): ReadonlyMap<number, Explained> {
  return new Map(all?.latents.map((found) => [found.latent, { model: all.model, found }]));
}

export function drawExplained({ model, found }: Explained): Markup {
  const scores = protocols.flatMap((protocol) => {
    const [own, other] = [counted(found.scores[protocol]), counted(found.shuffled[protocol])];
    if (own === null) return [];
    return [`${protocol} ${own}${other === null ? '' : ` (another latent’s explanation: ${other})`}`];
  });
  return html`<p class="latent-explained"><q dir="auto">${visibleToken(found.explanation)}</q> <span class="sub">Written by a language model, ${visibleToken(model)}. Right answers with it: ${scores.length === 0 ? 'none could be read' : scores.join('; ')}.</span></p>`;
}

function counted(tally: Tally): string | null {
  return tally === null ? null : `${tally.correct} of ${tally.of}`;
}
