/** Curves over k of probes on a few columns: of latents, of raw channels, and the whole residual beside them. */
import { meanOf } from '../metrics/mover.ts';
import { type Statistic, toMeasure } from '../metrics/statistic.ts';
import type { Curve } from '../report/part.ts';
import { UNTRAINED_LINE } from '../report/suite.ts';

/** What is said of one probe, such as its accuracy. */
export type Qualities<Key extends string> = Readonly<Record<Key, Statistic>>;

/** The probes of one data set or task. */
export interface Probed<Key extends string> {
  name: string;
  /** On k latents of the SAE, by k. */
  latents: ReadonlyMap<number, Qualities<Key>>;
  /** On k raw channels of the residual, and on all of it: the same for all SAEs at the hook. */
  residual: ReadonlyMap<number, Qualities<Key>>;
  ceiling: Qualities<Key>;
  /** On k latents of an untrained SAE; null where there is none. */
  untrained?: ReadonlyMap<number, Qualities<Key>> | null;
}

/** A curve for each of `keys`: the mean over all of `probed`, and each alone. All values are shares, from 0 to 1. */
export function probingCurves<Key extends string>(
  keys: readonly Key[],
  probed: readonly Probed<Key>[],
  ks: readonly number[],
): Record<Key, Curve> {
  const curveOf = (key: Key): Curve => {
    const mean = (of: readonly Probed<Key>[], read: (probe: Probed<Key>) => Qualities<Key>) =>
      toMeasure(meanOf(of.map((each) => read(each)[key])), {}, [0, 1]);
    const lines = (of: readonly Probed<Key>[]) => ({
      points: ks.map((k) => ({
        at: k,
        values: {
          sae: mean(of, ({ latents }) => latents.get(k)!),
          channels: mean(of, ({ residual }) => residual.get(k)!),
          ...(of.every(({ untrained }) => untrained) && {
            [UNTRAINED_LINE]: mean(of, ({ untrained }) => untrained!.get(k)!),
          }),
        },
      })),
      constants: { ceiling: mean(of, ({ ceiling }) => ceiling) },
    });
    return { ...lines(probed), sets: probed.map((each) => ({ name: each.name, ...lines([each]) })) };
  };
  return Object.fromEntries(keys.map((key) => [key, curveOf(key)])) as Record<Key, Curve>;
}
