/**
 * Site builds into one place, killed at any moment and several at once: the report that is seen is always a whole one, and
 * nothing is left of the others.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { random } from '../../runner/math/random.ts';
import { slowTest } from '../sample.ts';
import { contentsOf, halfMade } from './folder-contents.ts';
import { root } from './program.ts';

/** Kills that must have hit a build at work. */
const KILLS = 20;
/** Times that two builds start at once. */
const RACES = 100;
/** Of a machine on which others are at work. */
const PATIENCE_MS = 7_200_000;

let folder: string;
let place: string;
let out: string;
/** Two folders of records, what the reports of them are, and how long one takes to build. */
let contents: string[];
const reports: string[] = [];
let milliseconds: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-builds-'));
  place = join(folder, 'site');
  out = join(place, 'report');
  await mkdir(place);
  const records = fileURLToPath(new URL('../fixtures/site/records/', import.meta.url));
  const names = (await readdir(records)).filter((name) => name.includes('small-world')).sort();
  contents = await Promise.all(
    names.slice(0, 2).map(async (name) => {
      const content = join(folder, `content-${name}`);
      await mkdir(content);
      await cp(join(records, name), join(content, name));
      return content;
    }),
  );
  const began = performance.now();
  for (const content of contents) {
    await expectDone(build(content));
    reports.push(await reportSeen());
  }
  milliseconds = (performance.now() - began) / contents.length;
  expect(reports[0]).not.toBe(reports[1]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => expectDone(build(contents[0]!)));

/** Numbers of the processes of all builds: others may build beside this file. */
const started = new Set<number>();

interface Build {
  child: ChildProcess;
  /** Its output. */
  ended: Promise<string>;
}

/** In a group of its own, so that the builder it starts can be killed with it, or left alone. */
function build(content: string): Build {
  const words = ['runner/launch.mjs', 'runner/cli.ts', 'publish', '--site', out, '--content', content];
  const child = spawn(process.execPath, words, {
    cwd: root,
    detached: true,
    env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') },
  });
  started.add(child.pid!);
  let all = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      all += String(chunk);
    });
  return { child, ended: new Promise((done) => child.on('close', () => done(all))) };
}

async function expectDone({ child, ended }: Build): Promise<void> {
  const output = await ended;
  expect(child.exitCode, output).toBe(0);
}

/** Pages with their contents; names of scripts and styles hold hashes of theirs. */
async function reportSeen(): Promise<string> {
  return [...(await contentsOf(out))]
    .map(([path, hash]) => `${path} ${hash}`)
    .sort()
    .join('\n');
}

/** The process that a name of something half made says (runner/io/temporary-name.ts). */
function ownerOf(name: string): number {
  const [, pid] = /\.[0-9a-f]{8}-(\d+)-[0-9a-f]{16}\.tmp$/.exec(name) ?? [];
  if (pid === undefined) throw new Error(`${name} says no process`);
  return Number(pid);
}

async function expectNothingLeft(): Promise<void> {
  expect(await readdir(place)).toEqual(['report']);
  expect(await readFile(join(out, '.nojekyll'), 'utf8')).toBe('');
  const left = halfMade(await readdir(join(root, '.cache', 'site')));
  expect(left.filter((name) => started.has(ownerOf(name)))).toEqual([]);
}

slowTest(
  `killed ${KILLS} times: the report before or the whole new one, and the next build leaves nothing of the killed`,
  async () => {
    const stream = random('kills', 'site');
    let [kills, gone] = [0, 0];
    while (kills < KILLS) {
      const { child, ended } = build(contents[kills % 2]!);
      const timer = setTimeout(() => {
        // Every other time the builder is left without the one it builds for.
        if (kills % 2 === 0) process.kill(-child.pid!, 'SIGKILL');
        else child.kill('SIGKILL');
      }, stream.next() * milliseconds);
      await ended;
      clearTimeout(timer);
      if (child.signalCode === 'SIGKILL') kills++;
      const found = await reportSeen().catch(() => null);
      if (found === null) gone++;
      else expect(reports).toContain(found);
    }
    await expectDone(build(contents[0]!));
    expect(await reportSeen()).toBe(reports[0]);
    await expectNothingLeft();
    console.info(`${kills} kills of site builds; ${gone} between the two steps of the exchange`);
  },
  PATIENCE_MS,
);

slowTest(
  `two at once, ${RACES} times: both end well, and one of the two reports is seen, whole`,
  async () => {
    const seen = [0, 0];
    for (let race = 0; race < RACES; race++) {
      await Promise.all(contents.map((content) => expectDone(build(content))));
      const which = reports.indexOf(await reportSeen());
      expect(which, `race ${race}`).toBeGreaterThanOrEqual(0);
      seen[which]!++;
      await expectNothingLeft();
    }
    console.info(`${RACES} races of two site builds; the last was that of ${seen.join(' and ')}`);
  },
  PATIENCE_MS,
);
