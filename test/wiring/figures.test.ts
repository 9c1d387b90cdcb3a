/**
 * Every figure that a run publishes, computed a second time by plain loops: rows packed here from the documents of the
 * held-out share, latents by the slow reference, losses one row at a time, AUROCs by counting pairs.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoModelFolder, demoRow, probeSet } from '../../runner/demo/index.ts';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import type { LanguageModel } from '../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { fitLogistic } from '../../runner/probes/logistic-regression.ts';
import { splitRows } from '../../runner/probes/split.ts';
import { type DefinitionId, definitions } from '../../runner/report/definitions.ts';
import { modelCard } from '../../runner/report/model-card.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { readRelease } from '../../runner/sae/checkpoints/reference-release.ts';
import { encode, reconstruct } from '../../runner/sae/reference.ts';
import type { Sae } from '../../runner/sae/sae.ts';
import { loadTokenizer, type Tokenizer } from '../../runner/text/tokenizer.ts';
import { type Left, start } from './program-run.ts';

const SHARE = 0.2;
const ROW = 128;
const BATCH = 1024;
const DOCUMENT = 200;
const TOKENS = { evaluation: 3072, validation: 2048 };
const PROBES = { texts: 60, tokens: 40 };

let folder: string;
let left: Left;
let record: EvaluationRecord;
let sae: Sae;
let model: LanguageModel;
let tokenizer: Tokenizer;
let documents: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-figures-'));
  documents = Array.from({ length: 1200 }, (_, row) => (demoRow('prose', 51, row) as { text: string }).text);
  documents.splice(3, 0, 'Too short to be read.');
  const source = join(folder, 'text.jsonl');
  // The second line is broken: passed over by training and by evaluation.
  await writeFile(
    source,
    documents
      .map((text) => JSON.stringify({ text }))
      .toSpliced(1, 0, '{"text": "cut')
      .join('\n'),
  );
  left = await start({
    place: folder,
    settings: {
      'corpus.source': source,
      'corpus.heldoutShare': SHARE,
      // Of training and validation; evaluation joins its documents whatever this says.
      'corpus.boundaries': 'separated',
      // Few latents per token and few steps: some latents stay dead, some errors stay large.
      'sae.k': 4,
      'sae.dSae': 1024,
      'evaluation.tokens': TOKENS.evaluation,
      'evaluation.documentTokens': DOCUMENT,
      'evaluation.suites': ['interpscore'],
      'evaluation.probeTexts': PROBES.texts,
      'evaluation.probeTokens': PROBES.tokens,
      'validation.tokens': TOKENS.validation,
    },
  });
  expect({ code: left.outcome.code, err: left.outcome.err }).toEqual({ code: 0, err: '' });
  record = left.records[0]!;
  sae = (await readRelease(left.folder, 'L2')).sae;
  tokenizer = await loadTokenizer(demoModelFolder);
  model = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks: [2], maxTokens: 256 });
});
afterAll(async () => {
  await model?.close();
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hashOf = (text: string): string => sha256(text.replace(/\s+/g, ' ').trim());
const isHeldout = (text: string): boolean =>
  text.length > 50 && Number.parseInt(hashOf(text).slice(0, 12), 16) / 2 ** 48 < SHARE;

/** Rows of held-out text, and the documents that went into them. */
function rowsOf(tokens: number, rule: { cut: number; special: boolean; after?: number[] }) {
  const rows: number[][] = [];
  const read: string[] = [];
  const rest: number[] = [];
  for (const text of documents.filter(isHeldout)) {
    read.push(text);
    rest.push(
      ...tokenizer.encode(text, { specialTokens: rule.special }).slice(0, rule.cut),
      ...(rule.after ?? []),
    );
    while (rest.length >= ROW && rows.length < tokens / ROW) rows.push(rest.splice(0, ROW));
    if (rows.length === tokens / ROW) break;
  }
  return { rows, read };
}

/** Residuals of rows after block 2, and what the SAE makes of them. */
async function reconstructed(rows: readonly number[][]) {
  const found = [];
  for (const row of rows) {
    const batch = { ids: Int32Array.from(row), rows: 1, tokens: row.length };
    const x = (await model.residuals(batch, 0))[0]!;
    found.push({ batch, x, ...reconstruct(sae, x, row.length) });
  }
  return found;
}
type Seen = Awaited<ReturnType<typeof reconstructed>>;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

/** Squared error of the reconstruction, and squares around the mean of the given rows. */
function squaresOf(rows: Seen): { error: number; variance: number } {
  const d = model.dModel;
  const count = rows.length * ROW;
  const centre = new Float64Array(d);
  for (const { x } of rows)
    x.forEach((value, i) => {
      centre[i % d]! += value / count;
    });
  let [error, variance] = [0, 0];
  for (const { x, reconstruction } of rows) {
    x.forEach((value, i) => {
      error += (value - reconstruction[i]!) ** 2;
      variance += (value - centre[i % d]!) ** 2;
    });
  }
  return { error, variance };
}

function varExpOf(rows: Seen): number {
  const { error, variance } = squaresOf(rows);
  return 1 - error / variance;
}

/** Around the mean of each forward pass. */
function varExpByPass(rows: Seen): number {
  const together = BATCH / ROW;
  const passes = Array.from({ length: Math.ceil(rows.length / together) }, (_, i) =>
    squaresOf(rows.slice(i * together, (i + 1) * together)),
  );
  const sum = (part: 'error' | 'variance'): number => passes.reduce((total, each) => total + each[part], 0);
  return 1 - sum('error') / sum('variance');
}

/** Latents that fired, and how many a token. */
function firing(rows: Seen) {
  const alive = new Set<number>();
  let active = 0;
  for (const { values, indices } of rows) {
    values.forEach((value, slot) => {
      if (value <= 0) return;
      active++;
      alive.add(indices[slot]!);
    });
  }
  return { alive: alive.size, fired: alive, l0: active / (rows.length * ROW) };
}

/** Means of the rows' mean cross entropy: clean, with the reconstruction, with zeros. */
async function lossesOf(rows: Seen) {
  const of = async (residual: (each: Seen[number]) => Float32Array): Promise<number> => {
    const losses = [];
    for (const each of rows) {
      const nll = await model.losses(0, residual(each), each.batch);
      losses.push(mean(Array.from(nll.subarray(0, ROW - 1))));
    }
    return mean(losses);
  };
  return {
    clean: await of(({ x }) => x),
    sae: await of(({ reconstruction }) => reconstruction),
    zero: await of(({ x }) => new Float32Array(x.length)),
  };
}

const json = async <T>(name: string): Promise<T> =>
  JSON.parse(await readFile(join(left.folder, name), 'utf8')) as T;

describe('the evaluation', () => {
  const packing = { cut: DOCUMENT, special: true };
  let seenRows: Promise<Seen> | undefined;
  const evaluationRows = () => (seenRows ??= reconstructed(rowsOf(TOKENS.evaluation, packing).rows));

  test('the record says which documents it read, and how many tokens', () => {
    const { rows, read } = rowsOf(TOKENS.evaluation, packing);
    expect(record.data).toMatchObject({
      tokens: rows.length * ROW,
      rows: rows.length,
      row_tokens: ROW,
      seed: 43,
      documents: { count: read.length, sha256: sha256(read.map(hashOf).join('')) },
    });
    expect(record.data!.tokens).toBe(TOKENS.evaluation);
    expect(record.provenance.seeds).toMatchObject({
      heldout_text: 43,
      training_text: 42,
      sae: 0,
      bootstrap: 0,
    });
    expect(record.data!.name).toContain('text.jsonl');
    expect(record.data!.documents!.broken_rows).toBe(1);
    expect(record.sae.training!.brokenRows).toBe(1);
    expect(record.data!.split).toContain('20 %');
    expect(record.data!.split).toContain(`cut to ${DOCUMENT} tokens`);
  });

  test('decoder_similarity.json', async () => {
    const { fired } = firing(await evaluationRows());
    const d = sae.d_in;
    const rows = [...fired].map((latent) => {
      const row = sae.W_dec.slice(latent * d, (latent + 1) * d);
      const norm = Math.hypot(...row);
      return row.map((each) => each / norm);
    });
    const greatest = rows.map((row, i) =>
      Math.max(
        ...rows.map((other, j) => (i === j ? -1 : row.reduce((sum, each, at) => sum + each * other[at]!, 0))),
      ),
    );
    const { similarity } = left;
    expect(similarity).toMatchObject({
      window_tokens: TOKENS.evaluation,
      d_model: d,
      saes: [
        { record: record.id, layer: 2, d_sae: sae.d_sae, sha256: record.sae.sha256, compared: fired.size },
      ],
    });
    expect(fired.size).toBeLessThan(sae.d_sae);
    const [pair] = similarity!.pairs;
    if (pair === undefined || 'reason' in pair) throw new Error('the SAE was not held against itself');
    expect(pair.values['decoder_mmcs@v1']).toBeCloseTo(mean(greatest), 6);
    expect(pair.values['decoder_twins@cosine-0.7']).toBe(
      greatest.filter((cosine) => cosine > 0.7).length / rows.length,
    );
  });

  test('interpscore_L2.json', async () => {
    const seen = await evaluationRows();
    expect(record.metrics['var_exp@pooled-v1']?.value).toBeCloseTo(varExpOf(seen), 8);
    expect(record.metrics['var_exp@chunk-v1']?.value).toBeCloseTo(varExpByPass(seen), 8);
    const losses = await lossesOf(seen);
    const { alive, l0 } = firing(seen);
    const found = await json<Record<string, unknown>>('interpscore_L2.json');
    const close = (name: string, value: number, digits = 5) =>
      expect(found[name], name).toBeCloseTo(value, digits);
    expect(found).toMatchObject({
      version: '0.0.1',
      model: 'interpboard/small-world',
      layer: 2,
      d_model: model.dModel,
      d_sae: sae.d_sae,
      k: 4,
      tokens_trained: 6144,
      eval_tokens: TOKENS.evaluation,
      tpp_concept: 'toxicity',
      tpp_top_features: Math.floor(0.005 * sae.d_sae),
      sae_repo: null,
    });
    close('L_clean', losses.clean);
    close('L_sae', losses.sae);
    close('L_zero', losses.zero);
    close('L0', l0, 9);
    close('dead_frac', 1 - alive / sae.d_sae, 12);
    expect(found.elapsed_sec).toBe(record.provenance.wall_seconds);

    const tasks = await probed();
    const aurocs = Object.fromEntries(tasks.map(({ name, auroc }) => [name, auroc]));
    expect(found.probing_tasks).toEqual(tasks.map(({ name }) => name));
    for (const [name, auroc] of Object.entries(found.probing_per_task_auc as Record<string, number>))
      expect(auroc, name).toBeCloseTo(aurocs[name]!, 9);
    const components = found.components as Record<string, number>;
    const expected: Record<string, number> = {
      loss_recovered: (losses.zero - losses.sae) / (losses.zero - losses.clean),
      alive: alive / sae.d_sae,
      l0_score: Math.min(l0 / 80, 80 / l0),
      sparse_probing: mean(Object.values(aurocs)),
      tpp: Math.max(0, tasks[0]!.lost),
    };
    expect(Object.keys(components).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, value] of Object.entries(expected))
      expect(components[name], name).toBeCloseTo(value, 5);
    const weights = { loss_recovered: 0.3, alive: 0.15, l0_score: 0.15, sparse_probing: 0.25, tpp: 0.15 };
    expect(found.weights).toEqual(weights);
    const score = Object.entries(weights).reduce((sum, [name, weight]) => sum + weight * expected[name]!, 0);
    expect(found.interp_score).toBeCloseTo(score, 5);

    const combined = await json<Record<string, unknown>>('interpscore_wiring.json');
    expect(combined).toMatchObject({ best_layer: 2, model: found.model, tokens_trained: 6144 });
    expect(combined.per_layer).toEqual({ 2: found });
    expect(combined.sources).toEqual({ 2: 'interpscore_L2.json' });
  });

  test('the model card', async () => {
    const card = modelCard(left.records, { repo: 'lab/saes' });
    const cellsOf = (title: string): Record<string, string> => {
      const [, section] = card.split(`## ${title}\n`);
      const lines = section!.split('\n').filter((line) => line.startsWith('|'));
      const [head, , row] = lines.map((line) =>
        line.split(' | ').map((cell) => cell.replaceAll('|', '').trim()),
      );
      return Object.fromEntries(head!.map((name, i) => [name, row![i]!]));
    };
    const seen = await evaluationRows();
    const { alive, l0 } = firing(seen);
    const losses = await lossesOf(seen);
    const dead = `${(100 * (1 - alive / sae.d_sae)).toFixed(2)} %`;
    expect(cellsOf('SAEs')).toMatchObject({
      file: '`sae_L2_latest.safetensors`',
      latents: '1,024',
      k: '4',
      tokens: '6,144',
      L0: l0.toFixed(2),
      dead,
    });
    const near = (text: string | undefined, value: number, id: DefinitionId) => {
      const { digits } = definitions[id];
      expect(Number(/^-?[\d.]+/.exec(text ?? '')?.[0]), id).toBeCloseTo(value, digits - 1);
    };
    near(cellsOf('SAEs').var_exp, varExpOf(seen), 'var_exp@pooled-v1');
    const short = (id: DefinitionId): string => definitions[id].short;
    const validation = cellsOf('Validation');
    near(validation[short('var_exp@chunk-v1')], varExpByPass(seen), 'var_exp@chunk-v1');
    near(validation[short('l0@v1')], l0, 'l0@v1');
    near(validation[short('alive@v1')], alive / sae.d_sae, 'alive@v1');
    near(validation[short('loss_clean@v1')], losses.clean, 'loss_clean@v1');
    near(validation[short('loss_sae@v1')], losses.sae, 'loss_sae@v1');
    near(validation[short('loss_zero@v1')], losses.zero, 'loss_zero@v1');
    const { read } = rowsOf(TOKENS.evaluation, packing);
    expect(card).toContain(`3,072 tokens from ${read.length} documents of`);
    const [toxicity] = await probed();
    near(cellsOf('Dense probes').L2, toxicity!.auroc, 'probe_auc_dense@interpscore-0.0.1');
  });
});

test('val_report.json', async () => {
  const seen = await reconstructed(
    rowsOf(TOKENS.validation, {
      cut: Number.POSITIVE_INFINITY,
      special: false,
      after: [tokenizer.eosTokenId!],
    }).rows,
  );
  const { alive, l0 } = firing(seen);
  const found = (left.validation as Record<string, Record<string, number>>)['2']!;
  expect(Object.keys(found).sort()).toEqual(['alive', 'dead_pct', 'l0', 'var_expl']);
  // Some latents are dead, or their share could be anything.
  expect(alive).toBeLessThan(sae.d_sae);
  expect(found.alive).toBe(alive);
  expect(found.dead_pct).toBeCloseTo(100 * (1 - alive / sae.d_sae), 9);
  expect(found.l0).toBeCloseTo(l0, 9);
  expect(found.var_expl).toBeCloseTo(varExpByPass(seen), 8);
});

/** Of each task the AUROC, and the share of it that is lost without the heaviest latents. */
async function probed(): Promise<{ name: string; auroc: number; lost: number }[]> {
  const found = [];
  for (const name of ['toxicity', 'sentiment'] as const) {
    const rows = probeSet(name, 0, PROBES.texts);
    const values = new Float32Array(rows.length * sae.d_sae);
    for (const [i, { text }] of rows.entries()) {
      const ids = tokenizer.encode(text, { specialTokens: true }).slice(0, PROBES.tokens);
      const batch = { ids: Int32Array.from(ids), rows: 1, tokens: ids.length };
      const x = (await model.residuals(batch, 0))[0]!;
      const latents = encode(sae, x, ids.length);
      latents.values.forEach((value, slot) => {
        values[i * sae.d_sae + latents.indices[slot]!]! += value / ids.length;
      });
    }
    const features = { rows: rows.length, columns: sae.d_sae, values };
    const labels = rows.map(({ label }) => label);
    const { train, test: held } = splitRows(rows.length, { limit: rows.length });
    const { weights } = fitLogistic(features, labels, train, {});
    const scoreOf = (row: number, kept: (latent: number) => boolean): number => {
      let sum = 0;
      for (let j = 0; j < sae.d_sae; j++) if (kept(j)) sum += weights[j]! * values[row * sae.d_sae + j]!;
      return sum;
    };
    const area = (kept: (latent: number) => boolean): number => {
      const scores = Array.from(held, (row) => ({ score: scoreOf(row, kept), label: labels[row]! }));
      const [ones, zeros] = [1, 0].map((label) => scores.filter((each) => each.label === label));
      const wins = ones!.flatMap((one) => zeros!.map((zero) => (Math.sign(one.score - zero.score) + 1) / 2));
      return mean(wins);
    };
    const count = Math.floor(0.005 * sae.d_sae);
    const heaviest = Array.from(weights, (_, j) => j)
      .sort((a, b) => Math.abs(weights[b]!) - Math.abs(weights[a]!))
      .slice(0, count);
    const [auroc, without] = [area(() => true), area((j) => !heaviest.includes(j))];
    found.push({ name, auroc, lost: (auroc - without) / auroc });
  }
  return found;
}
