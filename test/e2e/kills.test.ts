/**
 * kill -9 at any moment of an upload or of publishing: nothing that was there is lost, nothing is there by
 * half, and the same command again completes it and leaves nothing of the killed one.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Random, random } from '../../runner/math/random.ts';
import { TOKEN } from '../hub/open.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { slowTest, whole } from '../sample.ts';
import { finishedRun } from './finished-run.ts';
import { contentsOf, halfMade } from './folder-contents.ts';
import { type Program, root, startProgram, watched } from './program.ts';

/** Kills that must have hit a process at work, of each kind. */
const KILLS = whole ? 20 : 2;
/** Of a machine on which others are at work. */
const PATIENCE_MS = 3_600_000;
/** Between a request and the kill: into its answer, or into what is made of it. */
const LATEST_MS = 40;

let folder: string;
let server: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-kills-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  server = await startStandIn();
  server.tokens.add(TOKEN);
});
afterEach(() => server.close());

const environment = () => ({
  HF_ENDPOINT: server.url,
  HF_HOME: join(folder, 'home'),
  HF_TOKEN: TOKEN,
  XDG_CACHE_HOME: join(folder, 'cache'),
});

/** Kills a program some moments after its n-th request; false where it ended before. */
async function killedAt(program: Program, request: number, stream: Random): Promise<boolean> {
  const { child } = program;
  let seen = 0;
  server.onRequest = () => {
    if (seen++ === request) setTimeout(() => child.kill('SIGKILL'), stream.integer(LATEST_MS));
  };
  await program.outcome;
  server.onRequest = () => undefined;
  return child.signalCode === 'SIGKILL';
}

/** The tree of the branch as text: names and hashes. */
function branch(name: string): string {
  const { commits, refs } = server.find('model', name)!;
  return listed(commits.get(refs.get('main')!)!);
}

function listed(tree: ReadonlyMap<string, { sha256: string }>): string {
  return [...tree]
    .map(([path, file]) => `${path} ${file.sha256}`)
    .sort()
    .join('\n');
}

test(`publishing, killed ${KILLS} times: the repository has the release before or the whole new one`, async () => {
  const runs = join(folder, 'published');
  const publish = () => startProgram(['publish', 'demo', '--runs', runs, '--to', 'me/saes'], environment());
  const release = async (noise: number): Promise<void> => {
    await finishedRun(runs, 'demo', { noise });
    const { code, all } = await publish().outcome;
    expect({ code, all }).toMatchObject({ code: 0 });
  };
  await release(1);
  const requests = server.requests.length;
  const stream = random('kills', 'publish');
  let [kills, done] = [0, 0];
  for (let version = 2; kills < KILLS; version++) {
    const before = branch('me/saes');
    await finishedRun(runs, 'demo', { noise: version });
    const own = await contentsOf(join(runs, 'demo'));
    if (await killedAt(publish(), stream.integer(requests), stream)) kills++;
    const between = branch('me/saes');
    await release(version);
    const after = branch('me/saes');
    expect(after).not.toBe(before);
    expect([before, after]).toContain(between);
    if (between === after) done++;
    const left = await contentsOf(join(runs, 'demo'));
    expect(halfMade(left.keys())).toEqual([]);
    for (const [path, hash] of own) if (!path.startsWith('release')) expect(left.get(path)).toBe(hash);
  }
  console.info(`${kills} kills of publishing, ${requests} requests each; ${done} had committed before`);
});

/** Two hooks, two SAEs each; a state is saved every third step, and uploaded where the one before has arrived. */
const training = [
  'layers=[0,1]',
  'threads=1',
  'corpus.rowTokens=64',
  'sae.batchTokens=256',
  'sae.dSae=64',
  'sae.biasInitSamples=256',
  'sweep.k=[4,8]',
  'training.tokens=15360',
  'training.checkpointTokens=768',
  'upload.everyTokens=768',
];

slowTest(
  `training that uploads, killed ${KILLS} times: every commit is whole, and the weights are those of a run that nobody cut`,
  async () => {
    const program = fileURLToPath(new URL('../job/training.ts', import.meta.url));
    const start = (place: string): Program => {
      const words = [program, join(folder, place), ...training, `upload.repository=lab/${place}`];
      return watched(
        spawn(process.execPath, words, { cwd: root, env: { ...process.env, ...environment() } }),
      );
    };
    const result = ({ out, all }: { out: string; all: string }): string => {
      const last = out.trim().split('\n').at(-1)!;
      expect(last, all).toMatch(/^done [0-9a-f]{64}$/);
      return last;
    };
    const expected = result(await start('uncut').outcome);

    const stream = random('kills', 'upload');
    let [kills, runs, states] = [0, 0, 0];
    while (kills < KILLS) {
      const place = `cut-${runs++}`;
      for (;;) {
        const running = start(place);
        if (kills < KILLS && (await killedAt(running, stream.integer(14), stream))) {
          kills++;
          continue;
        }
        expect(result(await running.outcome)).toBe(expected);
        break;
      }
      for (const tree of server.find('model', `lab/${place}`)!.commits.values()) {
        if (tree.size === 0) continue;
        states++;
        const manifest = JSON.parse(String(tree.get('resume/manifest.json')!.bytes)) as {
          files: Record<string, { sha256: string }>;
        };
        for (const [name, file] of Object.entries(manifest.files))
          expect(tree.get(`resume/${name}`)?.sha256, name).toBe(file.sha256);
        expect([...tree.keys()].filter((name) => /^sae_.*_latest\.safetensors$/.test(name))).toHaveLength(4);
      }
      expect(halfMade((await contentsOf(join(folder, place))).keys())).toEqual([]);
    }
    console.info(
      `${kills} kills over ${runs} runs that upload; ${states} states in their commits, all whole`,
    );
  },
  PATIENCE_MS,
);
