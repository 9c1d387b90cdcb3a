/** From what the sweep left behind to the measured part of each SAE's record: what every run measures, and its suites. */
import { MalformedError } from '../errors.ts';
import type { Hook } from '../hook.ts';
import { cancellationPoint } from '../math/cancellation.ts';
import { resampleRows } from '../metrics/bootstrap.ts';
import type { Statistic } from '../metrics/statistic.ts';
import type { BaseDefinitionId } from '../report/definitions.ts';
import { pairedIds } from '../report/paired.ts';
import { partFaults } from '../report/part.ts';
import type { Controls, EvaluationRecord, Measure, Paired, Part } from '../report/schema.ts';
import { definitionOf } from '../report/suites/find.ts';
import { lossRecoveredSuite } from '../suites/loss-recovered.ts';
import { reconstructionSuite } from '../suites/reconstruction.ts';
import type { LatentUse, ScoredSae, Suite, SuiteResult, SuiteRun } from '../suites/suite.ts';
import type { ControlsMeasured } from './control-pass.ts';
import { controlsPart } from './controls.ts';
import { keysAt, type PairingKeys, pairedPart } from './pairing.ts';
import type { HookMeasured } from './token-pass.ts';

/** The fields of a record that evaluation fills. */
export interface Evaluated extends Hook {
  metrics: Partial<Record<BaseDefinitionId, Measure>>;
  suites: Record<string, Part>;
  curves: EvaluationRecord['curves'];
  paired: Paired | undefined;
  /** Of its latents: files beside the record, where a suite gives them. */
  evidence: SuiteResult['evidence'];
  controls: Controls | undefined;
}

/** A suite of the run that has begun. */
export interface RunningSuite {
  suite: Suite;
  run: SuiteRun;
}

export interface EvaluateOptions {
  draws: { resamples: number; seed: number };
  pairing: PairingKeys;
  /** Whether every metric over the tokens keeps its resamples, or those alone that SAEs are ranked by. */
  pairEvery: boolean;
  /** Of the decoder of an SAE, by hook and number. */
  directions(hook: number, index: number): ReturnType<ScoredSae['directions']>;
  decoder(hook: number, index: number): ScoredSae['decoder'];
  /** Content hash of an SAE. */
  sha256(hook: number, index: number): string;
  /** Called between SAEs, with how many are done. */
  onSae?: (done: number, total: number) => void;
}

/**
 * @param controls by hook, where controls were measured
 * @returns one result for each SAE of each hook, in their order
 */
export async function evaluate(
  hooks: readonly HookMeasured[],
  suites: readonly RunningSuite[],
  controls: readonly ControlsMeasured[] | null,
  options: EvaluateOptions,
): Promise<Evaluated[]> {
  const { draws } = options;
  const rows = hooks[0]?.tables.activations.rows ?? 0;
  // One set of resamples for all SAEs: their differences are paired.
  const resamples = resampleRows(rows, { count: draws.resamples, seed: draws.seed }, hooks[0]?.documents);
  const total = hooks.reduce((sum, hook) => sum + hook.tables.saes.length, 0);
  const results: Evaluated[] = [];
  for (const [hookIndex, hook] of hooks.entries()) {
    const tokens = hook.tables.activations.tokens.reduce((sum, count) => sum + count, 0);
    for (const [index, reconstruction] of reconstructionSuite(hook.tables, resamples).entries()) {
      const loss = hook.losses && lossRecoveredSuite(hook.losses[index]!, resamples);
      const metrics = { ...reconstruction.metrics, ...loss?.metrics };
      const statistics = { ...reconstruction.statistics, ...loss?.statistics };
      let directions: ReturnType<ScoredSae['directions']> | undefined;
      const uses: (LatentUse & { suite: string })[] = [];
      const sae: ScoredSae = {
        hook: hookIndex,
        index,
        sha256: options.sha256(hookIndex, index),
        directions: () => (directions ??= options.directions(hookIndex, index)),
        decoder: options.decoder(hookIndex, index),
        uses,
        base: { statistics, measures: metrics, tokens },
      };
      const scored: { running: RunningSuite; result: SuiteResult }[] = [];
      for (const running of suites) {
        cancellationPoint();
        const result = checked(running.suite, await running.run.score(sae));
        scored.push({ running, result });
        const suite = running.suite.declaration.id;
        uses.push(...(result.uses ?? []).map((use) => ({ suite, ...use })));
      }
      const measured = controls?.[hookIndex];
      const controlled = [];
      if (measured !== undefined) {
        for (const { running, result } of scored)
          controlled.push(...((await running.run.controlled?.(sae, result)) ?? []));
      }
      const pairing = keysAt(
        options.pairing,
        Object.fromEntries(
          scored.map(({ running, result }) => [running.suite.declaration.id, result.pairing]),
        ),
      );
      results.push({
        layer: hook.layer,
        site: hook.site,
        metrics,
        suites: Object.fromEntries(
          scored.map(({ running, result }) => [running.suite.declaration.id, result.part]),
        ),
        curves: reconstruction.curves,
        paired: pairedPart(
          pairedStatistics(statistics, scored, options.pairEvery),
          pairing,
          ownStatistics(scored, pairing),
        ),
        evidence: scored.find(({ result }) => result.evidence !== undefined)?.result.evidence,
        controls: measured && controlsPart(hook, index, measured, controlled, draws),
      });
      options.onSae?.(results.length, total);
    }
  }
  return results;
}

/** Those that are ranked by, of the sweep and of suites, and where it is asked for all of the sweep. */
export function pairedStatistics(
  ofSweep: Readonly<Record<string, Statistic>>,
  scored: readonly { result: SuiteResult }[],
  every: boolean,
): Record<string, Statistic> {
  const all: Record<string, Statistic> = Object.assign(
    {},
    ofSweep,
    ...scored.map(({ result }) => result.statistics),
  );
  const kept = new Set<string>([...pairedIds, ...(every ? Object.keys(ofSweep) : [])]);
  return Object.fromEntries(Object.entries(all).filter(([id]) => kept.has(id)));
}

/** What suites that name their rows give of their own definitions, where the part holds the value. */
function ownStatistics(
  scored: readonly { running: RunningSuite; result: SuiteResult }[],
  { suites = {} }: PairingKeys,
): Record<string, Record<string, Statistic>> {
  const own = scored.flatMap(({ running: { suite }, result: { part, statistics = {} } }) => {
    const { id, definitions } = suite.declaration;
    if (suites[id] === undefined) return [];
    const found = Object.entries(statistics).filter(
      ([each]) => Object.hasOwn(definitions, each) && part.measures?.[each] !== undefined,
    );
    return [[id, Object.fromEntries(found)] as const];
  });
  return Object.fromEntries(own);
}

/** @throws MalformedError when a suite's part is not what it declares, before anything is written */
function checked({ declaration }: Suite, result: SuiteResult): SuiteResult {
  const [fault] = partFaults(
    result.part,
    declaration,
    (id) => declaration.definitions[id] ?? definitionOf({}, id),
  );
  if (fault === undefined) return result;
  throw new MalformedError({
    thing: `suite ${declaration.id}, ${fault.path.join('.')}`,
    found: fault.message,
    expected: 'a part as the suite declares it',
    next: 'Correct the suite: its score, its views or the range of its definition.',
  });
}
