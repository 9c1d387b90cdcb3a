import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { loadVerb, verbs } from '../../../runner/commands/verbs.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const cli = (...words: string[]) =>
  spawnSync(process.execPath, ['runner/launch.mjs', 'runner/cli.ts', ...words], {
    cwd: root,
    encoding: 'utf8',
  });

it.each(Object.keys(verbs))(
  '%s is a file that runs',
  async (verb) => {
    expect((await loadVerb(verb))?.run).toBeTypeOf('function');
    const { run } = await import(/* @vite-ignore */ `${root}runner/commands/${verb}.ts`);
    expect(run).toBeTypeOf('function');
  },
  120_000,
);

it('words that are no verbs load nothing, be they files or properties', async () => {
  for (const word of ['plans', 'verbs', 'progress', 'toString', '__proto__', '../cli'])
    expect(await loadVerb(word)).toBeUndefined();
});

it('scripts of package.json name verbs there are', async () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(`${root}package.json`, 'utf8')));
  const started = Object.entries(scripts).filter(([, line]) => line.includes('runner/cli.ts'));
  expect(started.length).toBeGreaterThan(1);
  for (const [name, line] of started) {
    const word = line.split('runner/cli.ts')[1]!.trim();
    expect(word).toBe(name === 'interpboard' ? '' : name);
    if (word !== '') expect(verbs).toHaveProperty(word);
  }
});

it('the command line lists them, runs one, and refuses another word in one line', () => {
  const help = cli();
  expect(help.status).toBe(0);
  for (const [verb, summary] of Object.entries(verbs))
    expect(help.stdout).toContain(`${verb.padEnd(8)} ${summary}`);
  const plan = cli('plan', '--help');
  expect(plan.stdout).toContain('npx interpboard plan');
  expect(plan.status).toBe(0);
  const other = cli('toString');
  expect(other.status).toBe(2);
  expect(other.stderr).toMatch(/^error: verb: found "toString"; expected one of eval, import, .*\n$/);
}, 120_000);
