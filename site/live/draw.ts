/** What a live page shows of a text, as markup. */
import { counted } from '../../runner/report/counted.ts';
import { latentHref } from '../features/address.ts';
import { share } from '../features/draw.ts';
import { loneToken, shadeClass, visibleToken } from '../features/tokens.ts';
import { html, type Markup } from '../lib/html.ts';
import { formatNumber, formatSmall } from '../lib/numbers.ts';
import type { Next, Reading } from './messages.ts';
import { valuesOf } from './model.ts';

/** The text, a token a button: the one at `position` is chosen, and all are shaded by the chosen latent. */
export function drawTokens(reading: Reading, position: number, latent: number | null): Markup {
  const values = latent === null ? null : valuesOf(reading, latent);
  const most = values?.reduce((a, b) => Math.max(a, b), 0) ?? 0;
  const tokens = reading.tokens.map((text, i) => {
    const value = values?.[i] ?? 0;
    const chosen = i === position;
    return html`<button type="button" role="radio" class="${shadeClass(value, most)}" data-position="${i}" aria-checked="${String(chosen)}" tabindex="${chosen ? 0 : -1}"${value > 0 && html` title="${formatNumber(value, 2)}"`}>${visibleToken(text)}</button>`;
  });
  return html`${tokens}`;
}

/** @param evidence address of the page of the SAE's latents; null where it has none */
export function drawLatents(
  { tokens, k, values, indices }: Reading,
  position: number,
  latent: number | null,
  evidence: string | null,
): Markup {
  const slots = Array.from({ length: k }, (_, i) => position * k + i).filter((slot) => values[slot]! > 0);
  const most = slots.length === 0 ? 1 : values[slots[0]!]!;
  const rows = slots.map((slot) => {
    const each = indices[slot]!;
    const value = values[slot]!;
    return html`<tr><th scope="row"><button type="button" data-latent="${each}" aria-pressed="${String(each === latent)}">${String(each)}</button></th><td class="num">${formatNumber(value, 2)}</td><td aria-hidden="true"><meter min="0" max="${most}" value="${value}"></meter></td>${evidence !== null && html`<td><a href="${evidence}${latentHref(each)}" aria-label="What latent ${each} fires on">evidence</a></td>`}</tr>`;
  });
  return html`<h2>On <code>${loneToken(tokens[position]!)}</code></h2>${
    slots.length === 0
      ? html`<p>No latent fires on this token.</p>`
      : html`<p class="sub">${counted(slots.length, 'latent fires', 'latents fire')}. Choose one to see where in the text it fires and what it does to the next token.</p><div class="scroller" tabindex="0" role="region" aria-label="Latents on this token"><table><thead><tr><th scope="col">Latent</th><th scope="col" class="num">Value</th><td></td>${evidence !== null && html`<td></td>`}</tr></thead><tbody>${rows}</tbody></table></div>`
  }`;
}

export function drawNext(reading: Reading, { position, change, tokens, kl }: Next): Markup {
  const rows = tokens.map(
    ({ text, before, after }) =>
      html`<tr><th scope="row"><code>${loneToken(text)}</code></th><td class="num">${share(before)}</td>${
        after !== null &&
        html`<td class="num">${share(after)}</td><td class="num">${times(after / before)}</td>`
      }</tr>`,
  );
  const said =
    change === null
      ? 'As the model is.'
      : change.how === 'times'
        ? `With latent ${change.latent} times ${change.value} at every token where it fires: KL ${formatSmall(kl ?? 0)} nats.`
        : `With latent ${change.latent} set to ${change.value} at every token: KL ${formatSmall(kl ?? 0)} nats.`;
  return html`<h2>Next token after <code>${loneToken(reading.tokens[position]!)}</code></h2><p class="sub">${said}</p><div class="scroller" tabindex="0" role="region" aria-label="Next tokens"><table><thead><tr><th scope="col">Token</th><th scope="col" class="num">${change === null ? 'Probability' : 'Before'}</th>${change !== null && html`<th scope="col" class="num">After</th><th scope="col" class="num">Ratio</th>`}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function times(ratio: number): string {
  if (!Number.isFinite(ratio)) return '–';
  return `×${ratio >= 0.01 && ratio < 1_000 ? formatNumber(ratio, ratio < 10 ? 2 : 0) : formatSmall(ratio)}`;
}
