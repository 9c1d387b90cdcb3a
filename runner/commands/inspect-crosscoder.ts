/** What `inspect` says of a crosscoder: its headers and vectors, and how the decoders of its latents lie to one another. */
import { quote, UserError } from '../errors.ts';
import type { LoadOptions } from '../sae/checkpoints/adapter.ts';
import type { CrosscoderFile } from '../sae/checkpoints/crosscoder.ts';
import { decoderGeometry } from '../sae/crosscoder-decoders.ts';
import type { SaePlace } from '../sae/published/place.ts';
import { type DecoderShares, decoderShares } from '../suites/crosscoder.ts';
import {
  count,
  type FileFacts,
  fileFacts,
  fileRows,
  laidOut,
  type PlaceFacts,
  placeFacts,
  repositoryRows,
  said,
} from './inspect-facts.ts';

export interface CrosscoderFacts extends PlaceFacts {
  format: string;
  architecture: string;
  /** Number of places, and the numbers of a token at each. */
  places: number;
  d_in: number;
  d_sae: number;
  k: number | null;
  /** Scalars that activations of each place are multiplied by; null where they are not scaled. */
  scales: number[] | null;
  /** Whether means are taken from them before. */
  centred: boolean;
  model_name: string | null;
  hook_name: string | null;
  conversions: string[];
  decoders: DecoderShares;
  files: FileFacts[];
}

/** @throws UserError for latents; errors as opening it does */
export async function crosscoderFacts(
  place: SaePlace,
  open: (path: string, options: LoadOptions) => Promise<CrosscoderFile>,
  { latents, hash }: { latents: readonly number[]; hash: boolean },
): Promise<CrosscoderFacts> {
  if (latents.length > 0) {
    throw new UserError({
      thing: '--latents',
      found: 'a crosscoder, whose latents read and write at several places',
      expected: 'an SAE of one hook',
      next: 'Leave --latents out.',
    });
  }
  const file = await open(place.path, place.options);
  try {
    const { format, places, d, sae, scaling, details } = file;
    return {
      ...placeFacts(place),
      format,
      architecture: sae.architecture,
      places,
      d_in: d,
      d_sae: sae.d_sae,
      k: 'k' in sae ? sae.k : null,
      scales: scaling && [...scaling.by],
      centred: scaling?.mean != null,
      model_name: details.model_name,
      hook_name: details.hook_name,
      conversions: [...place.conversions, ...file.conversions],
      decoders: decoderShares(await decoderGeometry(file), places),
      files: await fileFacts(file.files, hash),
    };
  } finally {
    await file.close();
  }
}

/** Names and texts from the files are quoted: they are strangers' and may hold anything. */
export function describeCrosscoder(facts: CrosscoderFacts): string {
  const { decoders, places, scales } = facts;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return laidOut([
    ['crosscoder', `${quote(facts.name)}, of ${places} places`],
    ...repositoryRows(facts),
    ['format', facts.format],
    ['architecture', `${facts.architecture}${facts.k === null ? '' : `, k ${facts.k}`}`],
    ['places', `${places}, of ${count(facts.d_in)} numbers a token each`],
    ['latents', count(facts.d_sae)],
    ['model', said(facts.model_name)],
    ['hook', said(facts.hook_name)],
    [
      'scaled',
      scales === null
        ? 'no'
        : `by ${scales.map((scale) => scale.toPrecision(4)).join(', ')}${facts.centred ? ', means taken off' : ''}`,
    ],
    [
      'decoders',
      decoders.kind === 'two'
        ? `of the first place alone ${count(decoders.first)}, shared ${count(decoders.shared)}, of the second alone ${count(decoders.second)}, between ${count(decoders.between)}, none ${count(decoders.none)}`
        : `longest at ${decoders.longest.map((each, place) => `${place + 1}: ${count(each)}`).join(', ')}; none ${count(decoders.none)}`,
    ],
    ['  share', `of their length at each place ${decoders.share.map(percent).join(', ')}`],
    ...facts.conversions.map((each, i): [string, string] => [i === 0 ? 'conversions' : '', each]),
    ...fileRows(facts.files),
  ]);
}
