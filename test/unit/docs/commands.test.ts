/**
 * Every command of the documentation: its verb and options are those of the program; runs are planned against a stand-in
 * hub; what is cheap is run. What is only parsed has its reason here.
 */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { loadVerb, verbs } from '../../../runner/commands/verbs.ts';
import { resolveRun } from '../../../runner/config/resolve.ts';
import {
  encodeSafetensors,
  readFloats,
  readSafetensors,
  type TensorToWrite,
} from '../../../runner/formats/safetensors.ts';
import { withFile } from '../../../runner/io/byte-source.ts';
import { type StandIn, startStandIn } from '../../hub/stand-in.ts';
import { commandsOf, configsOf, readPages, root, wordsOf } from './pages.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** Commands of verbs that are not run here, and what runs them. */
const onlyParsed: readonly [pattern: RegExp, reason: string][] = [
  [/papergrade/, 'its checkpoint has 54 GB: test/e2e/papergrade.test.ts runs the preset with a small one'],
  [/--device (?:cuda|webgpu|auto)/, 'needs a GPU: test/gpu'],
  [/^publish /, 'needs a finished run: test/e2e/publish.test.ts'],
  [/^inspect runs\//, 'needs a finished run: test/unit/commands/inspect-latents.test.ts'],
  [/^explain /, 'needs a finished run and a server: test/unit/commands/explain.test.ts'],
  [/^export /, 'needs a finished run: test/e2e/published-saes.test.ts'],
  [/^submit --status /, 'needs the shards of a run: test/e2e/slurm.test.ts'],
  [/^merge /, 'needs the shards of a run: test/e2e/shards.test.ts'],
  [/^verify /, 'makes a run again: test/e2e/verify.test.ts'],
  [/^doctor/, 'checks every device: test/unit/doctor'],
  [/^build/, 'builds a report: test/e2e/packages.test.ts'],
  [/^preview/, 'needs a report: test/e2e/packages.test.ts'],
  [/^cuda/, 'fetches hundreds of megabytes'],
];

const LAYERS = 24;
let folder: string;
let hub: StandIn;

/** A language model with many blocks, all alike. */
async function manyBlocks(): Promise<Record<string, { text: Uint8Array | string; lfs?: boolean }>> {
  const at = join(fixtures, 'lm', 'tiny-f32');
  const config = JSON.parse(await readFile(join(at, 'config.json'), 'utf8'));
  const weights = await withFile(join(at, 'model.safetensors'), async (source) => {
    const file = await readSafetensors(source);
    const tensors: Record<string, TensorToWrite> = {};
    for (const [name, { shape }] of file.tensors) {
      const tensor = { dtype: 'F32', shape, data: await readFloats(source, file, name) } as const;
      const places = name.includes('.layers.0.') ? LAYERS : name.includes('.layers.') ? 0 : 1;
      for (let i = 0; i < places; i++) tensors[name.replace('.layers.0.', `.layers.${i}.`)] = tensor;
    }
    return Buffer.concat(encodeSafetensors(tensors));
  });
  const layer_types = config.layer_types && Array.from({ length: LAYERS }, () => config.layer_types[0]);
  const many = { ...config, num_hidden_layers: LAYERS, ...(layer_types && { layer_types }) };
  return {
    'config.json': { text: JSON.stringify(many) },
    'model.safetensors': { text: weights, lfs: true },
  };
}

async function saeFiles() {
  const at = join(fixtures, 'sae', 'sae-lens', 'topk');
  const files: Record<string, { text: Uint8Array; lfs?: boolean }> = {};
  for (const name of ['cfg.json', 'sae_weights.safetensors'])
    files[name] = { text: await readFile(join(at, name)), lfs: name.endsWith('.safetensors') };
  return files;
}

async function crosscoderFiles() {
  const at = join(fixtures, 'crosscoder', 'layers');
  const files: Record<string, { text: Uint8Array; lfs?: boolean }> = {};
  for (const name of ['config.json', 'model.safetensors'])
    files[name] = { text: await readFile(join(at, name)), lfs: name.endsWith('.safetensors') };
  return files;
}

async function syntheticFiles() {
  const at = join(fixtures, 'synthetic', 'model');
  const files: Record<string, { text: Uint8Array }> = {};
  for (const name of await readdir(at)) files[name] = { text: await readFile(join(at, name)) };
  return files;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-docs-'));
  hub = await startStandIn();
  hub.put('owner/name', await manyBlocks());
  hub.put('owner/sae', await saeFiles());
  hub.put('owner/crosscoder', await crosscoderFiles());
  hub.put('decoderesearch/synth-sae-bench-16k-v1', await syntheticFiles());
  vi.stubEnv('HF_ENDPOINT', hub.url);
  vi.stubEnv('HF_HOME', join(folder, 'home'));
  vi.stubEnv('HF_TOKEN', '');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a verb in this process. @returns what it printed */
async function run(verb: string, words: readonly string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    const code = await (await loadVerb(verb))!.run(words);
    const text = log.mock.calls.map(([line]) => String(line)).join('\n');
    expect(code, text).toBe(0);
    return text;
  } finally {
    log.mockRestore();
  }
}

const pages = await readPages();
const commands = [...new Set(pages.flatMap(commandsOf))];
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));

/** Of `npx interpboard eval X`, `npx interpboard eval X`: the verb and its words; null for other scripts. */
function verbOf(command: string): { verb: string; words: string[] } | null {
  const packaged = /^npx (?:--ignore-scripts )?interpboard (.*)$/.exec(command)?.[1];
  if (packaged !== undefined) {
    const [verb = '', ...words] = wordsOf(packaged);
    return { verb, words };
  }
  const [npm, run, name = '', dashes, ...rest] = wordsOf(command);
  if (npm !== 'npm' || run !== 'run') return null;
  expect(scripts, command).toHaveProperty(name);
  expect([undefined, '--'], `${command}: options of a script stand after --`).toContain(dashes);
  return scripts[name]?.includes('runner/cli.ts') ? { verb: name, words: rest } : null;
}

const called = commands.flatMap((command) => {
  const found = verbOf(command);
  return found === null || found.words.some((word) => word === 'VERB') ? [] : [{ command, ...found }];
});
const parsedOnly = ({ verb, words }: { verb: string; words: readonly string[] }) =>
  onlyParsed.some(([pattern]) => pattern.test([verb, ...words].join(' ')));

it('there are commands, of every verb, and every reason is one of some command', () => {
  expect(called.length).toBeGreaterThan(30);
  expect(Object.keys(verbs).filter((verb) => !called.some((each) => each.verb === verb))).toEqual([]);
  for (const [pattern, reason] of onlyParsed)
    expect(
      called.some(({ verb, words }) => pattern.test([verb, ...words].join(' '))),
      reason,
    ).toBe(true);
});

it.each(commands.filter((command) => verbOf(command) === null))('%s is a script', (command) => {
  const [npm, run, name = ''] = wordsOf(command);
  if (npm === 'node') return expect(command).toMatch(/^node runner\//);
  expect(npm).toBe('npm');
  if (run === 'run') expect(scripts).toHaveProperty(name);
  else expect(['ci', 'test', 'install', 'pack']).toContain(run);
});

it.each(called)('the options of $command', async ({ verb, words }) => {
  expect(Object.keys(verbs)).toContain(verb);
  expect(await run(verb, [...words, '--help'])).toContain('--help');
});

describe('a run is planned:', () => {
  const plans = called.filter(
    (each) => ['eval', 'plan'].includes(each.verb) && !parsedOnly(each) && !each.words.includes('--help'),
  );

  it.each(plans)('$command', async ({ words }) => {
    // What only the run itself has to do with.
    const planned = words.filter(
      (word, i) =>
        !/^--(?:no-site|fresh|overfit-one-batch|runs|content|out|cache|shard)$/.test(word) &&
        !/^--(?:runs|content|out|cache|shard)$/.test(words[i - 1] ?? ''),
    );
    const config = join(folder, 'run.json');
    await writeFile(config, JSON.stringify({ name: 'mine' }));
    const given: Readonly<Record<string, string>> = {
      'run.json': config,
      './mine.ts': 'docs/examples/single-latent.ts',
    };
    const text = await run(
      'plan',
      planned.map((word) => given[word] ?? word),
    );
    expect(text).toMatch(/^memory /m);
  });

  it.each(
    pages.flatMap((page) => configsOf(page).map((config, i) => ({ name: `${page.path}, ${i + 1}`, config }))),
  )('the settings of $name', async ({ name, config }) => {
    const file = join(folder, `${name.replaceAll(/\W/g, '-')}.json`);
    await writeFile(file, JSON.stringify(config));
    await resolveRun([], { config: file });
  });
});

describe('is run:', () => {
  const others = called.filter((each) => !['eval', 'plan'].includes(each.verb) && !parsedOnly(each));

  it.each(others)('$command', async ({ verb, words }) => {
    if (verb === 'inspect') {
      vi.stubEnv('INTERPBOARD_SAE_REGISTRY', join(fixtures, 'sae-registry', 'excerpt.yaml'));
      const given = words.map((word) => (word === 'path/to/checkpoint' ? join(fixtures, 'lm/llama') : word));
      expect((await run(verb, given)).length).toBeGreaterThan(100);
      return;
    }
    if (verb === 'submit') {
      expect(await run(verb, words)).toMatch(/--array=1-4|completions: 4|"4-of-4"/);
      return;
    }
    if (verb === 'init' || verb === 'validate') {
      const place = verb === 'init' ? words.map((word) => join(folder, word)) : [join(root, 'content')];
      expect((await run(verb, place)).length).toBeGreaterThan(10);
      return;
    }
    expect(verb).toBe('import');
    // A file alone, as one that names neither model nor layer, or all of a folder.
    const alone = join(folder, 'alone');
    await mkdir(alone, { recursive: true });
    await copyFile(
      join(fixtures, 'exchange/dictionary-learning/eval_results.json'),
      join(alone, 'eval_results.json'),
    );
    const from = words.includes('--model') ? alone : join(fixtures, 'exchange/saebench');
    const results = (await readdir(from))
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(from, name));
    const given = words.flatMap((word) => (/^results\//.test(word) ? results : [word]));
    await run(verb, [...given, '--content', join(folder, 'content')]);
    expect((await readdir(join(folder, 'content', 'imported'))).length).toBeGreaterThan(0);
  });
});
