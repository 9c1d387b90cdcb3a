/**
 * Evidence of latents in the layout that Neuronpedia's bulk import takes, as SAEDashboard writes it
 * (sae_dashboard/neuronpedia/neuronpedia_export.py and the rows of its classes): `<model>/<layer>-<set>/` with
 * release, model, sourceset and source.jsonl, and features/ and activations/ in batches of gzipped lines.
 *
 * A field is filled only where its meaning is ours; the others are what its classes have by default. Not filled are: the
 * alignment with neurons, histograms of logits, and correlations of latents by Pearson. `topkCosSim` are the decoder rows that are
 * nearest. `pos_values` and `neg_values` are what one unit of the latent adds to a logit through the last norm's scale. The
 * histogram's bars are quarters of powers of two, named by their middles.
 */
import { gzipSync } from 'node:zlib';
import { sha256 } from '../io/hash.ts';
import type { Feature, FeatureContext, FeatureIndex, FeatureShard } from '../report/features.ts';
import type { EvaluationRecord } from '../report/schema.ts';

export interface NeuronpediaNames {
  /** Neuronpedia's id of the language model, such as gemma-2-2b. */
  model: string;
  /** Of the set of SAEs, such as res-16k. */
  set: string;
  /** Neuronpedia's id of whoever is to own the rows. */
  creator: string;
}

/** Lines of JSON by path. */
export type NeuronpediaFiles = Map<string, Uint8Array>;

/** @param shards in order, with all latents of the index */
export function neuronpediaFiles(
  record: EvaluationRecord,
  index: FeatureIndex,
  shards: readonly FeatureShard[],
  { model, set, creator }: NeuronpediaNames,
): NeuronpediaFiles {
  const { sae, provenance } = record;
  const source = `${sae.layer}-${set}`;
  const folder = `${model}/${source}`;
  const createdAt = provenance.started ?? new Date(0).toISOString();
  const shared = { creatorId: creator, createdAt };
  const latent = { ...shared, modelId: model, layer: source };
  const license = sae.license === null ? '' : `, ${sae.license}`;
  const files: NeuronpediaFiles = new Map();
  const one = (name: string, row: object): void => {
    files.set(`${folder}/${name}.jsonl`, lines([row]));
  };
  one('release', {
    name: record.id,
    description: `${sae.name}${license}`,
    descriptionShort: sae.name,
    creatorName: sae.repo?.split('/')[0] ?? '',
    visibility: 'PUBLIC',
    urls: provenance.url === null ? [] : [provenance.url],
    ...shared,
  });
  one('model', {
    id: model,
    instruct: false,
    displayNameShort: model,
    displayName: record.model.id,
    dimension: record.model.d_model,
    layers: record.model.blocks ?? 0,
    visibility: 'PUBLIC',
    owner: record.model.id.split('/')[0],
    updatedAt: createdAt,
    ...shared,
  });
  one('sourceset', {
    modelId: model,
    name: set,
    description: sae.name,
    releaseName: record.id,
    creatorName: sae.repo?.split('/')[0] ?? '',
    type: sae.hook,
    visibility: 'PUBLIC',
    ...shared,
  });
  one('source', {
    id: source,
    modelId: model,
    setName: set,
    visibility: 'PUBLIC',
    ...shared,
    hfRepoId: sae.repo,
    saelensRelease: sae.source?.registry?.release ?? null,
    saelensSaeId: sae.source?.registry?.id ?? null,
    notes: `${sae.architecture}, ${sae.hook}`,
    dataset: index.text.name,
    num_prompts: index.text.rows,
    num_tokens_in_prompt: index.text.row_tokens,
  });
  const places = new Map(index.columns.latent.map((each, place) => [each, place]));
  const textOf = (id: number): string => index.tokens[id] ?? '';
  shards.forEach(({ features }, batch) => {
    const rows = features.map((feature) => featureRow(feature, index, places.get(feature.latent)!, textOf));
    files.set(
      `${folder}/features/batch-${batch}.jsonl.gz`,
      gzipSync(lines(rows.map((row) => ({ ...latent, ...row })))),
    );
    const found = features.flatMap(({ latent: number, contexts }) =>
      contexts.map((context) => ({
        id: `c${sha256(`${sae.sha256} ${number} ${context.kind} ${context.row} ${context.start}`).slice(0, 24)}`,
        ...latent,
        index: String(number),
        ...activationRow(context, textOf),
      })),
    );
    files.set(`${folder}/activations/batch-${batch}.jsonl.gz`, gzipSync(lines(found)));
  });
  return files;
}

function featureRow(
  { latent, histogram, raised, lowered, neighbours }: Feature,
  { columns }: FeatureIndex,
  place: number,
  textOf: (id: number) => string,
) {
  const numbers = (pairs: readonly (readonly [number, number])[] | null) =>
    (pairs ?? []).map(([, value]) => value);
  const ids = (pairs: readonly (readonly [number, number])[] | null) => (pairs ?? []).map(([id]) => id);
  return {
    index: String(latent),
    maxActApprox: columns.max[place],
    frac_nonzero: columns.rate[place],
    hasVector: false,
    vector: [],
    hookName: null,
    topkCosSimIndices: ids(neighbours),
    topkCosSimValues: numbers(neighbours),
    pos_str: ids(raised).map(textOf),
    pos_values: numbers(raised),
    neg_str: ids(lowered).map(textOf),
    neg_values: numbers(lowered),
    freq_hist_data_bar_heights: histogram.counts,
    freq_hist_data_bar_values: histogram.counts.map((_, bin) => 2 ** ((histogram.first + bin + 0.5) / 4)),
  };
}

/** SAEDashboard marks the strongest by an interval from −1 to their largest value. */
function activationRow({ kind, ids, values, peak }: FeatureContext, textOf: (id: number) => string) {
  const maxValue = Math.max(...values);
  return {
    tokens: ids.map(textOf),
    values,
    maxValue,
    minValue: Math.min(...values),
    maxValueTokenIndex: values.indexOf(maxValue),
    qualifyingTokenIndex: peak,
    ...(kind === 'top'
      ? { binMin: -1, binMax: maxValue, binContains: -1 }
      : { binMin: null, binMax: null, binContains: null }),
  };
}

function lines(rows: readonly object[]): Uint8Array {
  return new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
