import { MalformedError } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { random, shuffle } from '../math/random.ts';
import type { Explanations } from '../report/explanations.ts';
import type { FeatureFiles } from '../report/feature-files.ts';
import { INDEX_FILE, WINDOWS_FILE } from '../report/feature-places.ts';
import { featureWindows } from '../report/feature-windows.ts';
import { featureIndex, featureShard } from '../report/features.ts';
import { examplesOf, type LatentExamples } from './examples.ts';

/** Latents with what they are explained from: those asked for, or so many at random of those that have enough. */
export function drawnFrom(
  id: string,
  files: FeatureFiles,
  asked: number | readonly number[],
  seed: number,
): { sha256: string; examples: LatentExamples[]; leftOut: Explanations['left_out'] } {
  const index = featureIndex.parse(parseJson(files[INDEX_FILE]!));
  const windows = featureWindows.parse(parseJson(files[WINDOWS_FILE]!));
  if (windows.sha256 !== index.sha256) {
    throw new MalformedError({
      thing: `evidence of ${id}`,
      found: 'stretches of text of another SAE',
      expected: 'files of one evaluation',
      next: 'Make them again with npx interpboard eval --fresh.',
    });
  }
  const text = (token: number): string => index.tokens[String(token)] ?? '';
  const features = Object.entries(files)
    .filter(([name]) => /^\d+\.json$/.test(name))
    .flatMap(([, shard]) => featureShard.parse(parseJson(shard)).features);
  const byLatent = new Map(features.map((feature) => [feature.latent, feature]));
  const order =
    typeof asked === 'number'
      ? shuffle([...index.columns.latent], random('explained latents', seed))
      : [...new Set(asked)];
  const examples: LatentExamples[] = [];
  const leftOut: Explanations['left_out'] = [];
  for (const latent of order) {
    if (typeof asked === 'number' && examples.length >= asked) break;
    const feature = byLatent.get(latent);
    const found =
      feature === undefined ? 'there is no evidence of it' : examplesOf(feature, windows, text, seed);
    if (typeof found === 'string') leftOut.push({ latent, reason: found });
    else examples.push(found);
  }
  return { sha256: index.sha256, examples, leftOut };
}
