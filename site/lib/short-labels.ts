/** Names short enough to stand at the end of a line. */
import { placeSite } from '../../runner/report/place-site.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { layerText } from './hook-words.ts';

/** L4, or L4·2 for the second record of a layer. */
function layerLabel(entry: EvaluationRecord, among: readonly EvaluationRecord[]): string {
  const same = among.filter((other) => other.sae.layer === entry.sae.layer);
  const label = `L${layerText(entry.sae)}`;
  return same.length > 1 ? `${label}·${same.indexOf(entry) + 1}` : label;
}

/**
 * What sets an SAE apart from others of its layer, in a few characters: `k32 s1`. Its place among them where nothing
 * does.
 */
export function shortLabel(entry: EvaluationRecord, among: readonly EvaluationRecord[]): string {
  if (among.some((other) => other.sae.layer !== entry.sae.layer) || among.length === 1)
    return layerLabel(entry, among);
  // All of them by the same facts, or they could not be told apart by reading.
  const told = [[place, ...facts], ownFacts(among)].find((each) =>
    among.every((one) => labelBy(each, one, among) !== null),
  );
  return (told && labelBy(told, entry, among)) ?? layerLabel(entry, among);
}

/** What sets a record apart, of these facts; null where that is nothing, or too long to be read at a line's end. */
function labelBy(
  told: readonly RecordFact[],
  entry: EvaluationRecord,
  among: readonly EvaluationRecord[],
): string | null {
  const parts = told.flatMap(({ read, mark }) => {
    const differ = new Set(among.map(read)).size > 1;
    const value = read(entry);
    return differ && value !== undefined && value !== null ? [`${mark}${value}`] : [];
  });
  const label = parts.join(' ');
  const unique = (other: EvaluationRecord): string => told.map(({ read }) => read(other)).join(' ');
  const alone = among.filter((other) => unique(other) === unique(entry)).length === 1;
  return alone && label !== '' && label.length <= LABEL_LENGTH ? label : null;
}

/** Longest text at the end of a line, characters. */
export const LABEL_LENGTH = 20;

type Fact = string | number | boolean | null | undefined;

interface RecordFact {
  mark: string;
  read: (entry: EvaluationRecord) => Fact;
}

/** Sets SAEs apart at whatever layers they are: no line goes from one place in a block to another. */
const place: RecordFact = {
  mark: '',
  read: ({ sae }) => placeSite(sae).replaceAll('.hook_', '_').replace(' > ', '→'),
};

/** What SAEs of one layer may differ in, as the settings of a sweep name it. */
const facts: readonly RecordFact[] = [
  { mark: '', read: ({ sae }) => sae.architecture },
  { mark: 'n', read: ({ sae }) => sae.d_sae },
  { mark: 'k', read: ({ sae }) => sae.k },
  { mark: 'kaux', read: ({ sae }) => sae.training?.kAux },
  { mark: 'alpha', read: ({ sae }) => sae.training?.alphaAux },
  { mark: '', read: ({ sae }) => sae.training?.auxVariant },
  { mark: 'lr', read: ({ sae }) => sae.training?.learningRate },
  { mark: 's', read: ({ sae }) => sae.training?.seed },
];

/** Settings that have no mark above, such as those of one architecture alone, by their names. */
function ownFacts(among: readonly EvaluationRecord[]): RecordFact[] {
  const names = new Set(among.flatMap(({ sae }) => Object.keys(sae.training ?? {})));
  return [...names].map((name) => ({ mark: `${name} `, read: ({ sae }) => sae.training?.[name] }));
}

/** What an SAE is in its release, whatever its layer. */
export interface Variant {
  /** Equal for SAEs that are alike in all but their layer. */
  key: string;
  /** What sets it apart, in a few characters: another for every key; '' where nothing does. */
  label: string;
}

const known = new WeakMap<readonly EvaluationRecord[], Map<EvaluationRecord, Variant>>();

/**
 * The variant of each SAE of one release. What differs between layers alone sets nothing apart; SAEs of one layer that
 * are alike in all are numbered.
 */
export function variantsOf(among: readonly EvaluationRecord[]): ReadonlyMap<EvaluationRecord, Variant> {
  const before = known.get(among);
  if (before !== undefined) return before;
  // What follows from the place, as whether b_dec is subtracted from what is read, is told with it.
  const layers = [...Map.groupBy(among, (entry) => `${entry.sae.layer} ${place.read(entry)}`).values()];
  const told = [...facts, ...ownFacts(among).filter(({ mark }) => !named.has(mark.trim()))].filter(
    ({ read }) => layers.some((layer) => new Set(layer.map(read)).size > 1),
  );
  if (new Set(among.map(place.read)).size > 1) told.unshift(place);
  const texts = among.map((entry) =>
    told
      .flatMap(({ read, mark }) => {
        const value = read(entry);
        return value !== undefined && value !== null ? [`${mark}${value}`] : [];
      })
      .join(' '),
  );
  const labels = shortened(texts);
  const alike = Map.groupBy(
    among.map((_, i) => i),
    (i) => `${among[i]!.sae.layer} ${texts[i]}`,
  );
  const variants = new Map<EvaluationRecord, Variant>();
  for (const places of alike.values())
    places.forEach((i, number) => {
      const numbered = (text: string): string =>
        places.length > 1 ? [text, `no. ${number + 1}`].filter(Boolean).join(' ') : text;
      variants.set(among[i]!, { key: numbered(texts[i]!), label: numbered(labels.get(texts[i]!)!) });
    });
  known.set(among, variants);
  return variants;
}

/** Texts cut to a line's end between two words, each to another: at their end, else at their head, else numbered. */
function shortened(texts: readonly string[]): Map<string, string> {
  const distinct = [...new Set(texts)];
  const head = (text: string): string => {
    if (text.length <= LABEL_LENGTH) return text;
    const end = text.lastIndexOf(' ', LABEL_LENGTH - 2);
    return end > 0 ? `${text.slice(0, end)} …` : text.slice(0, LABEL_LENGTH);
  };
  const tail = (text: string): string => {
    if (text.length <= LABEL_LENGTH) return text;
    const end = text.slice(2 - LABEL_LENGTH);
    return `… ${end.slice(end.indexOf(' ') + 1)}`;
  };
  const cut = [head, tail].find((each) => new Set(distinct.map(each)).size === distinct.length);
  return new Map(distinct.map((text, i) => [text, cut?.(text) ?? `${head(text)}·${i + 1}`]));
}

/** Settings that `facts` reads. */
const named = new Set(['kAux', 'alphaAux', 'auxVariant', 'learningRate', 'seed', 'k', 'dSae']);

/** Names of a few SAEs that stand side by side: their layers where each has one of its own, else letters. */
export function compareLabels(saes: readonly { model: string; layer: number | null }[]): string[] {
  const layers = new Set(saes.map(({ layer }) => layer));
  const models = new Set(saes.map(({ model }) => model));
  return layers.size === saes.length && !layers.has(null) && models.size === 1
    ? saes.map(({ layer }) => `L${layer}`)
    : saes.map((_, i) => String.fromCharCode('A'.charCodeAt(0) + i));
}
