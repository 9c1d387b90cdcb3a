/** The preset of the reference run, whole, on a hub that has everything it names, at a size for a test. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoModelFolder, demoRow, probeSet } from '../../runner/demo/index.ts';
import {
  encodeSafetensors,
  readFloats,
  readSafetensors,
  type TensorToWrite,
} from '../../runner/formats/safetensors.ts';
import { memorySource } from '../../runner/io/byte-source.ts';
import { random } from '../../runner/math/random.ts';
import { record } from '../../runner/report/schema.ts';
import type { Contents } from '../hub/repositories.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { runProgram, settingWords } from './program.ts';

const TOKEN = 'hf_papergradeSecret';
let folder: string;
let hub: StandIn;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-papergrade-'));
  hub = await startStandIn();
  hub.tokens.add(TOKEN);
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** The tiny hybrid checkpoint (linear and full attention, multimodal names) with the embedded tokenizer's words. */
async function model(): Promise<Record<string, Contents>> {
  const at = (name: string) => fileURLToPath(new URL(`../fixtures/lm/qwen3_5/${name}`, import.meta.url));
  const config = JSON.parse(await readFile(at('config.json'), 'utf8'));
  const words = JSON.parse(await readFile(join(demoModelFolder, 'config.json'), 'utf8')).vocab_size as number;
  const source = memorySource('tiny', await readFile(at('model.safetensors')));
  const file = await readSafetensors(source);
  const stream = random('papergrade-words');
  const tensors: Record<string, TensorToWrite> = {};
  for (const [name, { shape }] of file.tensors) {
    const perWord = /embed_tokens|lm_head/.test(name);
    tensors[name] = perWord
      ? {
          dtype: 'F32',
          shape: [words, shape[1]!],
          data: Float32Array.from({ length: words * shape[1]! }, () => stream.gaussian()),
        }
      : { dtype: 'F32', shape, data: await readFloats(source, file, name) };
  }
  config.text_config.vocab_size = words;
  const files: Record<string, Contents> = {
    'config.json': { text: JSON.stringify(config) },
    'model.safetensors': { text: Buffer.concat(encodeSafetensors(tensors)), lfs: true },
  };
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    files[name] = { text: await readFile(join(demoModelFolder, name)) };
  }
  return files;
}

function parquet(columns: Record<string, unknown[]>): Contents {
  const bytes = parquetWriteBuffer({
    columnData: Object.entries(columns).map(([name, data]) => ({
      name,
      data,
      ...(typeof data[0] === 'string' ? { type: 'STRING' as const } : {}),
    })),
    codec: 'ZSTD',
    compressors: { ZSTD: (input) => zstdCompressSync(input) },
    rowGroupSize: 100,
  });
  return { text: new Uint8Array(bytes), lfs: true };
}

/** Rows 0.. of something. */
function rows<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

async function fillHub(): Promise<void> {
  hub.put('Qwen/Qwen3.6-27B', await model());
  const dataset = (name: string, path: string, columns: Record<string, unknown[]>, branch = 'main') =>
    hub.put(name, { [path]: parquet(columns) }, { type: 'dataset', branch });
  dataset('HuggingFaceFW/fineweb-edu', 'sample/10BT/000_00000.parquet', {
    text: rows(600, (i) => demoRow('prose', 5, i).text),
  });
  dataset('open-thoughts/OpenThoughts-114k', 'data/train-00000-of-00001.parquet', {
    conversations: rows(300, (i) =>
      demoRow('dialogue', 5, i).conversations.map(({ role, content }) => ({ from: role, value: content })),
    ),
  });
  const problems = rows(300, (i) => demoRow('arithmetic', 5, i));
  dataset('nvidia/OpenMathInstruct-2', 'data/train-00000-of-00001.parquet', {
    problem: problems.map(({ problem }) => problem),
    generated_solution: problems.map(({ solution }) => solution),
  });
  for (const [name, field, set] of [
    ['SetFit/toxic_conversations', 'text', 'toxicity'],
    ['stanfordnlp/sst2', 'sentence', 'sentiment'],
  ] as const) {
    const found = probeSet(set, 1, 200);
    dataset(
      name,
      'default/train/0000.parquet',
      { [field]: found.map(({ text }) => text), label: found.map(({ label }) => label) },
      'refs/convert/parquet',
    );
  }
}

/** Sizes alone: what the run is made of stays the preset's. */
const sizes = {
  device: 'cpu',
  layers: '[0,1,2]',
  'corpus.rowTokens': '64',
  'corpus.heldoutShare': '0.3',
  'sae.dSae': '96',
  'sae.k': '8',
  'sae.kAux': '12',
  'sae.batchTokens': '128',
  'sae.deadThresholdTokens': '1024',
  'sae.biasInitSamples': '256',
  'sae.warmupSteps': '10',
  'sae.learningRate': '0.003',
  'sae.learningRateFloor': '0.001',
  'sae.scheduleSteps': '60',
  'training.tokens': '15360',
  'training.checkpointTokens': '1280',
  'training.logSteps': '10',
  'validation.tokens': '4096',
  'upload.everyTokens': '2560',
  'upload.repository': 'lab/papergrade',
  'evaluation.tokens': '2048',
  'evaluation.coreTokens': '1024',
  'evaluation.controlTokens': '512',
  'evaluation.probeTexts': '200',
  'evaluation.probeTokens': '64',
  'evaluation.resamples': '50',
};

test('the reference run trains, uploads, validates, scores and releases from one command', async () => {
  await fillHub();
  const place = join(folder, 'runs', 'qwen3.6-27b-papergrade');
  const places = [`--runs=${join(folder, 'runs')}`, `--content=${join(folder, 'content')}`];
  const { code, out, err } = await runProgram(
    ['eval', 'qwen3.6-27b-papergrade', '--no-site', ...places, ...settingWords(sizes)],
    { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'home'), HF_TOKEN: TOKEN },
  );
  expect({ code, err }, out).toEqual({ code: 0, err: '' });

  const names = (await readdir(join(place, 'records'))).sort();
  expect(names).toEqual([0, 1, 2].map((layer) => `qwen3.6-27b-papergrade-l${layer}.json`));
  const found = record.parse(JSON.parse(await readFile(join(place, 'records', names[0]!), 'utf8')));
  expect(found).toMatchObject({
    model: { id: 'Qwen/Qwen3.6-27B', family: 'qwen3_5' },
    sae: { architecture: 'topk', repo: 'lab/papergrade', tokens_trained: 15_360 },
  });
  expect(found.suites.interpscore?.tables?.probes?.map(({ name }) => name)).toEqual([
    'toxic_conversations',
    'sst2',
  ]);
  expect(found.data?.name).toMatch(
    /^70 % datasets\/HuggingFaceFW\/fineweb-edu@[0-9a-f]{40}:.*, 20 % datasets\/open-thoughts\/.*, 10 % datasets\/nvidia\//,
  );
  expect(found.trajectory?.points.at(-1)?.tokens).toBe(15_360);
  expect(found.metrics['var_exp@pooled-v1']?.value).toBeGreaterThan(0);

  // Validation has a window of its own, apart from the evaluation's.
  const report = JSON.parse(await readFile(join(place, 'val_report.json'), 'utf8'));
  expect(Object.keys(report)).toEqual(['0', '1', '2']);
  expect(report['0'].l0).toBe(8);
  expect(report['0'].var_expl).not.toBe(found.metrics['var_exp@chunk-v1']?.value);

  const { commits } = hub.find('model', 'lab/papergrade')!;
  const trees = [...commits.values()].map((tree) => [...tree.keys()]);
  expect(trees.some((tree) => tree.includes('resume/state.json'))).toBe(true);
  const released = trees.at(-1)!;
  expect(released.filter((path) => path.startsWith('resume/'))).toEqual([]);
  expect(released).toEqual(
    expect.arrayContaining([
      'README.md',
      'sae_L2_latest.safetensors',
      'val_report.json',
      'interpscore_L0.json',
    ]),
  );
});
