/** What `inspect` says of a cross-layer transcoder, from its headers and vectors. */
import { quote, UserError } from '../errors.ts';
import { CROSS_LAYER, openCrossLayer } from '../sae/checkpoints/cross-layer.ts';
import type { SaePlace } from '../sae/published/place.ts';
import {
  count,
  type FileFacts,
  fileFacts,
  fileRows,
  laidOut,
  type PlaceFacts,
  placeFacts,
  repositoryRows,
} from './inspect-facts.ts';

export interface CrossLayerFacts extends PlaceFacts {
  format: string;
  architecture: string;
  d_model: number;
  model_name: string;
  /** Hooks of every layer, as its files name them. */
  reads: string;
  writes: string;
  /** Latents of each layer. */
  d_sae: number[];
  files: FileFacts[];
}

/** @throws UserError for latents: they are numbered within a layer; errors as opening it does */
export async function crossLayerFacts(
  place: SaePlace,
  { latents, hash }: { latents: readonly number[]; hash: boolean },
): Promise<CrossLayerFacts> {
  if (latents.length > 0) {
    throw new UserError({
      thing: '--latents',
      found: 'a cross-layer transcoder, whose latents are numbered within each layer',
      expected: 'an SAE of one hook',
      next: 'Leave --latents out.',
    });
  }
  const file = await openCrossLayer(place.path);
  try {
    return {
      ...placeFacts(place),
      format: CROSS_LAYER,
      architecture: file.layers[0]!.architecture,
      d_model: file.d_model,
      model_name: file.details.model_name,
      reads: file.details.hook_name,
      writes: file.details.hook_name_out,
      d_sae: file.layers.map(({ d_sae }) => d_sae),
      files: await fileFacts(file.files, hash),
    };
  } finally {
    await file.close();
  }
}

/** Names and texts from the files are quoted: they are strangers' and may hold anything. */
export function describeCrossLayer(facts: CrossLayerFacts): string {
  const { d_sae } = facts;
  const sizes = [...new Set(d_sae)].map(count).join(', ');
  return laidOut([
    ['transcoder', `${quote(facts.name)}, cross-layer`],
    ...repositoryRows(facts),
    ['format', facts.format],
    ['architecture', `${facts.architecture}, from every layer to it and all later ones`],
    ['layers', `${d_sae.length}, of ${sizes} latents each, ${count(d_sae.reduce((a, b) => a + b))} in all`],
    ['d_model', count(facts.d_model)],
    ['model', quote(facts.model_name)],
    ['hooks', `${quote(facts.reads)} to ${quote(facts.writes)} of every layer`],
    ...fileRows(facts.files),
  ]);
}
