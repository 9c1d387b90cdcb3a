/** What `inspect --latent` says: the evidence that the report holds of a latent, else what its weights say. */
import { join } from 'node:path';
import { quote, quoteUpTo, UserError } from '../errors.ts';
import { logitEffects, nearestLatents, type TokenEffect } from '../library/latents.ts';
import { findEvidence, type LatentEvidenceFound } from '../report/feature-files.ts';
import { FEATURES } from '../report/feature-places.ts';
import type { FeatureContext } from '../report/features.ts';
import { openSaeFile } from '../sae/checkpoints/load.ts';
import { storedSha256 } from '../sae/stored-sae.ts';
import { locateNamed } from './locate-saes.ts';
import type { ProgressView } from './progress.ts';
import { openSaeModel } from './sae-model.ts';

/** Characters of a context printed. */
const CONTEXT = 300;
/** Tokens at each end of the effects on logits, and neighbours, that are computed. */
const EFFECTS = 8;
const NEIGHBOURS = 6;

export type EvidenceOfLatent = { sae: string; latent: number } & (
  | ({ from: 'report' } & LatentEvidenceFound)
  | {
      from: 'weights';
      model: string;
      raised: TokenEffect[];
      lowered: TokenEffect[];
      neighbours: { latent: number; cosine: number }[];
    }
);

/** @throws as finding and opening the SAE and, without evidence, its model do; UserError for a latent that it has not */
export async function evidenceOfLatent(
  name: string,
  { latent, model: asked, content }: { latent: number; model: string | undefined; content: string },
  view: ProgressView,
): Promise<EvidenceOfLatent> {
  const [place] = await locateNamed([name], view);
  const file = await openSaeFile(place!.path, place!.options);
  try {
    if (latent >= file.sae.d_sae) {
      throw new UserError({
        thing: '--latent',
        found: String(latent),
        expected: `a number below ${file.sae.d_sae}`,
        next: 'Latents are numbered from 0.',
      });
    }
    const of = { sae: place!.name, latent };
    const found = await findEvidence(join(content, FEATURES), await storedSha256(file.sae), latent);
    if (found !== null) return { ...of, from: 'report', ...found };
    const { model, name: called } = await openSaeModel(asked, { place: place!, file }, view);
    try {
      const [effects] = await logitEffects(file.sae, model, { latents: [latent], most: EFFECTS });
      const [neighbours] = await nearestLatents(file.sae, [latent], NEIGHBOURS);
      const { raised, lowered } = effects!;
      return { ...of, from: 'weights', model: called, raised, lowered, neighbours: neighbours! };
    } finally {
      await model.close();
    }
  } finally {
    await file.close();
  }
}

/** Tokens come from files, and may hold anything: they are quoted. */
export function describeLatent(found: EvidenceOfLatent): string {
  const rows: [string, string][] = [['latent', `${found.latent} of ${quote(found.sae)}`]];
  const effects = (pairs: readonly (readonly [string, number])[]): string =>
    pairs.map(([token, value]) => `${quote(token)} ${signed(value)}`).join(', ');
  const latents = (pairs: readonly (readonly [number, number])[]): string =>
    pairs.map(([latent, value]) => `${latent} ${value.toFixed(2)}`).join(', ') || 'none';
  if (found.from === 'weights') {
    const ends = (end: readonly TokenEffect[]) => effects(end.map(({ token, value }) => [token, value]));
    rows.push(
      ['evidence', 'none of it in the report: from the weights, through the last norm’s scale and the head'],
      ['raises', ends(found.raised)],
      ['lowers', ends(found.lowered)],
      ['nearest', latents(found.neighbours.map(({ latent, cosine }) => [latent, cosine]))],
    );
  } else {
    const { record, text, facts, feature, tokens } = found;
    const ends = (pairs: [number, number][] | null) =>
      pairs === null
        ? (found.no_directions ?? 'none')
        : effects(pairs.map(([id, v]) => [textOf(tokens, id), v]));
    rows.push(
      ['evidence', `record ${record}, ${quote(text)}`],
      ['fires', `on ${percent(facts.rate)} of tokens (${percent(facts.low)} to ${percent(facts.high)})`],
      ['values', `mean ${facts.mean}, at most ${facts.max}`],
      ['raises', ends(feature.raised)],
      ['lowers', ends(feature.lowered)],
      ['nearest', feature.neighbours === null ? 'none' : latents(feature.neighbours)],
      ['beside', latents(feature.companions)],
      ...contextRows(
        'strongest',
        feature.contexts.filter(({ kind }) => kind === 'top'),
        tokens,
      ),
      ...contextRows(
        'drawn',
        feature.contexts.filter(({ kind }) => kind === 'sampled'),
        tokens,
      ),
    );
  }
  return rows.map(([name, text]) => `${name.padEnd(10)} ${text}`.trimEnd()).join('\n');
}

/** Each with the token that the latent is strongest on in brackets. */
function contextRows(
  title: string,
  contexts: readonly FeatureContext[],
  tokens: Readonly<Record<string, string>>,
): [string, string][] {
  return contexts.map(({ ids, values, peak }, i) => {
    const texts = ids.map((id) => textOf(tokens, id));
    texts[peak] = `[${texts[peak]}]`;
    return [i === 0 ? title : '', `${String(values[peak]).padEnd(6)} ${quoteUpTo(CONTEXT, texts.join(''))}`];
  });
}

function textOf(tokens: Readonly<Record<string, string>>, id: number): string {
  return tokens[String(id)] ?? `#${id}`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toPrecision(3)}`;
}
