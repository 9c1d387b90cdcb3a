/** The package as a project that depends on it sees it: built, packed, unpacked into node_modules, the example of its page. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { random } from '../../runner/math/random.ts';
import { writeRelease } from '../../runner/sae/checkpoints/reference-release.ts';
import { topKSae } from '../../runner/sae/sae.ts';
import { root } from './program.ts';

const node = process.execPath;

let project: string;
let example: string;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'dependant-'));
  execFileSync(node, ['runner/launch.mjs', 'runner/library/build.ts'], { cwd: root, stdio: 'inherit' });
  // npm is a script; the file that starts it has another name on Windows.
  const npm = process.env.npm_execpath;
  const [program, ...words] = npm === undefined ? ['npm'] : [node, npm];
  execFileSync(program, [...words, 'pack', '--pack-destination', project], { cwd: root, stdio: 'ignore' });
  const [tarball] = readdirSync(project);
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'interpboard'), { recursive: true });
  execFileSync('tar', ['-xzf', tarball!, '--strip-components=1', '-C', 'node_modules/interpboard'], {
    cwd: project,
  });
  // Its dependencies as npm lays them out beside it, without fetching them again.
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.') && name !== 'interpboard')
      symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const [, block] = /```js\n(.*?)```/s.exec(readFileSync(join(root, 'docs/library.md'), 'utf8')) ?? [];
  example = block ?? '';
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
afterAll(() => rmSync(project, { recursive: true, force: true }));

function run(file: string, text: string): string {
  writeFileSync(join(project, file), text);
  const { status, stdout, stderr } = spawnSync(node, [file], { cwd: project, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

test('the example of docs/library.md runs as it stands', () => {
  expect(
    example
      .trim()
      .split('\n')
      .filter((line) => line !== '').length,
  ).toBeLessThanOrEqual(10);
  expect(run('example.js', example)).toMatch(/^1\d tokens; strongest at the last: latent \d+\n$/);
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
  writeFileSync(join(project, 'example.ts'), example);
  const settings = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: ['node'] };
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: settings, files: ['example.ts'] }),
  );
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(node, [compiler, '-p', project], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  const wrong = example.replace('ids.length);', "'many');");
  writeFileSync(join(project, 'example.ts'), wrong);
  expect(spawnSync(node, [compiler, '-p', project], { encoding: 'utf8' }).stdout).toMatch(/TS2345/);
});

test('the package holds what it needs and nothing of the report', () => {
  const names = readdirSync(join(project, 'node_modules', 'interpboard'), {
    recursive: true,
    encoding: 'utf8',
  });
  expect(names).toContain(join('dist-lib', 'demo', 'model', 'model.safetensors'));
  expect(names.filter((name) => /(^|\/)(site|runner|test|content)(\/|$)|(?<!\.d)\.ts$/.test(name))).toEqual(
    [],
  );
});
