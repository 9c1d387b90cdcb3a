/** A release in words: what it is, and what it comes to, from its records alone. */
import { leadFigures } from '../../runner/report/headline.ts';
import { measureOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { definitionsOf } from './definitions.ts';
import { formatBytes, formatCount, formatNumber, formatTokens } from './format.ts';
import { hookWords, layersWords, layerText, placeWords } from './hook-words.ts';
import { architectureNames } from './kinds.ts';
import { shortLabel, variantsOf } from './short-labels.ts';
import { leadMeasures } from './statistics.ts';

const small = ['no', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine', 'Ten'];

/** What a release holds, in one sentence. */
export function releaseSummary(records: readonly EvaluationRecord[]): string {
  const same = <T>(read: (entry: EvaluationRecord) => T): T | undefined => {
    const values = new Set(records.map(read));
    return values.size === 1 ? [...values][0] : undefined;
  };
  const kinds = [...new Set(records.map(({ sae }) => architectureNames[sae.architecture]))].join(', ');
  const models = [...new Set(records.map(({ model }) => model.id))].join(', ');
  const [latents, k, tokens] = [
    same(({ sae }) => sae.d_sae),
    same(({ sae }) => sae.k),
    same(({ sae }) => sae.tokens_trained),
  ];
  const noun = nounOf(records);
  const wordsOf = noun.startsWith('SAE') ? hookWords : placeWords;
  const sites = [...new Set(records.map(({ sae }) => wordsOf(sae)))].join(', ');
  const count = small[records.length] ?? formatCount(records.length);
  return [
    `${count} ${kinds} ${noun} on ${sites} of ${models}, ${layersWords(records.map(({ sae }) => sae))}`,
    latents !== undefined && `${formatCount(latents)} latents`,
    k != null && `k ${k}`,
    tokens != null && `${formatTokens(tokens)} training tokens${records.length > 1 ? ' each' : ''}`,
  ]
    .filter(Boolean)
    .join('; ');
}

/** Where all of a release are of one kind, what they are. */
function nounOf(records: readonly EvaluationRecord[]): string {
  const noun = records.every(({ sae }) => sae.layers !== undefined)
    ? 'cross-layer transcoder'
    : records.every(({ sae }) => sae.places !== undefined)
      ? 'crosscoder'
      : records.every(({ sae }) => sae.reads !== undefined)
        ? 'transcoder'
        : 'SAE';
  return records.length === 1 ? noun : `${noun}s`;
}

export interface Headline {
  title: string;
  definition: string;
  /** One value, or the range over the SAEs. */
  text: string;
  /** Which SAE has which end. */
  ends: string | null;
}

/** The few figures one looks for first, over all SAEs of a release. */
export function headlines(records: readonly EvaluationRecord[]): Headline[] {
  const { variance, loss } = leadMeasures(records[0]!);
  const definitionOf = definitionsOf(records[0]!);
  const wanted = [...leadFigures(records[0]!), variance.id, loss.id, 'l0@v1', 'dead_fraction@v1'];
  return wanted.flatMap((definition) => {
    const found = records.flatMap((entry) => {
      const value = measureOf(entry, definition)?.value;
      return value == null ? [] : [{ entry, value }];
    });
    if (found.length === 0) return [];
    const { title, digits } = definitionOf(definition);
    const lowest = found.reduce((a, b) => (b.value < a.value ? b : a));
    const highest = found.reduce((a, b) => (b.value > a.value ? b : a));
    const [low, high] = [lowest, highest].map(({ value }) => formatNumber(value, digits));
    const label = ({ entry }: { entry: EvaluationRecord }) => saeLabel(entry, records);
    return [
      {
        title,
        definition,
        text: low === high ? low! : `${low}–${high}`,
        ends: low === high ? null : `${label(lowest)} to ${label(highest)}`,
      },
    ];
  });
}

/** Name of an SAE inside its release: its layer, and what sets it apart there. */
export function saeLabel(entry: EvaluationRecord, records: readonly EvaluationRecord[]): string {
  const one = new Set(records.map(({ sae }) => sae.layer)).size === 1;
  if (one) return records.length === 1 ? `L${layerText(entry.sae)}` : shortLabel(entry, records);
  return [`L${layerText(entry.sae)}`, variantsOf(records).get(entry)?.label].filter(Boolean).join(' ');
}

export interface ReleaseFile {
  file: EvaluationRecord['sae']['files'][number];
  sae: EvaluationRecord['sae'];
  /** Labels of the SAEs it holds. */
  labels: string[];
}

/** Every file once, by name and contents: SAEs of one repository often have files of one name, each in its own folder. */
export function releaseFiles(records: readonly { entry: EvaluationRecord; label: string }[]): {
  files: ReleaseFile[];
  repeated: boolean;
} {
  const found = new Map<string, ReleaseFile>();
  for (const { entry, label } of records) {
    for (const file of entry.sae.files) {
      // Without a hash it is the place that says whether two of one name are the same.
      const { repo, source } = entry.sae;
      const key = JSON.stringify([file.name, file.sha256 ?? [repo, source?.path, source?.registry?.id]]);
      const known = found.get(key);
      if (known === undefined) found.set(key, { file, sae: entry.sae, labels: [label] });
      else known.labels.push(label);
    }
  }
  const files = [...found.values()];
  return { files, repeated: new Set(files.map(({ file }) => file.name)).size < files.length };
}

/** Size of a file: as its record has it, else of an SAE's tensors what float32 in its shapes takes. */
export function fileSize(
  { name, bytes }: { name: string; bytes: number | null },
  { d_in, d_sae, training, architecture }: EvaluationRecord['sae'],
): string | null {
  if (bytes !== null) return formatBytes(bytes);
  const known = architecture === 'topk' && d_in !== null && training?.saeType === 'float32';
  if (!known || !name.endsWith('.safetensors')) return null;
  return `${formatBytes(4 * (2 * d_in * d_sae + d_sae + d_in))}, by its shapes`;
}
