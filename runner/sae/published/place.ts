import type { Place } from '../../hook.ts';
import type { LoadOptions } from '../checkpoints/adapter.ts';

/** Which one of a run's light checkpoints a place is. */
export interface LightCheckpoint {
  /** The run's or the repository's name. */
  of: string;
  /** Of the SAE in the run: L4, or L4_k64. */
  id: string;
  step: number;
}

/** An SAE on this machine, with where it came from. */
export interface SaePlace {
  /** As the user calls it. */
  name: string;
  /** For `openSaeFile`: a folder of one SAE, or a .pt file. */
  path: string;
  /** What its files do not say and something else does. */
  options: LoadOptions;
  /** What it is of: as the user says (a number is a block), and as its path or its registry's entry does. */
  hook: { asked: number | Place | undefined; fromPath: Place | null };
  /** owner/name, and the commit; null for local files. */
  repo: string | null;
  revision: string | null;
  /** In the repository. */
  pathInRepo: string | null;
  registry: { release: string; id: string; sha256: string } | null;
  license: string | null;
  /** What was taken from elsewhere than its files, each one phrase. */
  conversions: string[];
  /** Of a light checkpoint along training, which one it is. */
  light?: LightCheckpoint;
}
