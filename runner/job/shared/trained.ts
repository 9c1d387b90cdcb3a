import type { PolicyCounts } from '../../train/token-policy.ts';
import type { TrainedSae } from '../../train/trainer.ts';

export interface Trained {
  saes: TrainedSae[];
  /** What the token policy did. */
  policy: PolicyCounts;
}
