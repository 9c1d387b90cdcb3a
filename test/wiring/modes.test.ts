/**
 * What the command line asks for acts, or is refused in one line, in every kind of run: beside SAEs of others alone, from
 * weights that exist, on a synthetic model. The suite beside this file does the same for a run that trains anew.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeFields } from '../../runner/config/describe-fields.ts';
import { asksForNothing } from '../../runner/config/idle-settings.ts';
import { isOfTrainingAlone } from '../../runner/config/roles.ts';
import { runConfig } from '../../runner/config/run-config.ts';
import { root } from '../e2e/program.ts';
import { whole } from '../sample.ts';
import { type KeptRuns, keptRuns } from './kept-runs.ts';
import type { Made } from './made.ts';
import type { Left, Settings } from './program-run.ts';
import { type Wiring, wirings } from './wirings.ts';

interface Mode {
  settings?: Settings;
  words?: (made: Made) => string[];
  /** The settings that such a run may take otherwise than one that trains anew; not those that make it one. */
  asks: (path: string) => boolean;
}

const modes: Readonly<Record<string, Mode>> = {
  // Those of training alone are refused, which test/unit/config holds of each.
  'SAEs of others alone': {
    words: ({ sae }) => [`--sae=${sae}`],
    asks: (path) => !['train', 'saes'].includes(path) && !isOfTrainingAlone(path),
  },
  'training from weights that exist': {
    words: ({ sae }) => [`--from=${sae}`],
    asks: (path) => /^(?:sae|training)\./.test(path) && path !== 'training.from',
  },
  'a synthetic model': {
    settings: {
      'model.reference': join(root, 'test', 'fixtures', 'synthetic', 'model'),
      layers: [0],
      'corpus.source': 'samples',
      'evaluation.suites': ['ground-truth'],
    },
    asks: (path) => !['model.reference', 'corpus.source'].includes(path),
  },
};

/** What a run left, without what only says which settings it had. */
function found({ records, validation, similarity, weights }: Left): unknown {
  return {
    records: records.map(
      ({ id, metrics, suites, data, controls, paired, exclusions, caveats, provenance }) => {
        const { device, threads } = provenance;
        return { id, metrics, suites, data, controls, paired, exclusions, caveats, device, threads };
      },
    ),
    validation,
    similarity,
    weights,
  };
}

const settings = describeFields(runConfig).map(({ path }) => path);
/** Of each kind of run a few, where not all are asked for. */
const SAMPLE = ['sae.batchTokens', 'sae.biasInit', 'spill'];

describe.each(Object.entries(modes))('%s', (_, mode) => {
  let runs: KeptRuns;
  beforeAll(async () => {
    runs = await keptRuns();
  });
  afterAll(() => runs?.close());

  const all = settings.filter(mode.asks);
  const chosen = whole ? all : all.filter((path) => SAMPLE.includes(path));
  const left = all.length - chosen.length;
  test.each(chosen)(
    `%s acts or is refused${left > 0 ? ` (${left} more: npm run test:wiring)` : ''}`,
    async (path) => {
      const { made, run, base } = runs;
      const wiring: Wiring = wirings[path]!;
      const of = <T>(value: T | ((made: Made) => T)): T =>
        typeof value === 'function' ? (value as (made: Made) => T)(made) : value;
      const under = { ...of(wiring.under ?? {}), ...mode.settings };
      const words = [...(mode.words?.(made) ?? []), ...(wiring.words ?? [])];
      const to = of<unknown>(wiring.to);
      const looks = [found, ...[wiring.seen ?? []].flat()];
      const seen = (of: Left) => Promise.all(looks.map(async (look) => look(of, made)));
      const unchanged = async (): Promise<unknown> => {
        const found = await base(under, words);
        return found.outcome.code === 0 ? seen(found) : null;
      };
      // What is on the hub before, which both runs share.
      const sent = path.startsWith('upload.') ? await unchanged() : undefined;
      const after = await run({ settings: under, set: { [path]: to }, words });
      const { code, err } = after.outcome;
      if (code !== 0) {
        expect(code, after.outcome.all).toBeGreaterThanOrEqual(2);
        expect(err.trim().split('\n')).toHaveLength(1);
        return;
      }
      if (asksForNothing(path, to)) return;
      expect(await seen(after), after.outcome.all).not.toEqual(sent ?? (await unchanged()));
    },
  );
});
