/** The packages as projects that depend on them see them; the library by the examples of its page. */
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verbs } from '../../runner/commands/verbs.ts';
import { random } from '../../runner/math/random.ts';
import { writeRelease } from '../../runner/sae/checkpoints/reference-release.ts';
import { topKSae } from '../../runner/sae/sae.ts';
import { dependant, packPackages } from './packed.ts';
import { root } from './program.ts';

const node = process.execPath;

let packed: ReturnType<typeof packPackages>;
let project: string;
let program: string;
let example: string;
let latents: string;

beforeAll(async () => {
  packed = packPackages();
  project = dependant(packed.packages.get('interpboard-library')!);
  const page = readFileSync(join(root, 'docs/library.md'), 'utf8');
  [example = '', latents = ''] = Array.from(page.matchAll(/```js\n(.*?)```/gs), ([, block]) => block!);
  const stream = random('library');
  const [d_in, d_sae] = [128, 64];
  const draw = (length: number): Float32Array => Float32Array.from({ length }, () => stream.gaussian());
  const sae = topKSae({
    d_in,
    d_sae,
    k: 4,
    W_enc: draw(d_in * d_sae),
    W_dec: draw(d_in * d_sae),
    b_enc: draw(d_sae),
    b_dec: draw(d_in),
  });
  const details = {
    k_aux: 4,
    alpha_aux: 0,
    hook_name: 'blocks.2.hook_resid_post',
    model_name: 'm',
    tokens_seen: 1,
    step: 1,
  };
  await writeRelease(join(project, 'runs', 'small-world'), 2, { sae, details });
});
afterAll(() => {
  for (const folder of [project, program]) rmSync(folder, { recursive: true, force: true });
  packed.remove();
});

function run(file: string, text: string): string {
  writeFileSync(join(project, file), text);
  const registry = join(root, 'test/fixtures/sae-registry/excerpt.yaml');
  const env = { ...process.env, INTERPBOARD_SAE_REGISTRY: registry };
  const { status, stdout, stderr } = spawnSync(node, [file], { cwd: project, env, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** What the compiler says of files of a project: of each fault the file and its number. */
function compiled(folder: string, files: Readonly<Record<string, string>>): string[] {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const settings = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true };
  const types = { typeRoots: [join(root, 'node_modules', '@types')], types: ['node'] };
  const config = { compilerOptions: { ...settings, ...types }, files: Object.keys(files) };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(node, [compiler, '-p', folder], { cwd: folder, encoding: 'utf8' });
  return [...stdout.matchAll(/^(\S+?)\(.*?\): error (TS\d+)/gm)].map(([, file, fault]) => `${file} ${fault}`);
}

test('the examples of docs/library.md run as they stand', () => {
  expect(
    example
      .trim()
      .split('\n')
      .filter((line) => line !== '').length,
  ).toBeLessThanOrEqual(10);
  expect(run('example.js', example)).toMatch(/^1\d tokens; strongest at the last: latent \d+\n$/);
  expect(run('latents.js', latents)).toMatch(/^(?:\d+ 0\.\d\d \[ '.*\n){5}$/);
});

test('the examples of its declarations run as they stand', () => {
  const types = packed.packages.get('interpboard-library')!.files.filter((file) => file.endsWith('.d.ts'));
  const texts = types.map((file) =>
    readFileSync(join(root, 'dist-packages/interpboard-library', file), 'utf8'),
  );
  const examples = texts
    .flatMap((text) => [...text.matchAll(/@example\s+\* ```js\n(.*?)\* ```/gs)])
    .map(([, text]) => text!.replace(/^ *\* ?/gm, ''));
  const said = examples.map((text, i) => run(`example-${i}.js`, text).trim());
  expect(said.sort()).toEqual([
    '3 true',
    'cook true true',
    "gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6 { layer: 0, site: 'resid_pre' } 6",
    'qwen3 true',
    "reference-release 128 64 { layer: 2, site: 'resid_post' }\ntrue",
    'true true',
    'true true',
  ]);
});

test('it is what it says: latents and x̂ of the slow reference, by the package’s own exports', () => {
  const text = `${example.replace(/for \(const each[^\n]*\n/, '')}
    const { W_enc, W_dec, b_enc, b_dec, d_in, d_sae } = (await file.load()).sae;
    const slice = await file.latents(3, 4);
    const column = Array.from({ length: d_in }, (_, i) => W_enc[i * d_sae + 3]);
    let worst = 0;
    for (let t = 0; t < ids.length; t++) {
      const pre = Array.from({ length: d_sae }, (_, j) => {
        let sum = b_enc[j];
        for (let i = 0; i < d_in; i++) sum += (values[t * d_in + i] - b_dec[i]) * W_enc[i * d_sae + j];
        return sum;
      });
      const top = pre.map((_, j) => j).sort((a, b) => pre[b] - pre[a]).slice(0, 4);
      const found = [...latents.indices.slice(t * 4, t * 4 + 4)];
      if (String(found) !== String(top)) worst = Infinity;
      for (let i = 0; i < d_in; i++) {
        const sum = top.reduce((all, j) => all + Math.max(pre[j], 0) * W_dec[j * d_in + i], b_dec[i]);
        worst = Math.max(worst, Math.abs(sum - reconstruction[t * d_in + i]) / (1 + Math.abs(sum)));
      }
    }
    console.log(worst < 1e-4, String(column) === String([...slice.encoder]));
    const failure = await getSae('nowhere').catch((error) => error);
    console.log(failure.constructor.name, failure.message.includes('\\n'));
    for (const each of [sae, model, file]) await each.close();`;
  expect(run('check.js', text).split('\n').slice(1)).toEqual(['true true', 'UserError false', '']);
});

test('its types are there and fit the example', () => {
  const wrong = example.replace('ids.length);', "'many');");
  expect(compiled(project, { 'example.ts': example, 'wrong.ts': wrong })).toEqual(['wrong.ts TS2345']);
});

describe('what is in them:', () => {
  const LIMIT = 8_000_000;
  const both: [string, RegExp][] = [
    [
      'interpboard',
      /^(?:package\.json|LICENSE|NOTICE|README\.md|CHANGELOG\.md|astro\.config\.mjs|(?:content\/published|docs|public|site)\/.*|runner\/.*\.(?:js|mjs|json|wasm|safetensors)|runner\/(?:report|math|text\/tokenizer)\/.*\.ts|types\/.*\.d\.ts)$/,
    ],
    [
      'interpboard-library',
      /^(?:package\.json|LICENSE|NOTICE|README\.md|CHANGELOG\.md|runner\/.*\.js|runner\/demo\/model\/.*|types\/.*\.d\.ts)$/,
    ],
  ];

  test.each(both)('%s', (name, expected) => {
    const { files, bytes } = packed.packages.get(name)!;
    expect(files.filter((file) => !expected.test(file))).toEqual([]);
    expect(
      files.filter((file) => /(?:^|\/)(?:test|fixtures|runs|training)\/|\.(?:py|as\.ts|log)$/.test(file)),
    ).toEqual([]);
    expect(bytes).toBeLessThan(LIMIT);
    for (const file of [
      'runner/demo/model/model.safetensors',
      'runner/library/index.js',
      'types/runner/library/index.d.ts',
    ])
      expect(files).toContain(file);
  });

  test('they can be published: public, exact versions, one entry with types; the program alone has Astro and React', () => {
    for (const name of packed.packages.keys()) {
      const manifest = JSON.parse(readFileSync(join(root, 'dist-packages', name, 'package.json'), 'utf8'));
      expect(manifest).toMatchObject({ name, publishConfig: { access: 'public' }, license: 'Apache-2.0' });
      expect(manifest).not.toHaveProperty('private');
      expect(
        Object.values(manifest.dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(`${version}`)),
      ).toEqual([]);
      for (const file of Object.values(manifest.exports['.']))
        expect(packed.packages.get(name)!.files).toContain(`${file}`.slice(2));
      expect('astro' in manifest.dependencies).toBe(name === 'interpboard');
      expect('react' in manifest.dependencies).toBe(name === 'interpboard');
    }
  });
});

describe('the program', () => {
  /** Paths, sizes and times of all that lies below a folder. */
  function stateOf(folder: string): string[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => ({ name, found: lstatSync(join(folder, name)) }))
      .map(({ name, found }) => `${name} ${found.size} ${found.mtimeMs}`)
      .sort();
  }

  function interpboard(words: readonly string[], cwd: string) {
    const bin = join(program, 'node_modules', 'interpboard', 'runner', 'interpboard.mjs');
    const env = { ...process.env, HOME: home, USERPROFILE: home, HF_HUB_OFFLINE: '1' };
    const { status, stdout, stderr } = spawnSync(node, [bin, ...words], { cwd, env, encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  let empty: string;
  let home: string;
  beforeAll(() => {
    program = dependant(packed.packages.get('interpboard')!);
    empty = join(program, 'empty');
    home = join(program, 'home');
    for (const folder of [empty, home]) mkdirSync(folder);
  });

  test('eval in an empty folder writes runs, content and dist there, its caches beside them, and nothing elsewhere', () => {
    const before = stateOf(join(program, 'node_modules'));
    const small = ['--layers=2', '--set=evaluation.suites=["core"]', '--set=training.tokens=8192'];
    const { status, stdout, stderr } = interpboard(['eval', 'small-world-quick', ...small], empty);
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('npx interpboard preview');
    expect(readdirSync(empty).sort()).toEqual(['.cache', 'content', 'dist', 'runs']);
    expect(readdirSync(join(empty, '.cache')).sort()).toEqual(['evaluation', 'site']);
    expect(readdirSync(join(empty, '.cache', 'site'))).toEqual([]);
    expect(readdirSync(join(empty, 'content')).sort()).toEqual(['live', 'measured']);
    expect(readFileSync(join(empty, 'dist', 'index.html'), 'utf8')).toContain('small-world');
    expect(stateOf(join(program, 'node_modules'))).toEqual(before);
    expect(readdirSync(program).sort()).toEqual(['empty', 'home', 'node_modules', 'package.json']);
    expect(
      readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
        (name) => !/^\.cache(?:.interpboard.*)?$/.test(name),
      ),
    ).toEqual([]);
    // A record, what is said of the run's SAEs together, and what its live page consists of.
    const files = ['measured', 'live']
      .flatMap((kind) => readdirSync(join(empty, 'content', kind, 'small-world-quick')))
      .filter((name) => name.endsWith('.json'));
    expect(interpboard(['validate'], empty)).toEqual({
      status: 0,
      stdout: `1 record in ${files.length} files, all well\n`,
      stderr: '',
    });
  });

  test('has every verb, and builds the report again', () => {
    const { files } = packed.packages.get('interpboard')!;
    for (const verb of Object.keys(verbs)) expect(files).toContain(`runner/commands/${verb}.js`);
    rmSync(join(empty, 'dist'), { recursive: true });
    expect(interpboard(['build'], empty)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(empty, 'dist', 'index.html'), 'utf8')).toContain('small-world');
  });

  test('its types are those of the library: a suite of one’s own', () => {
    const suite = readFileSync(join(root, 'docs/examples/single-latent.ts'), 'utf8');
    const wrong = suite.replace("direction: 'higher'", "direction: 'up'");
    expect(compiled(program, { 'suite.ts': suite, 'wrong.ts': wrong })).toEqual(['wrong.ts TS2322']);
  });

  test('it says of itself what the launcher would start', () => {
    expect(interpboard(['--help'], empty).stdout).toContain('npx interpboard <verb>');
    expect(interpboard(['evil'], empty)).toMatchObject({ status: 2, stdout: '' });
  });
});
