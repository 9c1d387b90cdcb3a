/**
 * What a suite from a file is given, so that the file needs nothing installed beside it: the parts that the suites of
 * this program are made of.
 */
import { z } from 'zod';
import { cancellationPoint } from '../math/cancellation.ts';
import { random, shuffle } from '../math/random.ts';
import { resampleRows, resamplesOf, resampleWithinClasses } from '../metrics/bootstrap.ts';
import { difference, meanOf } from '../metrics/mover.ts';
import { combine, sumOf, toMeasure, unmeasured } from '../metrics/statistic.ts';
import { accuracy, correctRows } from '../probes/accuracy.ts';
import { auroc } from '../probes/auroc.ts';
import { rowReader, rowsFrom } from '../probes/features.ts';
import { decisionValues, fitLogistic } from '../probes/logistic-regression.ts';
import { largest, meanDifference } from '../probes/mean-difference.ts';
import { splitRows } from '../probes/split.ts';
import type { Definition } from '../report/definition.ts';
import type { View } from '../report/suite.ts';
import type { Reading, RunInputs, SuiteContext, SuiteRun } from './suite.ts';

export const suiteKit = {
  /** For the schema of settings. */
  z,
  /** To be called between the steps of a loop that takes seconds: where the user asked to stop, it ends there. */
  cancellationPoint,
  /** Seeded streams: the same numbers on every machine. */
  random,
  shuffle,
  /** Resamples of rows, and statistics over them with their intervals. */
  resampleRows,
  resampleWithinClasses,
  resamplesOf,
  sumOf,
  meanOf,
  combine,
  difference,
  unmeasured,
  toMeasure,
  /** Probes on features, dense or sparse. */
  rowReader,
  rowsFrom,
  splitRows,
  meanDifference,
  largest,
  fitLogistic,
  decisionValues,
  auroc,
  accuracy,
  correctRows,
};

export type SuiteKit = typeof suiteKit;

/** What a suite's file exports by default: the suite, made from the kit. */
export type SuiteFile = (kit: SuiteKit) => OwnSuite;

export interface OwnSuite {
  /** Lower-case words joined by -, none that this program has a suite of. */
  id: string;
  title: string;
  about: string;
  /** By id, as `my_metric@v1`; a new rule gets a new id. */
  definitions: Readonly<Record<string, Omit<Definition, 'group'>>>;
  views: readonly View[];
  /** Under `suites.<id>` of the configuration, each with `describe` and a default. */
  settings?: Readonly<Record<string, z.ZodType>>;
  /** The text it will read, so that memory and time are planned; left out it is not planned. */
  reads?(settings: Settings, inputs: RunInputs): readonly Reading[];
  begin(context: SuiteContext, settings: Settings): Promise<SuiteRun | null> | SuiteRun | null;
}

/** As its schemas parsed them. */
export type Settings = Readonly<Record<string, unknown>>;
