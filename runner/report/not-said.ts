import type { EvaluationRecord } from './schema.ts';

/** What somebody else's figures leave unsaid of how they were made. */
export const notSaid = {
  started: null,
  wall_seconds: null,
  device: null,
  threads: null,
  versions: {},
  config_sha256: null,
  seeds: {},
} as const satisfies Partial<EvaluationRecord['provenance']>;
