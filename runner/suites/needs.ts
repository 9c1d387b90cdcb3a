/** What each suite asks of a run's text and model. The run reads the union once (evaluation/observation.ts). */

export const suiteNames = ['interpscore', 'core', 'k-sparse', 'tpp', 'scr'] as const;

export type SuiteName = (typeof suiteNames)[number];

export interface SuiteNeeds {
  /** Rows of 128 tokens that begin with BOS, beside the packed rows that every run reads. */
  bosRows: boolean;
  /** The tasks of InterpScore: the first rows of their training split. */
  tasks: boolean;
  /** Sets of several classes, balanced, with test rows of their own; the residual is pooled as well. */
  sets: boolean;
  /** KL divergences, for which the language model's head is there twice. */
  divergence: boolean;
}

const NOTHING: SuiteNeeds = { bosRows: false, tasks: false, sets: false, divergence: false };

export const suiteNeeds: Readonly<Record<SuiteName, SuiteNeeds>> = {
  interpscore: { ...NOTHING, tasks: true },
  core: { ...NOTHING, bosRows: true, divergence: true },
  'k-sparse': { ...NOTHING, sets: true },
  tpp: { ...NOTHING, sets: true },
  scr: { ...NOTHING, sets: true },
};

/** Everything that any of the suites needs. */
export function needsOf(suites: readonly SuiteName[]): SuiteNeeds {
  const any = (need: keyof SuiteNeeds): boolean => suites.some((suite) => suiteNeeds[suite][need]);
  return {
    bosRows: any('bosRows'),
    tasks: any('tasks'),
    sets: any('sets'),
    divergence: any('divergence'),
  };
}
