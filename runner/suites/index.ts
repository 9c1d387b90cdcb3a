/** The suites that a run can ask for, in the order in which they are scored. */
import { absorption } from './absorption/suite.ts';
import { core } from './core/suite.ts';
import { features } from './features/suite.ts';
import { groundTruth } from './ground-truth/suite.ts';
import { interpScore } from './interpscore/suite.ts';
import { kSparse } from './k-sparse/suite.ts';
import { saeProbes } from './sae-probes/suite.ts';
import { scr } from './scr/suite.ts';
import { tpp } from './tpp/suite.ts';

export const suites = [
  interpScore,
  core,
  kSparse,
  tpp,
  scr,
  saeProbes,
  absorption,
  features,
  groundTruth,
] as const;
