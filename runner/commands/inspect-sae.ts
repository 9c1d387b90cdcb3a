/** What `inspect` says of an SAE: its headers and vectors, some latents where asked, hashes where asked. */
import { existsSync } from 'node:fs';
import { quote, UserError } from '../errors.ts';
import { CROSS_LAYER } from '../sae/checkpoints/cross-layer.ts';
import { detectAdapter, detectFormat } from '../sae/checkpoints/detect.ts';
import { openSaeFile } from '../sae/checkpoints/load.ts';
import type { SaeFile } from '../sae/checkpoints/loaded.ts';
import { type EncodingSettings, encodingOf } from '../sae/content-hash.ts';
import { parseSaeName } from '../sae/published/locate.ts';
import type { SaePlace } from '../sae/published/place.ts';
import { vectorsOf } from '../sae/sae.ts';
import { type StoredSae, storedSha256 } from '../sae/stored-sae.ts';
import { type CrossLayerFacts, crossLayerFacts } from './inspect-cross-layer.ts';
import { type CrosscoderFacts, crosscoderFacts } from './inspect-crosscoder.ts';
import {
  count,
  type FileFacts,
  fileFacts,
  fileRows,
  laidOut,
  type PlaceFacts,
  placeFacts,
  type Row,
  repositoryRows,
  said,
} from './inspect-facts.ts';
import { locateNamed } from './locate-saes.ts';
import type { ProgressView } from './progress.ts';

export interface InspectSaeOptions {
  /** Latents to look at. */
  latents: number[];
  /** Whether files and tensors are hashed, which reads all of them. */
  hash: boolean;
}

/** Whether something here is an SAE of a known format, or a name of one elsewhere. */
export async function namesSae(text: string): Promise<boolean> {
  const { name } = parseSaeName(text);
  if (!existsSync(name)) return name.startsWith('saelens:') || /^[^./~\\][^\\]*\//.test(name);
  return detectFormat(name).then(
    () => true,
    (error: unknown) => {
      if (error instanceof UserError) return false;
      throw error;
    },
  );
}

export interface SaeFacts extends PlaceFacts {
  format: string;
  architecture: string;
  transcoder: boolean;
  d_in: number;
  d_sae: number;
  d_out: number;
  k: number | null;
  apply_b_dec_to_input: boolean;
  normalisation: StoredSae['normalisation'];
  /** All that it encodes with besides its tensors. */
  encoding: EncodingSettings;
  model_name: string | null;
  hook_name: string | null;
  /** Of a transcoder, the hook that it reconstructs; null where its files do not say it. */
  hook_name_out?: string | null;
  conversions: string[];
  /** As they are held; the types are those of the file. */
  tensors: { name: string; shape: readonly number[]; dtype: string; inPlace: boolean }[];
  files: FileFacts[];
  /** Content hash of the canonical tensors and settings; null unless asked for. */
  sha256: string | null;
  latents: LatentFacts[];
}

interface LatentFacts {
  latent: number;
  encoderNorm: number;
  decoderNorm: number;
  /** Of the encoder's column with the decoder's row; null of transcoders of two widths. */
  cosine: number | null;
  vectors: Record<string, number>;
}

/**
 * @throws UserError for latents the SAE does not have
 * @throws UserError, UnavailableError, MalformedError as locating and reading it do
 */
export async function inspectSae(
  name: string,
  options: InspectSaeOptions,
  view: ProgressView,
): Promise<SaeFacts | CrossLayerFacts | CrosscoderFacts> {
  const [place] = await locateNamed([name], view);
  const { format, crosscoder } = await detectAdapter(place!.path);
  if (format === CROSS_LAYER) return crossLayerFacts(place!, options);
  if (crosscoder !== undefined) return crosscoderFacts(place!, crosscoder, options);
  const file = await openSaeFile(place!.path, place!.options);
  try {
    return await factsOf(place!, file, options);
  } finally {
    await file.close();
  }
}

async function factsOf(place: SaePlace, file: SaeFile, options: InspectSaeOptions): Promise<SaeFacts> {
  const { sae } = file;
  const { d_in, d_sae, d_out = d_in } = sae;
  const outside = options.latents.find((latent) => latent >= d_sae);
  if (outside !== undefined) {
    throw new UserError({
      thing: '--latents',
      found: String(outside),
      expected: `numbers below ${d_sae}`,
      next: 'Latents are numbered from 0.',
    });
  }
  const latents: LatentFacts[] = [];
  for (const latent of options.latents) latents.push(await latentFacts(file, latent));
  return {
    ...placeFacts(place),
    format: file.format,
    architecture: sae.architecture,
    transcoder: sae.d_out !== undefined,
    d_in,
    d_sae,
    d_out,
    k: 'k' in sae ? sae.k : null,
    apply_b_dec_to_input: sae.apply_b_dec_to_input,
    normalisation: sae.normalisation,
    encoding: encodingOf(sae),
    model_name: file.details.model_name,
    hook_name: file.details.hook_name,
    ...(sae.d_out === undefined ? {} : { hook_name_out: file.details.hook_name_out ?? null }),
    conversions: [...place.conversions, ...file.conversions],
    tensors: [
      // Matching pursuit has no encoder but its decoder.
      ...(['W_enc', 'W_dec'] as const)
        .slice(sae.architecture === 'matching_pursuit' ? 1 : 0)
        .map((tensor) => {
          const { rows, columns, dtype, place: lies } = sae[tensor];
          return { name: tensor, shape: [rows, columns], dtype, inPlace: lies !== null };
        }),
      ...vectorsOf(sae).map(({ name, shape }) => ({ name, shape, dtype: 'F32', inPlace: false })),
    ],
    files: await fileFacts(file.files, options.hash),
    sha256: options.hash ? await storedSha256(sae) : null,
    latents,
  };
}

async function latentFacts(file: SaeFile, latent: number): Promise<LatentFacts> {
  const { encoder, decoder, vectors } = await file.latents(latent, latent + 1);
  const norm = (row: Float32Array): number => Math.sqrt(row.reduce((sum, value) => sum + value ** 2, 0));
  const [encoderNorm, decoderNorm] = [norm(encoder), norm(decoder)];
  const dot =
    encoder.length === decoder.length
      ? encoder.reduce((sum, value, i) => sum + value * decoder[i]!, 0)
      : null;
  const product = encoderNorm * decoderNorm;
  return {
    latent,
    encoderNorm,
    decoderNorm,
    cosine: dot === null || product === 0 ? null : dot / product,
    vectors: Object.fromEntries(Object.entries(vectors).map(([name, values]) => [name, values[0]!])),
  };
}

/** Settings that have lines of their own. */
const SHOWN: ReadonlySet<string> = new Set([
  'k',
  'apply_b_dec_to_input',
  'normalize_activations',
  'scaling_factor',
  'transcoder',
]);

/** Names and texts from the files are quoted: they are strangers' and may hold anything. */
export function describeSae(facts: SaeFacts): string {
  const { normalisation } = facts;
  return laidOut([
    [facts.transcoder ? 'transcoder' : 'SAE', quote(facts.name)],
    ...repositoryRows(facts),
    ['format', facts.format],
    [
      'architecture',
      `${facts.architecture}${facts.transcoder ? ' transcoder' : ''}${facts.k === null ? '' : `, k ${facts.k}`}`,
    ],
    ['d_in', `${count(facts.d_in)}${facts.d_out === facts.d_in ? '' : `, d_out ${count(facts.d_out)}`}`],
    ['d_sae', count(facts.d_sae)],
    ['b_dec', facts.apply_b_dec_to_input ? 'subtracted from x before encoding' : 'not subtracted from x'],
    ['normalised', `${normalisation.kind}${'scale' in normalisation ? ` ${normalisation.scale}` : ''}`],
    ...Object.entries(facts.encoding)
      .filter(([name]) => !SHOWN.has(name))
      .map(([name, value], i): Row => [i === 0 ? 'encodes by' : '', `${name} ${value}`]),
    ['model', said(facts.model_name)],
    ...(facts.transcoder
      ? ([
          ['reads', said(facts.hook_name)],
          ['reconstructs', said(facts.hook_name_out ?? null)],
        ] satisfies Row[])
      : ([['hook', said(facts.hook_name)]] satisfies Row[])),
    ...facts.tensors.map(
      ({ name, shape, dtype }, i): Row => [
        i === 0 ? 'tensors' : '',
        `${name.padEnd(9)} ${dtype.padEnd(4)} [${shape.map(count).join(' × ')}]`,
      ],
    ),
    ...facts.conversions.map((text, i): Row => [i === 0 ? 'conversions' : '', quote(text)]),
    ...fileRows(facts.files),
    ...(facts.sha256 === null ? [] : [['contents', `SHA-256 ${facts.sha256}`] satisfies Row]),
    ...facts.latents.map(
      ({ latent, encoderNorm, decoderNorm, cosine, vectors }, i): Row => [
        i === 0 ? 'latents' : '',
        [
          `${latent}: ‖encoder‖ ${encoderNorm.toPrecision(4)}, ‖decoder‖ ${decoderNorm.toPrecision(4)}`,
          ...(cosine === null ? [] : [`cosine ${cosine.toFixed(3)}`]),
          ...Object.entries(vectors).map(([name, value]) => `${name} ${value.toPrecision(4)}`),
        ].join(', '),
      ],
    ),
  ]);
}
