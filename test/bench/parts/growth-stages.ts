/** The stages of `bench growth`: what each does at a size, in a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { suitesOf } from '../../../runner/config/run-config.ts';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { evaluateStage } from '../../../runner/job/evaluation/evaluate-stage.ts';
import { evaluationText } from '../../../runner/job/evaluation/heldout-text.ts';
import { openRunModel } from '../../../runner/job/shared/language-model.ts';
import { plannedSaes } from '../../../runner/job/shared/planned-saes.ts';
import { random } from '../../../runner/math/random.ts';
import type { DenseFeatures } from '../../../runner/probes/features.ts';
import { standings } from '../../../runner/report/board.ts';
import { writeExports } from '../../../runner/report/exports.ts';
import { checkRecord } from '../../../runner/report/run-records.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import type { Reporter } from '../../../runner/reporter.ts';
import { openRelease, writeRelease } from '../../../runner/sae/checkpoints/reference-release.ts';
import { openComparer } from '../../../runner/sae/decoder-similarity.ts';
import { type TopKSae, topKSae } from '../../../runner/sae/sae.ts';
import { type ConceptPlan, planConcepts } from '../../../runner/suites/concepts.ts';
import { kSparseProbes } from '../../../runner/suites/k-sparse/k-sparse.ts';
import { conceptProbes, tppOfSet } from '../../../runner/suites/tpp/tpp-saebench.ts';
import { demoMixture } from '../../../runner/text/demo-source.ts';
import { mixture, startOfMixture } from '../../../runner/text/mixture.ts';
import { packRows, startOfPacking } from '../../../runner/text/packing.ts';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';
import { manyRecords } from '../../fixtures/site/make_many.ts';
import { peak, type Stage, stage, type Used } from './growth-used.ts';

const WIDTH = 128;
const K = 32;

function randomSae(d_sae: number, seed: string): TopKSae {
  const stream = random('bench growth', d_sae, seed);
  const W_dec = Float32Array.from({ length: d_sae * WIDTH }, () => stream.gaussian() / Math.sqrt(WIDTH));
  const W_enc = new Float32Array(d_sae * WIDTH);
  for (let j = 0; j < d_sae; j++)
    for (let i = 0; i < WIDTH; i++) W_enc[i * d_sae + j] = W_dec[j * WIDTH + i]!;
  return topKSae({
    d_in: WIDTH,
    d_sae,
    k: K,
    W_enc,
    W_dec,
    b_enc: new Float32Array(d_sae),
    b_dec: new Float32Array(WIDTH),
  });
}

const LAYER = 2;

/** By the stages that the evaluation names to whoever watches it. */
async function evaluation(
  settings: Record<string, unknown>,
  d_sae: number,
  saes = 1,
): Promise<Record<string, Used>> {
  const folder = mkdtempSync(join(tmpdir(), 'interpboard-growth-'));
  const config = await resolveRun([], {
    layers: String(LAYER),
    set: Object.entries({ 'evaluation.controlTokens': 0, ...settings }).map(
      ([path, value]) => `${path}=${JSON.stringify(value)}`,
    ),
  });
  const [planned] = plannedSaes(config, []);
  const tokenizer = await loadTokenizer(demoModelFolder);
  const stages = new Map<string, Used>();
  let [stage, since, before] = ['text', process.cpuUsage(), process.memoryUsage.rss()];
  const close = (): void => {
    peak.look();
    const { user, system } = process.cpuUsage(since);
    const sum = stages.get(stage) ?? { cpu: 0, memory: 0 };
    stages.set(stage, {
      cpu: sum.cpu + (user + system) / 1e6,
      memory: Math.max(sum.memory, peak.bytes - before),
    });
  };
  const reporter = (name: string): Reporter => ({
    progress() {
      peak.look();
      if (name === stage) return;
      close();
      [stage, since, before] = [name, process.cpuUsage(), process.memoryUsage.rss()];
      peak.bytes = before;
    },
    note: () => undefined,
    stopRequested: () => false,
  });
  const opened = await openRunModel({
    device: config.device,
    spill: config.spill,
    place: { folder: demoModelFolder, revision: null },
    folder,
    memory: 16 * 2 ** 30,
    hooks: [LAYER],
    maxTokens: 256,
    positions: 4_096,
    saes: 0,
    divergence: true,
    precision: 'float32' as const,
  });
  const files = [];
  try {
    for (let i = 0; i < saes; i++) {
      const hook_name = `blocks.${LAYER}.hook_resid_post`;
      const details = { k_aux: 32, alpha_aux: 0, hook_name, model_name: 'random', tokens_seen: 0, step: 0 };
      await writeRelease(folder, `L${i}`, { sae: randomSae(d_sae, String(i)), details });
      files.push(await openRelease(folder, `L${i}`));
    }
    const text = await evaluationText(config, tokenizer, reporter('text'));
    await evaluateStage(
      {
        config,
        device: 'cpu',
        opened,
        tokenizer,
        text,
        suites: suitesOf(config),
        saes: files.map((file, i) => ({
          planned: { ...planned!, id: `L${i}` },
          file,
          sha256: String(i).repeat(64).slice(0, 64),
        })),
      },
      reporter,
    );
    close();
    stages.delete('text');
    return Object.fromEntries(stages);
  } finally {
    await opened.close();
    for (const file of files) await file.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const HELD_OUT = { 'evaluation.suites': ['core', 'features'], 'evaluation.coreTokens': 2_048 };

/** Classes that one latent each carries among noise, as many texts of each. */
function concepts(classes: number, perClass: number, latents: number) {
  const [train, test] = [perClass, perClass / 4];
  const stream = random('growth concepts', classes, perClass, latents);
  const of = train + test;
  const rows = classes * of;
  const labels = Uint8Array.from({ length: rows }, (_, row) => Math.floor(row / of));
  const places = (from: number, count: number): Int32Array =>
    Int32Array.from({ length: classes * count }, (_, i) => Math.floor(i / count) * of + from + (i % count));
  const plan: ConceptPlan = planConcepts(
    {
      name: 'planted',
      data: 'simulated',
      classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
      labels,
      train: places(0, train),
      test: places(train, test),
      texts: Array.from({ length: rows }, (_, row) => `text ${row}`),
    },
    { resamples: 200 },
  );
  const dense = (columns: number): DenseFeatures => {
    const values = Float32Array.from({ length: rows * columns }, () => stream.next());
    for (let row = 0; row < rows; row++) values[row * columns + (labels[row]! % columns)]! += 1;
    return { values, rows, columns };
  };
  return { plan, features: { latents: dense(latents), residual: dense(WIDTH) } };
}

const directions = (latents: number): { rows: Float32Array } => {
  const stream = random('growth directions', latents);
  return { rows: Float32Array.from({ length: latents * WIDTH }, () => stream.gaussian() / Math.sqrt(WIDTH)) };
};

const kSparse = async (...of: Parameters<typeof concepts>): Promise<() => unknown> => {
  const { plan, features } = concepts(...of);
  return () => kSparseProbes(plan, features.latents, [1, 5, 20]);
};

const tpp = async (...of: Parameters<typeof concepts>): Promise<() => unknown> => {
  const { plan, features } = concepts(...of);
  const probes = conceptProbes(plan, features.residual, 0);
  const rows = directions(of[2]);
  return () => tppOfSet(plan, features, probes, rows, [2, 20]);
};

const tokenizer = await loadTokenizer(demoModelFolder);

/** A text as long as asked, in characters: the demo's own, end to end. */
async function longText(characters: number): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const { text } of mixture(demoMixture(1), startOfMixture([], 1), tokenizer)) {
    parts.push(text);
    length += text.length + 1;
    if (length >= characters) break;
  }
  return parts.join('\n').slice(0, characters);
}

async function packed(
  texts: AsyncIterable<Parameters<typeof packRows>[0] extends AsyncIterable<infer T> ? T : never>,
  tokens: number,
) {
  let rows = 0;
  for await (const _ of packRows(texts, tokenizer, startOfPacking(startOfMixture([], 1)), {
    rowTokens: 256,
  })) {
    peak.look();
    if (++rows * 256 >= tokens) break;
  }
}

/** A record with as many points of its training as are asked for. */
function withTrajectory(points: number): EvaluationRecord {
  const [record] = manyRecords(1);
  const [first] = record!.trajectory!.points;
  record!.trajectory!.points = Array.from({ length: points }, (_, i) => ({
    ...first!,
    step: i + 1,
    tokens: 512 * (i + 1),
  }));
  return record!;
}

const exported = (records: readonly EvaluationRecord[]) => async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'interpboard-growth-'));
  await writeExports(
    folder,
    'run',
    records.map((record, i) => ({ id: `L${i}`, record })),
  );
  rmSync(folder, { recursive: true });
};

export const stages: Readonly<Record<string, Stage>> = {
  'tokenize one document': stage('characters', [500_000, 1_000_000, 2_000_000], async (size) => {
    const text = await longText(size);
    return () => tokenizer.encode(text, { specialTokens: false });
  }),
  'pack many documents': stage(
    'tokens',
    [50_000, 100_000, 200_000],
    async (size) => () => packed(mixture(demoMixture(1), startOfMixture([], 1), tokenizer), size),
  ),
  'pack one document': stage('characters', [500_000, 1_000_000, 2_000_000], async (size) => {
    const text = await longText(size);
    return () =>
      packed(
        (async function* () {
          yield { text, source: 'one', hash: '', position: { ...startOfMixture([], 1), texts: 1 } };
        })(),
        Number.POSITIVE_INFINITY,
      );
  }),
  'evaluation, held-out text': {
    axis: 'tokens',
    sizes: [8_192, 16_384, 32_768],
    run: (size) => evaluation({ ...HELD_OUT, 'evaluation.tokens': size }, 1_024),
  },
  'evaluation, a dictionary': {
    axis: 'latents',
    sizes: [16_384, 32_768, 65_536],
    run: (size) => evaluation({ ...HELD_OUT, 'evaluation.tokens': 8_192 }, size),
  },
  'evaluation, SAEs of a hook': {
    axis: 'SAEs',
    sizes: [2, 4, 8],
    run: (size) => evaluation({ ...HELD_OUT, 'evaluation.tokens': 4_096 }, 1_024, size),
  },
  'evaluation, probes': {
    axis: 'probe texts',
    sizes: [400, 800, 1_600],
    run: (size) =>
      evaluation(
        {
          'evaluation.suites': ['core', 'interpscore'],
          'evaluation.tokens': 2_048,
          'evaluation.coreTokens': 2_048,
          'evaluation.probeTexts': size,
        },
        1_024,
      ),
  },
  'k-sparse probes': stage('texts of a class', [1_600, 3_200, 6_400], (size) => kSparse(4, size, 256)),
  'k-sparse probes, classes': stage('classes', [8, 16, 32], (size) => kSparse(size, 200, 256)),
  'k-sparse probes, latents': stage('latents', [4_096, 8_192, 16_384], (size) => kSparse(4, 200, size)),
  tpp: stage('texts of a class', [1_600, 3_200, 6_400], (size) => tpp(4, size, 256)),
  'tpp, classes': stage('classes', [8, 16, 32], (size) => tpp(size, 200, 256), {
    reason:
      'the probe of every class is read with the latents of every other class taken out; the interval of their mean weighs every two of these',
  }),
  'tpp, latents': stage('latents', [4_096, 8_192, 16_384], (size) => tpp(4, 200, size)),
  'decoder similarity': stage(
    'latents',
    [2_048, 4_096, 8_192],
    async (size) => {
      const [first, second] = ['a', 'b'].map((seed) => ({
        sae: randomSae(size, seed),
        kept: new Uint8Array(size).fill(1),
      }));
      return async () => {
        const comparer = await openComparer({ threads: 1 });
        await comparer.nearest(first!, second!, () => peak.look());
        await comparer.close();
      };
    },
    {
      reason:
        'every latent of one SAE is compared with every latent of the other; a budget of operations bounds what a run spends',
    },
  ),
  'order of records': stage(
    'records',
    [100, 200, 400],
    async (size) => {
      const records = manyRecords(size);
      return () => standings(records, 'interpscore@0.0.1');
    },
    { reason: 'every pair is told apart or not, all of them judged together' },
  ),
  'export of records': stage('records', [100, 200, 400], async (size) => exported(manyRecords(size))),
  'record of a long training': stage('points', [50_000, 100_000, 200_000], async (size) => {
    const text = JSON.stringify(withTrajectory(size));
    return () => checkRecord(JSON.parse(text), 'a long one');
  }),
};
