/** A path with nothing at it is a mistake of whoever wrote it, whichever verb and option it is given to: exit code 2. */
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { loadVerb, verbs } from '../../../runner/commands/verbs.ts';
// Loaded beforehand, as what it leaves in the process is no test's.
import '../../../runner/config/run-config.ts';
import { InterpboardError } from '../../../runner/errors.ts';

const nowhere = join(import.meta.dirname, 'nowhere', 'at-all');
const inRuns = ['nothing', '--runs', nowhere];

/** Of each verb that reads from paths, the ways in which it is given one. */
const table: Readonly<Record<string, readonly (readonly string[])[]>> = {
  eval: [
    ['--config', `${nowhere}.json`],
    ['--suite', `${nowhere}.ts`],
    ['--model', nowhere],
    ['--sae', nowhere],
    ['--from', nowhere, '--layers=2'],
  ],
  plan: [
    ['--config', `${nowhere}.json`],
    ['--suite', `${nowhere}.ts`],
    ['--model', nowhere],
    ['--sae', nowhere],
    ['--from', nowhere, '--layers=2'],
  ],
  submit: [['--engine=slurm', '--shards=2', '--config', `${nowhere}.json`]],
  import: [[nowhere], [`${nowhere}.json`]],
  merge: [inRuns],
  explain: [inRuns],
  export: [[nowhere, '--to', join(nowhere, 'out')]],
  verify: [[nowhere], [`${nowhere}.json`]],
  inspect: [[nowhere], [`${nowhere}/model.safetensors`]],
  publish: [[...inRuns, '--to=owner/name']],
  build: [['--content', nowhere]],
  preview: [['--out', nowhere]],
  validate: [[nowhere], [`${nowhere}.json`]],
};

/** They read from no path of the user's. */
const others = ['doctor', 'init', 'cuda'];

afterEach(() => vi.unstubAllEnvs());

it('every verb is in the table, or reads from no path', () => {
  expect([...Object.keys(table), ...others].sort()).toEqual(Object.keys(verbs).sort());
});

it.each(Object.entries(table).flatMap(([verb, ways]) => ways.map((words) => [verb, words] as const)))(
  '%s %j',
  async (verb, words) => {
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:9/v1');
    vi.stubEnv('OPENAI_MODEL', 'none');
    const { run } = (await loadVerb(verb))!;
    const error: unknown = await Promise.resolve(run([...words])).catch((thrown: unknown) => thrown);
    if (!(error instanceof InterpboardError)) throw new Error(`no error of the program: ${error}`);
    expect([error.exitCode, error.message]).toEqual([2, expect.stringMatching(/found no|found none/)]);
    expect(error.message).not.toContain('\n');
  },
);
