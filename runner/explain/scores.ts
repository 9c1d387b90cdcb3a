/** Scores of explanations over latents: each latent counts as much as another, and the interval is over latents. */
import { studentQuantile } from '../math/student.ts';
import { wilson } from '../metrics/proportions.ts';
import { type Protocol, protocols } from '../report/explanation-kinds.ts';
import type { Explanations, ScoreEstimate, Tally } from '../report/explanations.ts';
import type { LatentExamples } from './examples.ts';

export type Scored = Pick<Explanations['latents'][number], 'latent' | 'scores' | 'shuffled'>;

/**
 * Mean over latents of their shares of right answers, with Student's interval of 95 %; Wilson's over all answers where latents
 * do not differ, or there is one. Null without any.
 */
export function scoreOf(tallies: readonly Tally[]): ScoreEstimate {
  const known = tallies.filter((each) => each !== null);
  if (known.length === 0) return null;
  const shares = known.map(({ correct, of }) => correct / of);
  const n = shares.length;
  const value = shares.reduce((a, b) => a + b, 0) / n;
  const squares = shares.reduce((sum, each) => sum + (each - value) ** 2, 0);
  if (n === 1 || squares < 1e-12) {
    const answers = known.reduce((sum, { of }) => sum + of, 0);
    return { value, ...wilson(value, answers) };
  }
  const half = studentQuantile(0.025, n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { value, low: Math.max(0, value - half), high: Math.min(1, value + half) };
}

/** What always giving the commoner answer scores, in the mean over latents. */
function chanceOf(examples: readonly LatentExamples[], protocol: Protocol): number | null {
  if (examples.length === 0) return null;
  const each = examples.map(({ [protocol]: labelled }) => {
    const share = labelled.filter(({ yes }) => yes).length / labelled.length;
    return Math.max(share, 1 - share);
  });
  return each.reduce((a, b) => a + b, 0) / each.length;
}

export function scoresOf(
  scored: readonly Scored[],
  examples: readonly LatentExamples[],
): Explanations['scores'] {
  const latents = new Set(scored.map(({ latent }) => latent));
  const used = examples.filter(({ latent }) => latents.has(latent));
  return protocols.map((protocol) => ({
    protocol,
    latents: scored.filter(({ scores }) => scores[protocol] !== null).length,
    score: scoreOf(scored.map(({ scores }) => scores[protocol])),
    shuffled: scoreOf(scored.map(({ shuffled }) => shuffled[protocol])),
    chance: chanceOf(used, protocol),
  }));
}
