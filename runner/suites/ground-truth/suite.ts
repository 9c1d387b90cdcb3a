/** Recovery of the true features of a synthetic model. */
import { resampleRows } from '../../metrics/bootstrap.ts';
import { combine, type Estimate, type Statistic, sumOf, toMeasure } from '../../metrics/statistic.ts';
import type { Measure, Part } from '../../report/schema.ts';
import { groundTruth as declaration } from '../../report/suites/ground-truth.ts';
import { defineSuite, type SuiteResult } from '../suite.ts';
import type { TrueDetections } from '../truth.ts';
import { QUALITIES, qualities, qualityEstimates } from './detectors.ts';
import { picturesOf } from './pictures.ts';

const OF_THE_DECODER = 'it follows from the decoder alone';
const OF_A_REFERENCE = 'references are measured once, for their values alone';

type Own = keyof typeof declaration.definitions;

export const groundTruth = defineSuite({
  declaration,
  needs: 'truth',
  settings: {},
  reads: () => [],
  async begin(context) {
    const { truth, draws } = context;
    if (truth === null) return null;
    return {
      // Decoders are compared over the same samples, which the packed rows' key names; the suite draws its own blocks of them.
      score({ hook, index }): SuiteResult {
        const found = truth.detections.at(hook);
        const detection = found.saes[index]!;
        const references = referencesOf(found, index);
        if (detection.matching === null) {
          const missing: Measure = { value: null, reason: detection.reason };
          const ids = Object.keys(declaration.definitions).filter((id) => id.endsWith('@synthsaebench'));
          return {
            part: { measures: Object.fromEntries(ids.map((id) => [id, missing])), tables: { references } },
          };
        }
        const { mcc, uniqueness } = detection.matching;
        const resamples = resampleRows(found.blocks, {
          count: draws.resamples,
          seed: `ground-truth ${draws.seed}`,
        });
        const means = qualityEstimates(found, detection, resamples);
        const statistics: Partial<Record<Own, Statistic>> = {
          'mcc@synthsaebench': ofDecoder(mcc),
          'uniqueness@synthsaebench': ofDecoder(uniqueness),
          ...Object.fromEntries(QUALITIES.map((quality) => [`${quality}@synthsaebench`, means[quality]])),
          'l0_true@synthsaebench': combine(
            [sumOf(activeOf(found), resamples), sumOf(found.samples, resamples)],
            (active, samples) => active / samples,
            'there are no samples',
          ),
        };
        const measures = Object.entries(statistics).map(([id, statistic]) => [
          id,
          toMeasure(statistic, {}, declaration.definitions[id as Own].range),
        ]);
        const pictures = picturesOf(truth, found, detection, qualities(found, detection).f1s);
        return {
          part: {
            measures: Object.fromEntries(measures),
            ...pictures,
            tables: { references, ...pictures.tables },
          },
          statistics,
        };
      },
    };
  },
});

/** Of each block, features that fire in all its samples together. */
function activeOf({ blocks, firings }: TrueDetections): Float64Array {
  const active = new Float64Array(blocks);
  const features = firings.length / blocks;
  firings.forEach((count, at) => {
    active[Math.floor(at / features)]! += count;
  });
  return active;
}

function ofDecoder(value: number): Estimate {
  return { value, samples: new Float64Array(0), leftOut: [], intervalNote: OF_THE_DECODER };
}

function referencesOf(found: TrueDetections, index: number): NonNullable<Part['tables']>[string] {
  return found.references.flatMap(({ name, note, of, ...detection }) => {
    if (!of.includes(index) || detection.matching === null) return [];
    const { mcc, uniqueness } = detection.matching;
    const { f1s: _, ...means } = qualities(found, detection);
    const cells = Object.entries({ mcc, uniqueness, ...means }).map(([key, value]) => [
      key,
      { value, interval: null, interval_note: OF_A_REFERENCE },
    ]);
    return [{ name, note, cells: Object.fromEntries(cells) }];
  });
}
