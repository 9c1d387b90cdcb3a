/** What `inspect` says of a cross-layer transcoder, from its headers and vectors. */
import { quote, UserError } from '../errors.ts';
import { formatBytes } from '../io/bytes.ts';
import { hashFile } from '../io/hash.ts';
import { CROSS_LAYER, openCrossLayer } from '../sae/checkpoints/cross-layer.ts';
import type { SaePlace } from '../sae/published/place.ts';

export interface CrossLayerFacts {
  name: string;
  repo: string | null;
  revision: string | null;
  license: string | null;
  format: string;
  architecture: string;
  d_model: number;
  model_name: string;
  /** Hooks of every layer, as its files name them. */
  reads: string;
  writes: string;
  /** Latents of each layer. */
  d_sae: number[];
  files: { file: string; bytes?: number; sha256?: string }[];
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
    const { name, repo, revision, license } = place;
    const files: CrossLayerFacts['files'] = [];
    for (const path of file.files) files.push({ file: path, ...(hash ? await hashFile(path) : {}) });
    return {
      name,
      repo,
      revision,
      license,
      format: CROSS_LAYER,
      architecture: file.layers[0]!.architecture,
      d_model: file.d_model,
      model_name: file.details.model_name,
      reads: file.details.hook_name,
      writes: file.details.hook_name_out,
      d_sae: file.layers.map(({ d_sae }) => d_sae),
      files,
    };
  } finally {
    await file.close();
  }
}

/** Names and texts from the files are quoted: they are strangers' and may hold anything. */
export function describeCrossLayer(facts: CrossLayerFacts): string {
  const count = (value: number): string => value.toLocaleString('en');
  const { d_sae, repo } = facts;
  const sizes = [...new Set(d_sae)].map(count).join(', ');
  const rows: [string, string][] = [
    ['transcoder', `${quote(facts.name)}, cross-layer`],
    ...(repo === null
      ? []
      : [
          [
            'repository',
            `${repo}@${facts.revision}, licence ${facts.license === null ? 'not said by its files' : quote(facts.license)}`,
          ] satisfies [string, string],
        ]),
    ['format', facts.format],
    ['architecture', `${facts.architecture}, from every layer to it and all later ones`],
    ['layers', `${d_sae.length}, of ${sizes} latents each, ${count(d_sae.reduce((a, b) => a + b))} in all`],
    ['d_model', count(facts.d_model)],
    ['model', quote(facts.model_name)],
    ['hooks', `${quote(facts.reads)} to ${quote(facts.writes)} of every layer`],
    ...facts.files.map(({ file, bytes, sha256 }, i): [string, string] => [
      i === 0 ? 'files' : '',
      `${quote(file)}${bytes === undefined ? '' : `  ${formatBytes(bytes)}, SHA-256 ${sha256}`}`,
    ]),
  ];
  return rows.map(([name, text]) => `${name.padEnd(12)} ${text}`.trimEnd()).join('\n');
}
