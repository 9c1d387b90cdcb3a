/** The suites this program knows, in the order in which they are shown. */
import { absorption } from './absorption.ts';
import { core } from './core.ts';
import { crossLayer } from './cross-layer.ts';
import { crosscoder } from './crosscoder.ts';
import { features } from './features.ts';
import { groundTruth } from './ground-truth.ts';
import { interpScore } from './interpscore.ts';
import { kSparse } from './k-sparse.ts';
import { autointerp, ravel, unlearning } from './read-only.ts';
import { saeProbes } from './sae-probes.ts';
import { scr } from './scr.ts';
import { tpp } from './tpp.ts';

export const declarations = [
  interpScore,
  core,
  kSparse,
  tpp,
  scr,
  saeProbes,
  absorption,
  features,
  autointerp,
  ravel,
  unlearning,
  groundTruth,
  crossLayer,
  crosscoder,
] as const;
