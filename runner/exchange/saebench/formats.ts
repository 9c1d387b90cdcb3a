/** The evaluations of SAEBench that are read and written, in the order their files are written. */
import { absorption } from './absorption.ts';
import { core } from './core.ts';
import { autointerp, ravel, unlearning } from './flat.ts';
import type { SaeBenchFormat } from './format.ts';
import { kSparse } from './k-sparse.ts';
import { scr, tpp } from './perturbation.ts';
import { saeProbes } from './sae-probes.ts';

export const formats: readonly SaeBenchFormat[] = [
  core,
  kSparse,
  tpp,
  scr,
  saeProbes,
  absorption,
  autointerp,
  ravel,
  unlearning,
];
