/** What a run publishes does not say where it was made: neither folder nor home nor machine. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoModelFolder, demoRow, probeSet } from '../../runner/demo/index.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { LITTLE_TEXT, type Outcome, runProgram, settingWords } from './program.ts';

const TOKEN = 'hf_private_test_token';
const REPOSITORY = 'lab/private';
let folder: string;
let hub: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-of-mallory-'));
  hub = await startStandIn();
  hub.tokens.add(TOKEN);
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** Every file below a folder, read. */
async function everything(at: string): Promise<Map<string, string>> {
  const entries = await readdir(at, { recursive: true, withFileTypes: true });
  const paths = entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(path, 'latin1')] as const)),
  );
}

/** A name that stands in no file by chance. */
const HOST = 'host-of-mallory';
// Another host name for the program alone needs namespaces; `sysctl kernel.unprivileged_userns_clone=1` enables them.
const named = ['unshare', '-ru', 'sh', '-c', `hostname ${HOST} && exec "$0" "$@"`];
const [shell = '', ...rest] = [...named, 'hostname'];
const canName = spawnSync(shell, rest, { encoding: 'utf8' }).stdout?.trim() === HOST;

function start(...words: string[]): Promise<Outcome> {
  const environment = {
    HF_ENDPOINT: hub.url,
    HF_HOME: join(folder, 'home'),
    HOME: join(folder, 'home'),
    HF_TOKEN: TOKEN,
  };
  return runProgram(words, environment, canName ? named : []);
}

test('no output of a run on local text names the folder, the user or the host; verify finds the text again', async () => {
  const lines = (count: number, of: (i: number) => unknown): string =>
    Array.from({ length: count }, (_, i) => JSON.stringify(of(i))).join('\n');
  await mkdir(join(folder, 'texts'));
  const prose = join(folder, 'texts', 'prose.jsonl');
  const labelled = join(folder, 'texts', 'praise.jsonl');
  await writeFile(
    prose,
    lines(800, (i) => demoRow('prose', 5, i)),
  );
  const rows = probeSet('sentiment', 3, 300);
  await writeFile(
    labelled,
    lines(rows.length, (i) => rows[i]),
  );
  const model = join(folder, 'models', 'tiny-model');
  await cp(demoModelFolder, model, { recursive: true });
  const settings = {
    'corpus.source': prose,
    'corpus.heldoutShare': '0.2',
    'probing.tasks': JSON.stringify([
      'toxicity',
      {
        name: 'praise',
        files: [{ data: labelled, split: 'train' }],
        classes: [
          { value: 0, name: 'blame' },
          { value: 1, name: 'praise' },
        ],
      },
    ]),
    'training.tokens': '20480',
    ...LITTLE_TEXT,
    'upload.repository': REPOSITORY,
    'upload.everyTokens': '4096',
    'training.snapshots': 'bfloat16',
    layers: '[2]',
  };
  const [runs, content, out] = ['runs', 'content', 'report'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const places = [`--runs=${runs}`, `--content=${content}`];
  const made = await start(
    'eval',
    'small-world-quick',
    `--model=${model}`,
    '--name=own',
    `--out=${out}`,
    ...places,
    ...settingWords(settings),
  );
  expect({ code: made.code, err: made.err }).toEqual({ code: 0, err: '' });

  const published = new Map([...(await everything(content)), ...(await everything(out))]);
  const run = join(runs, 'own');
  for (const [path, text] of await everything(run)) {
    // The run's own state stays on this machine.
    if (path !== join(run, 'run.json')) published.set(path, text);
  }
  for (const [id, tree] of hub.find('model', REPOSITORY)!.commits)
    for (const [path, { bytes }] of tree) published.set(`${id} ${path}`, bytes.toString('latin1'));
  const names = [...published.keys()].join('\n');
  for (const name of ['README.md', 'index.html', 'records/', 'release/', '.safetensors'])
    expect(names).toContain(name);
  expect([...published.values()].join('\n')).toContain('prose.jsonl');
  const { username } = userInfo();
  // The machine's own name, where it cannot be changed for the program, may be so short that numbers hold it by chance.
  const host = canName ? [HOST] : hostname().length >= 6 ? [hostname()] : [];
  if (host.length === 0)
    console.info(
      `host name ${hostname()} is too short to be searched for (\`unshare -ru\` would give a longer one)`,
    );
  for (const word of ['desk-of-mallory', `/home/${username}`, `/${username}/`, ...host]) {
    const found = [...published].filter(([, text]) => text.includes(word)).map(([path]) => path);
    expect({ word, found }).toEqual({ word, found: [] });
  }

  // Text that has moved is found where it is said to be, and nowhere else.
  // Its fingerprint is of its name too.
  const moved = join(folder, 'elsewhere', 'prose.jsonl');
  await mkdir(join(folder, 'elsewhere'));
  const files = await readdir(join(content, 'measured', 'own'));
  const name = files.find((file) => !file.endsWith('-decoders.json'));
  const record = join(content, 'measured', 'own', name!);
  const verify = (...words: string[]): Promise<Outcome> =>
    start('verify', record, `--model=${model}`, `--runs=${runs}`, ...words);
  await rename(prose, moved);
  const lost = await verify();
  expect(lost.code).toBe(2);
  expect(lost.err).toMatch(
    /^error: .*: found text prose\.jsonl of fingerprint [0-9a-f]{12}, which is not known here; .*--text/,
  );
  const again = await verify(`--text=${moved}`);
  expect(again.err).toBe('');
  expect(again.out).toMatch(
    /(\d+) numbers made again, \1 the same, 0 within their intervals, 0 moved beyond/,
  );
  expect(again.code).toBe(0);
});
