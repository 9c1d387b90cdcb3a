/** `explain` in a process of its own: Ctrl-C ends it while the server is silent, and the answers that came are kept. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { explanations } from '../../runner/report/explanations.ts';
import { writeFeatures } from '../../runner/report/feature-files.ts';
import { knownEvidence } from '../unit/explain/evidence.ts';
import { type StandIn, startExplainer } from '../unit/explain/stand-in.ts';
import { finishedRun } from './finished-run.ts';
import { canInterrupt, type Program, startProgram, until } from './program.ts';

/** Answers before the server falls silent, and questions that wait when Ctrl-C comes. */
const [ANSWERED, WAITING] = [5, 2];
/** Two seconds, on a machine five times slower. */
const AT_ONCE_MS = 10_000;

let folder: string;
let server: StandIn;
let running: Program | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-explain-'));
  const at = await finishedRun(join(folder, 'runs'), 'known');
  await writeFeatures(join(at, 'features'), new Map([['known-l0', knownEvidence(4)]]));
  server = await startExplainer({ kind: 'perfect' });
});
afterAll(async () => {
  running?.child.kill('SIGKILL');
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

function explain(): Program {
  running = startProgram([
    ...['explain', 'known', `--runs=${join(folder, 'runs')}`, `--content=${join(folder, 'content')}`],
    ...[
      `--endpoint=${server.url}`,
      `--explainer=stand-in/${process.pid}`,
      `--parallel=${WAITING}`,
      '--no-site',
    ],
  ]);
  return running;
}

const written = (): Promise<string> =>
  readFile(join(folder, 'content/features/known/known-l0/explanations.json'), 'utf8');

it.skipIf(!canInterrupt)('stops at Ctrl-C, and goes on from the answers that came', async () => {
  server.answers = ANSWERED;
  const stopped = explain();
  await until(() => server.requests.length === ANSWERED + WAITING, stopped);
  const since = performance.now();
  stopped.child.kill('SIGINT');
  const { code, out, err } = await stopped.outcome;
  expect([code, err]).toEqual([130, '']);
  expect(performance.now() - since).toBeLessThan(AT_ONCE_MS);
  expect(out).toContain('stopped; answers that came are kept');
  await expect(written()).rejects.toThrow(/ENOENT/);

  server.answers = Number.POSITIVE_INFINITY;
  expect(await explain().outcome).toMatchObject({ code: 0, err: '' });
  const { requests, latents } = explanations.parse(JSON.parse(await written()));
  expect(latents).toHaveLength(4);
  expect(server.requests).toHaveLength(requests + WAITING);
});
