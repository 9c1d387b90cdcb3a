/** The verbs that are no job, as a user calls them: build, preview, cuda. */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { canInterrupt, root, runProgram, startProgram, until } from './program.ts';

let folder: string;
let content: string;
let out: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-verbs-'));
  content = join(folder, 'content');
  out = join(folder, 'dist');
  await mkdir(join(content, 'measured'), { recursive: true });
  const record = 'small-world-l0.json';
  await cp(join(root, 'test/fixtures/site/records', record), join(content, 'measured', record));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('build makes the report, preview serves it until it is stopped', async () => {
  const none = await runProgram(['preview', `--out=${out}`]);
  expect(none).toMatchObject({ code: 2, out: '' });
  expect(none.err).toBe(
    `error: report ${out}: found none; expected a folder that eval or build wrote. Run npx interpboard build, or name the folder with --out.\n`,
  );

  const built = await runProgram(['build', `--content=${content}`, `--out=${out}`]);
  expect(built).toMatchObject({ code: 0, err: '' });
  expect(built.out).toMatch(/^report {3}.*dist$/m);
  expect(existsSync(join(out, 'sae', 'small-world-l0', 'index.html'))).toBe(true);

  const port = await freePort();
  const program = startProgram(['preview', `--out=${out}`, `--port=${port}`]);
  let page = '';
  await until(async () => {
    const answer = await fetch(`http://localhost:${port}/`).catch(() => undefined);
    page = answer?.ok ? await answer.text() : '';
    return page !== '';
  }, program);
  expect(page).toBe(await readFile(join(out, 'index.html'), 'utf8'));
  if (!canInterrupt) return void program.child.kill();
  program.child.kill('SIGINT');
  const { code, err } = await program.outcome;
  expect([code, err]).toEqual([130, '']);
});

it('build of what is not there, and words that a verb does not take, are errors in one line', async () => {
  const nowhere = join(folder, 'nowhere');
  for (const [words, line] of [
    [
      ['build', `--content=${nowhere}`],
      `error: ${nowhere}: found no such folder; expected a folder of records.`,
    ],
    [['build', 'content'], 'error: arguments of build: found "content"; expected options alone.'],
    [['preview', `--out=${out}`, '--port=high'], 'error: --port: found "high"; expected 1 to 65535.'],
    [
      ['build', `--content=${join(root, 'package.json', 'a')}`],
      `error: --content "${join(root, 'package.json', 'a')}": found "${join(root, 'package.json')}", which is a file; expected a folder, or a path where one can be made. Name another.`,
    ],
    [
      ['import', join(root, 'runner', 'math')],
      `error: ${join(root, 'runner', 'math')}: found a folder without .json files; expected result files in it. Check the path.`,
    ],
  ] as const) {
    const { code, out: printed, err } = await runProgram(words);
    expect([code, printed]).toEqual([2, '']);
    expect(err).toMatch(/^error: [^\n]*\n$/);
    expect(err).toContain(line);
  }
});

it('import takes a folder as it takes the files in it', async () => {
  const results = join(root, 'test/fixtures/exchange/saebench');
  const into = (name: string): string => `--content=${join(folder, name)}`;
  const whole = await runProgram(['import', results, into('whole')]);
  const files = (await readdir(results)).sort().map((name) => join(results, name));
  const each = await runProgram(['import', ...files, into('each')]);
  expect(whole).toEqual(each);
  expect(whole.out).toMatch(/^imported .*SAEBench/m);
});

it('cuda without a connection says so in one line', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'interpboard-'));
  const nobody = `http://127.0.0.1:${await freePort()}/simple`;
  const { code, err } = await runProgram(['cuda', '--index', nobody], { XDG_CACHE_HOME: cache });
  const here = process.platform === 'linux' && process.arch === 'x64';
  expect(code).toBe(here ? 4 : 2);
  expect(err).toMatch(
    here
      ? /^error: package index 127\.0\.0\.1:\d+: found no answer [^\n]*ECONNREFUSED[^\n]*--wheels\.\n$/
      : /^error: CUDA provider: found [^\n]*; expected linux x64[^\n]*\n$/,
  );
  await rm(cache, { recursive: true });
});

/** A port that nobody listened at a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
