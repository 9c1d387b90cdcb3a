/** The files of a project of one's own: what is in them, and that nothing of the user's is written over. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { run as init } from '../../../runner/commands/init.ts';
import { run as validate } from '../../../runner/commands/validate.ts';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { root } from '../docs/pages.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-init-'));
  vi.spyOn(console, 'log').mockImplementation(() => {});
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const read = (...path: string[]) => readFile(join(folder, ...path), 'utf8');

it('writes a project whose settings are ones, and whose program is this version', async () => {
  expect(await init([join(folder, 'My SAEs')])).toBe(0);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const manifest = JSON.parse(await read('My SAEs', 'package.json'));
  expect(manifest).toMatchObject({ name: 'my-saes', private: true, dependencies: { interpboard: version } });
  const config = await resolveRun([], { config: join(folder, 'My SAEs', 'run.json') });
  expect(config).toMatchObject({ name: 'first', layers: [2, 4] });
  expect(await read('My SAEs', '.gitignore')).toMatch(/^runs\/$/m);
  expect(await readdir(join(folder, 'My SAEs', 'content'))).toEqual(['README.md']);
});

it('its workflows pin the actions that this repository pins, and run scripts that there are', async () => {
  await init([folder]);
  const own = await Promise.all(
    ['ci', 'pages'].map((name) => readFile(join(root, `.github/workflows/${name}.yml`), 'utf8')),
  );
  const pinned = new Set(own.flatMap((text) => text.match(/uses: .*/g) ?? []));
  const texts = await Promise.all(
    ['report', 'records'].map((name) => read('.github/workflows', `${name}.yml`)),
  );
  const used = texts.flatMap((text) => text.match(/uses: .*/g) ?? []);
  expect(used).toHaveLength(7);
  expect(used.filter((line) => !pinned.has(line))).toEqual([]);
  expect(texts.join('\n').match(/npx interpboard \w+/g)).toEqual([
    'npx interpboard build',
    'npx interpboard validate',
    'npx interpboard build',
  ]);
});

it('writes nothing over, and nothing at all where one file is there', async () => {
  await writeFile(join(folder, 'README.md'), 'mine');
  await expect(init([folder])).rejects.toThrow(/found README\.md; expected none of the files/);
  expect(await readdir(folder)).toEqual(['README.md']);
  expect(await read('README.md')).toBe('mine');
  await expect(init([folder, folder])).rejects.toThrow(/expected one folder/);
});

it('begins with figures of others where they are asked for, which are well', async () => {
  await init([folder, '--published']);
  expect(await validate([join(folder, 'content')])).toBe(0);
  const [record = ''] = (await readdir(join(folder, 'content/published'))).filter((name) =>
    name.endsWith('.json'),
  );
  await mkdir(join(folder, 'sent'));
  await writeFile(join(folder, 'sent', 'again.json'), await read('content/published', record));
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  await expect(validate([join(folder, 'content'), join(folder, 'sent')])).rejects.toThrow(/1 of \d+ files/);
  expect(error.mock.calls[0]![0]).toMatch(/again\.json: id .*, which .* has$/);
});

it.each([
  ['no JSON', '{', /sent\.json: .*JSON/],
  ['another shape', '{"schema": "interpboard.record/2"}', /id: Invalid input/],
  ['nested without end', `${'['.repeat(70)}${']'.repeat(70)}`, /nested more than/],
])('validate names a file that is %s', async (_what, text, expected) => {
  await writeFile(join(folder, 'sent.json'), text);
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  await expect(validate([folder])).rejects.toMatchObject({ exitCode: 3 });
  expect(error.mock.calls[0]![0]).toMatch(expected);
});

it('validate says where there is nothing', async () => {
  await expect(validate([join(folder, 'nowhere')])).rejects.toMatchObject({ exitCode: 2 });
});
