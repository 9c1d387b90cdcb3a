import type { FuzzFormat } from '../format.ts';
import { modelConfig, saeConfig } from './configs.ts';
import { npz, safetensors, torch } from './containers.ts';
import { lines } from './lines.ts';
import { parquet } from './parquet.ts';
import { recordJson, results } from './results.ts';
import { template, tokenizer } from './tokenizers.ts';

export const formats: readonly FuzzFormat[] = [
  safetensors,
  torch,
  npz,
  parquet,
  lines,
  tokenizer,
  template,
  modelConfig,
  saeConfig,
  results,
  recordJson,
];
