/** Every setting of the schema acts: another value of it changes what it says it does, or is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeFields } from '../../runner/config/describe-fields.ts';
import { roleOf } from '../../runner/config/roles.ts';
import { runConfig } from '../../runner/config/run-config.ts';
import { whole } from '../sample.ts';
import { type KeptRuns, keptRuns } from './kept-runs.ts';
import type { Left } from './program-run.ts';
import { type Wiring, wirings } from './wirings.ts';

let runs: KeptRuns;
beforeAll(async () => {
  runs = await keptRuns();
});
afterAll(() => runs?.close());

const settings = describeFields(runConfig).map(({ path }) => path);

test('the table has every setting of the schema, and no other', () => {
  expect(Object.keys(wirings).sort()).toEqual([...settings].sort());
});

/** Of each section a few, where not all are asked for. */
const SAMPLE = [
  'sae.k',
  'training.logSteps',
  'sweep.seed',
  'corpus.heldoutSeed',
  'evaluation.suites',
  'device',
];
const chosen = whole ? settings : SAMPLE;
const left = settings.length - chosen.length;

describe(`another value of a setting acts${left > 0 ? ` (${left} more: npm run test:wiring)` : ''}`, () => {
  test.each(chosen)('%s', async (path) => {
    const { made, run, base } = runs;
    const wiring: Wiring = wirings[path]!;
    const under = typeof wiring.under === 'function' ? wiring.under(made) : (wiring.under ?? {});
    const to: unknown = typeof wiring.to === 'function' ? wiring.to(made) : wiring.to;
    const { words = [] } = wiring;
    const changed = { settings: under, set: { [path]: to }, words };
    if (wiring.refused !== undefined) {
      const { outcome } = await run(changed);
      expect(outcome.code).toBe(wiring.code ?? 2);
      expect(outcome.err).toMatch(wiring.refused);
      return;
    }
    const before = await base(under, words);
    const seen = [wiring.seen ?? (({ weights }: Left) => weights)].flat();
    const was = await Promise.all(seen.map((look) => look(before, made)));
    // What is trained already is measured again, without a word about starting over.
    const again = roleOf(path) === 'evaluation' ? { from: before.folder } : {};
    const after = await run({ ...changed, ...again });
    const is = await Promise.all(seen.map((look) => look(after, made)));
    for (const [i, each] of is.entries()) expect(each, after.outcome.all).not.toEqual(was[i]);
    if ('gives' in wiring) expect(is).toEqual([wiring.gives]);
    if (path.startsWith('sae.')) {
      const [record] = after.records;
      const value = Array.isArray(to) ? to.join(', ') : to;
      expect(record!.sae.training?.[path.slice('sae.'.length)]).toEqual(value);
    }
    if (roleOf(path) === 'evaluation') {
      expect(after.outcome.code).toBe(0);
      const name = 'sae_L2_latest.safetensors';
      expect(after.weights[name]).toBe(before.weights[name]);
    }
  });
});
