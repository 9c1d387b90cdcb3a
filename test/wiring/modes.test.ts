/**
 * What the command line asks for acts, or is refused in one line, in every kind of run: beside SAEs of others alone, from
 * weights that exist, on a synthetic model. The suite beside this file does the same for a run that trains anew.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeFields } from '../../runner/config/describe-fields.ts';
import { isOfTrainingAlone } from '../../runner/config/roles.ts';
import { runConfig } from '../../runner/config/run-config.ts';
import { root } from '../e2e/program.ts';
import { whole } from '../sample.ts';
import { type KeptRuns, keptRuns } from './kept-runs.ts';
import type { Left, Settings } from './program-run.ts';
import { type Made, type Wiring, wirings } from './wirings.ts';

let runs: KeptRuns;
beforeAll(async () => {
  runs = await keptRuns();
});
afterAll(() => runs?.close());

interface Mode {
  settings?: Settings;
  /** Settings that make it what it is, with those of its words. */
  says: readonly string[];
  words?: (made: Made) => string[];
}

const modes: Readonly<Record<string, Mode>> = {
  'SAEs of others alone': { says: ['train', 'saes'], words: ({ sae }) => [`--sae=${sae}`] },
  'training from weights that exist': {
    says: ['train', 'training.from'],
    words: ({ sae }) => [`--from=${sae}`],
  },
  'a synthetic model': {
    says: ['model.reference', 'corpus.source'],
    settings: {
      'model.reference': join(root, 'test', 'fixtures', 'synthetic', 'model'),
      layers: [0],
      'corpus.source': 'samples',
      'evaluation.suites': ['ground-truth'],
    },
  },
};

/** What a run left, without what only says which settings it had. */
function found({ records, validation, similarity, weights }: Left): unknown {
  return {
    records: records.map(({ id, metrics, suites, data, controls, exclusions, caveats, provenance }) => {
      const { device, threads } = provenance;
      return { id, metrics, suites, data, controls, exclusions, caveats, device, threads };
    }),
    validation,
    similarity,
    weights,
  };
}

const settings = describeFields(runConfig).map(({ path }) => path);
/** Of each kind of run a few, where not all are asked for. */
const SAMPLE = ['layers', 'sae.batchTokens', 'sae.biasInit', 'training.log', 'probing.tasks', 'spill'];
const chosen = whole ? settings : SAMPLE;
const left = settings.length - chosen.length;

describe.each(Object.entries(modes))('%s', (kind, mode) => {
  test.each(chosen.filter((path) => !mode.says.includes(path)))(
    `%s acts or is refused${left > 0 ? ` (${left} more: npm run test:wiring)` : ''}`,
    async (path) => {
      const { made, run, base } = runs;
      const wiring: Wiring = wirings[path]!;
      const of = <T>(value: T | ((made: Made) => T)): T =>
        typeof value === 'function' ? (value as (made: Made) => T)(made) : value;
      const under = { ...of(wiring.under ?? {}), ...mode.settings };
      const words = [...(mode.words?.(made) ?? []), ...(wiring.words ?? [])];
      const to = of<unknown>(wiring.to);
      const after = await run({ settings: under, set: { [path]: to }, words });
      const { code, err } = after.outcome;
      if (kind === 'SAEs of others alone' && isOfTrainingAlone(path))
        expect(err).toMatch(
          /expected none(: it does nothing without SAEs that the run trains| where nothing is trained)/,
        );
      if (code !== 0) {
        expect(code, after.outcome.all).toBeGreaterThanOrEqual(2);
        expect(err.trim().split('\n')).toHaveLength(1);
        return;
      }
      const before = await base(under, words);
      const looks = [found, ...[wiring.seen ?? []].flat()];
      const is = await Promise.all(looks.map(async (look) => look(after, made)));
      const was = await Promise.all(looks.map(async (look) => look(before, made)));
      expect(is, after.outcome.all).not.toEqual(was);
    },
  );
});
