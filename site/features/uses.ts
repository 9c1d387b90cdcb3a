/** Which latents other suites of the run chose for concepts. */
import type { FeatureIndex } from '../../runner/report/features.ts';
import { html, type Markup } from '../lib/html.ts';
import { formatNumber } from '../lib/numbers.ts';
import { latentHref } from './address.ts';
import { loneToken } from './tokens.ts';

type Use = NonNullable<FeatureIndex['uses']>[number];

/** What the weight of a latent is by a suite's rule. */
const rules: Readonly<Record<string, string>> = {
  interpscore: 'weight in the probe over all latents',
  'k-sparse': 'mean in the class less that outside',
  tpp: 'effect on the probe of the class',
  scr: 'effect on the probe of what is removed',
};

function ruleOf(suite: string): string {
  return rules[suite] ?? `weight by the suite ${suite}`;
}

/** Concepts whose names hold the words, whatever the case. */
export function usesNamed({ uses = [] }: FeatureIndex, words: string): Use[] {
  return words === '' ? [] : uses.filter(({ concept }) => concept.toLowerCase().includes(words));
}

/** The largest weight of each latent, as a share of the largest of its concept: weights of suites have scales of their own. */
export function weightShares(uses: readonly Use[]): Map<number, number> {
  const shares = new Map<number, number>();
  for (const { latents } of uses) {
    const most = Math.abs(latents[0]?.[1] ?? 0);
    for (const [latent, weight] of latents)
      if (most > 0) shares.set(latent, Math.max(shares.get(latent) ?? 0, Math.abs(weight) / most));
  }
  return shares;
}

/** The concepts that use a latent. */
export function usesOf({ uses = [] }: FeatureIndex, latent: number): Markup | false {
  const own = uses.flatMap((use) => {
    const found = use.latents.find(([each]) => each === latent);
    return found === undefined ? [] : [{ ...use, weight: found[1] }];
  });
  if (own.length === 0) return false;
  return html`<section><h3>Used for concepts</h3><p class="sub">chosen or weighed by the run’s suites</p><ol>${own.map(
    ({ suite, concept, weight }) =>
      html`<li><span>${concept} <span class="sub">(${suite}: ${ruleOf(suite)})</span></span> <span>${formatNumber(weight, 2)}</span></li>`,
  )}</ol></section>`;
}

/** All concepts with their latents, by suite: what readers without a script find them by. */
export function conceptTable(index: FeatureIndex): Markup {
  const { uses = [], columns, tokens } = index;
  const places = new Map(columns.latent.map((latent, place) => [latent, place]));
  const suites = [...new Set(uses.map(({ suite }) => suite))];
  return html`${suites.map((suite) => {
    const rows = uses.filter((use) => use.suite === suite);
    return html`<h3 id="concepts-${suite}">${suite}: ${ruleOf(suite)}</h3>
<ul class="latent-concepts">${rows.map(
      ({ concept, latents }) =>
        html`<li><b>${concept}</b> <ul>${latents.map(([latent, weight]) => {
          const place = places.get(latent);
          const peaks = place === undefined ? [] : columns.peaks[place]!;
          const name =
            place === undefined
              ? html`${String(latent)}`
              : html`<a href="${latentHref(latent)}">${String(latent)}</a>`;
          return html`<li>${name} <span class="sub">${formatNumber(weight, 2)}</span>${peaks.map((id) => html` <code>${loneToken(tokens[String(id)] ?? '')}</code>`)}</li>`;
        })}</ul></li>`,
    )}</ul>`;
  })}`;
}
