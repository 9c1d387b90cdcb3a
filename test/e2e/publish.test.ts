/** `publish` as a program, against the stand-in hub over real sockets, and into folders. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hashFile } from '../../runner/io/hash.ts';
import type { RunState } from '../../runner/job/run/run-folder.ts';
import { record } from '../../runner/report/schema.ts';
import { TOKEN } from '../hub/open.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { finishedRun } from './finished-run.ts';
import { runProgram } from './program.ts';

let folder: string;
let server: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-publish-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  server = await startStandIn();
  server.tokens.add(TOKEN);
  return () => server.close();
});

/** What it wrote, both streams in their order. */
async function publish(
  environment: Record<string, string>,
  ...args: string[]
): Promise<{ code: number | null; out: string }> {
  const { code, all } = await runProgram(['publish', ...args], {
    HF_ENDPOINT: server.url,
    HF_HOME: join(folder, 'home'),
    HF_TOKEN: '',
    INTERPBOARD_CACHE: join(folder, 'astro'),
    ...environment,
  });
  return { code, out: all };
}

function makeRun(name: string, stage?: RunState['stage']): Promise<string> {
  return finishedRun(join(folder, 'runs'), name, stage === undefined ? {} : { stage });
}

const RELEASE = [
  'README.md',
  'interpscore_L0.json',
  'interpscore_L2.json',
  'interpscore_demo.json',
  'records/demo-l0.json',
  'records/demo-l2.json',
  'sae_L0_cfg.json',
  'sae_L0_latest.safetensors',
  'sae_L2_cfg.json',
  'sae_L2_latest.safetensors',
  'trajectory_L0.json',
  'trajectory_L2.json',
  'val_report.json',
];

function contents(type: 'model' | 'space', name: string): Map<string, Buffer> {
  const repository = server.find(type, name)!;
  const tree = repository.commits.get(repository.refs.get('main')!)!;
  return new Map([...tree].map(([path, file]) => [path, file.bytes]));
}

describe('a run to a release repository', () => {
  test('--dry-run lists what would be sent, with hashes, without a token or a request', async () => {
    const at = await makeRun('demo');
    const { code, out } = await publish({}, at, '--to', 'me/saes', '--dry-run');
    expect(out).toMatch(/13 files, [\d,]+ bytes for me\/saes@main/);
    expect(code).toBe(0);
    const listed = out.split('\n').filter((line) => line.includes('sha256'));
    expect(listed.map((line) => line.trim().split(' ')[0]).sort()).toEqual(RELEASE);
    const weights = await hashFile(join(at, 'sae_L0_latest.safetensors'));
    expect(listed.find((line) => line.includes('sae_L0_latest'))).toContain(
      `40000 bytes  sha256 ${weights.sha256.slice(0, 16)}`,
    );
    expect(server.requests).toEqual([]);
  });

  test('makes the repository and sends exactly that; the token goes to the endpoint and nowhere else', async () => {
    const at = await makeRun('demo');
    const args = ['demo', '--runs', join(folder, 'runs'), '--to', 'me/saes', '--license', 'mit', '--private'];
    const { code, out } = await publish({ HF_TOKEN: TOKEN }, ...args);
    expect(out).toContain('published  ');
    expect(code).toBe(0);
    const sent = contents('model', 'me/saes');
    expect([...sent.keys()].sort()).toEqual(RELEASE);
    expect(server.find('model', 'me/saes')!.private).toBe(true);
    const name = 'sae_L2_latest.safetensors';
    expect(sent.get(name)!.equals(await readFile(join(at, name)))).toBe(true);
    const card = sent.get('README.md')!.toString();
    expect(card).toContain('license: mit');
    expect(card).toContain('hf_hub_download("me/saes", "sae_L0_latest.safetensors")');
    const exported = JSON.parse(sent.get('interpscore_L0.json')!.toString()) as { sae_repo: string };
    expect(exported.sae_repo).toBe('me/saes');
    const own = record.parse(JSON.parse(sent.get('records/demo-l0.json')!.toString()));
    expect(own.sae).toMatchObject({ repo: 'me/saes', license: 'mit' });
    // Nothing of this machine, and no token, in what was sent, printed or asked for elsewhere.
    for (const [path, bytes] of sent) {
      expect(bytes.includes(folder), path).toBe(false);
      expect(bytes.includes(TOKEN), path).toBe(false);
    }
    expect(out).not.toContain(TOKEN);
    const elsewhere = server.requests.filter(({ host }) => host === 'cdn');
    expect(elsewhere.length).toBeGreaterThan(0);
    expect(elsewhere.every(({ authorization }) => authorization === null)).toBe(true);

    const before = server.requests.length;
    expect((await publish({ HF_TOKEN: TOKEN }, ...args)).code).toBe(0);
    const again = server.requests.slice(before).filter(({ host }) => host === 'cdn');
    // Large files that are there are not sent again.
    expect(again).toEqual([]);
  });

  test('--records offers the records to a board by a pull request, and sends nothing else', async () => {
    const at = await makeRun('demo');
    server.put('them/board', { 'content/README.md': { text: 'a board' } }, { type: 'dataset' });
    const board = ['--records', 'datasets/them/board'];
    const dry = await publish({}, at, ...board, '--dry-run');
    expect(dry.code).toBe(0);
    expect(server.requests).toEqual([]);
    const { code, out } = await publish({ HF_TOKEN: TOKEN }, at, ...board);
    expect({ code, last: out.trim().split('\n').at(-1) }).toEqual({
      code: 0,
      last: `asked      ${server.url}/datasets/them/board/discussions/1`,
    });
    const { refs, commits } = server.find('dataset', 'them/board')!;
    const [now, asked] = ['main', 'refs/pr/1'].map((ref) => commits.get(refs.get(ref)!)!);
    expect([...now!.keys()]).toEqual(['content/README.md']);
    const sent = [...asked!].filter(([path]) => !now!.has(path));
    const names = ['demo-l0', 'demo-l2'].map((id) => `content/measured/demo/${id}.json`);
    expect(sent.map(([path]) => path).sort()).toEqual(names);
    for (const path of names) expect(dry.out).toContain(path);
    for (const [path, { bytes }] of sent) {
      expect(record.parse(JSON.parse(bytes.toString())).id).toBe(
        path.split('/').at(-1)!.replace('.json', ''),
      );
    }
  });

  test('comes through a failing hub, and a lost answer to the commit', async () => {
    const at = await makeRun('demo');
    server.faults.push(
      { on: '/info/lfs', times: 1, does: { kind: 'status', status: 500 } },
      { on: 'cdn/', times: 1, does: { kind: 'status', status: 503 } },
      { on: '/commit/', times: 1, does: { kind: 'lost' } },
    );
    const { code, out } = await publish({ HF_TOKEN: TOKEN }, at, '--to', 'me/saes');
    expect(out).toContain('published  ');
    expect(code).toBe(0);
    expect([...contents('model', 'me/saes').keys()].sort()).toEqual(RELEASE);
  });

  test.each<[string, Record<string, string>, RunState['stage'], number, RegExp]>([
    ['no token', {}, 'done', 2, /found no token/],
    ['an expired token', { HF_TOKEN: 'hf_expiredExpired' }, 'done', 2, /refused as invalid or expired/],
    ['an unfinished run', { HF_TOKEN: TOKEN }, 'training', 2, /still training; expected a finished run/],
  ])('%s is an error of one line, and nothing is sent', async (_, environment, stage, exit, says) => {
    const at = await makeRun('failing', stage);
    const { code, out } = await publish(environment, at, '--to', 'me/saes');
    expect(code).toBe(exit);
    expect(out.trim().split('\n').at(-1)).toMatch(says);
    expect(out).not.toContain('hf_');
    expect(server.find('model', 'me/saes')).toBeUndefined();
  });

  test('an SAE that is not the measured one is refused', async () => {
    const at = await makeRun('changed');
    await writeFile(join(at, 'sae_L0_latest.safetensors'), 'another');
    const { code, out } = await publish({ HF_TOKEN: TOKEN }, at, '--to', 'me/saes');
    expect(code).toBe(3);
    expect(out).toMatch(/sae_L0_latest\.safetensors: found SHA-256/);
    expect(server.requests).toEqual([]);
  });

  test.each([
    [['--to', 'me/saes'], /arguments of publish/],
    [['somewhere', '--to', 'me/saes'], /found no such run/],
    [['demo', '--to', 'datasets/me/saes'], /--to: found "datasets\/me\/saes"/],
    [['--site', 'spaces/me'], /--site: found "spaces\/me"/],
    [['--site', 'out', '--base', '/a b'], /--base/],
    [['--site', 'spaces/me/report', '--base', '/a'], /--base: found "\/a"; .*without --site with a folder/],
    [['--site', 'out', '--private'], /--private: .*without --to, or --site with a Space/],
    [['--site', 'out', '--license', 'mit'], /--license: .*without --to/],
  ])('%j is told what is wrong', async (args, says) => {
    const { code, out } = await publish({}, '--runs', join(folder, 'runs'), ...args);
    expect(out).toMatch(says);
    expect(code).toBe(2);
  });
});

describe('the report', () => {
  const built = async (at: string) =>
    (await readdir(at, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());

  test('into a folder for any static host, under its base path', async () => {
    const out = join(folder, 'pages');
    const { code, out: said } = await publish({}, '--site', out, '--base', 'project');
    expect(said).toMatch(/to be served under \/project/);
    expect(code).toBe(0);
    const page = await readFile(join(out, 'index.html'), 'utf8');
    expect(page).toMatch(/href="\/project\/[^"]*\.css"/);
    expect(page.match(/(?:href|src)="\/(?!project\/)[^"]*/g)).toBeNull();
    expect((await built(out)).map(({ name }) => name)).toContain('.nojekyll');
  });

  test('to a static Space, and its dry run names the same files', async () => {
    const dry = await publish({}, '--site', 'spaces/me/report', '--dry-run');
    expect(server.requests).toEqual([]);
    const { code, out } = await publish({ HF_TOKEN: TOKEN }, '--site', 'spaces/me/report');
    expect(out).toContain('published  ');
    expect(code).toBe(0);
    const sent = contents('space', 'me/report');
    expect(sent.get('README.md')!.toString()).toContain('sdk: static');
    expect(sent.get('index.html')!.toString()).toMatch(/href="\/_astro/);
    const names = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.includes('sha256'))
        .map((line) => line.trim().split(' ')[0]);
    expect(names(dry.out)).toEqual(names(out));
    expect(names(out).sort()).toEqual([...sent.keys()].sort());
  });
});
