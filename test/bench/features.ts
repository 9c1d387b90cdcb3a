/**
 * What evidence of latents costs an evaluation: the same held-out text with the suite `features` and without any suite, taking
 * turns, and the memory at its peak. The language model is a random llama of width 768 with four blocks, the SAE, after the
 * second, random too: its latents fire evenly, so that every one has all its contexts. Other suites would make the evaluation
 * that the suite is compared with larger.
 *
 *     npm run bench -- features [--latents 1024,24576,65536] [--tokens 16384] [--rounds 3] [--top 12]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { resolveRun } from '../../runner/config/resolve.ts';
import { suitesOf } from '../../runner/config/run-config.ts';
import { demoModelFolder } from '../../runner/demo/index.ts';
import { evaluateStage } from '../../runner/job/evaluation/evaluate-stage.ts';
import { evaluationText } from '../../runner/job/evaluation/heldout-text.ts';
import { openRunModel } from '../../runner/job/shared/language-model.ts';
import { plannedSaes } from '../../runner/job/shared/planned-saes.ts';
import { random } from '../../runner/math/random.ts';
import { openRelease, writeRelease } from '../../runner/sae/checkpoints/reference-release.ts';
import { topKSae } from '../../runner/sae/sae.ts';
import { loadTokenizer } from '../../runner/text/tokenizer.ts';
import { median } from './parts/median.ts';
import { writeRandomLlama } from './parts/random-llama.ts';

const { values } = parseArgs({
  options: {
    latents: { type: 'string', default: '1024,24576,65536' },
    tokens: { type: 'string', default: '16384' },
    rounds: { type: 'string', default: '3' },
    top: { type: 'string', default: '12' },
  },
});
const LAYER = 1;
const [D, K] = [768, 32];
const config = await resolveRun([], {
  layers: String(LAYER),
  set: [
    `evaluation.tokens=${values.tokens}`,
    'evaluation.controlTokens=0',
    'evaluation.suites=["features"]',
    `suites.features.top=${values.top}`,
  ],
});
const tokenizer = await loadTokenizer(demoModelFolder);
const folder = mkdtempSync(join(tmpdir(), 'interpboard-features-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
await writeRandomLlama(folder, {
  width: D,
  inner: 2_048,
  blocks: 4,
  heads: 12,
  kvHeads: 4,
  vocabulary: 2_048,
  context: 512,
  type: 'F32' as const,
});
const [planned] = plannedSaes(config, []);
const text = await evaluationText(config, tokenizer, {
  progress: () => undefined,
  note: () => undefined,
  stopRequested: () => false,
});

async function writeSae(n: number): Promise<string> {
  const at = join(folder, String(n));
  const stream = random('bench features', n);
  const W_dec = Float32Array.from({ length: n * D }, () => stream.gaussian() / Math.sqrt(D));
  const W_enc = new Float32Array(n * D);
  for (let j = 0; j < n; j++) for (let i = 0; i < D; i++) W_enc[i * n + j] = W_dec[j * D + i]!;
  const sae = topKSae({
    d_in: D,
    d_sae: n,
    k: K,
    W_enc,
    W_dec,
    b_enc: new Float32Array(n),
    b_dec: new Float32Array(D),
  });
  const hook_name = `blocks.${LAYER}.hook_resid_post`;
  const details = { k_aux: 32, alpha_aux: 0, hook_name, model_name: 'random', tokens_seen: 0, step: 0 };
  mkdirSync(at);
  await writeRelease(at, planned!.id, { sae, details });
  return at;
}

interface Cost {
  seconds: number;
  cpu: number;
  /** Bytes that the process held at most. */
  peak: number;
}

async function evaluated(at: string, withSuite: boolean): Promise<Cost> {
  const file = await openRelease(at, planned!.id);
  const opened = await openRunModel({
    device: config.device,
    precision: 'float32' as const,
    spill: config.spill,
    place: { folder, revision: null },
    folder,
    memory: 16 * 2 ** 30,
    hooks: [LAYER],
    maxTokens: 256,
    positions: config.sae.batchTokens,
    saes: 0,
  });
  let peak = 0;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 50);
  const since = performance.now();
  const used = process.cpuUsage();
  try {
    await evaluateStage(
      {
        config,
        device: 'cpu',
        opened,
        tokenizer,
        text,
        suites: withSuite ? suitesOf(config) : [],
        saes: [{ planned: planned!, file, sha256: 'f'.repeat(64) }],
      },
      () => ({ progress: look, note: () => undefined, stopRequested: () => false }),
    );
    look();
    const { user, system } = process.cpuUsage(used);
    return { seconds: (performance.now() - since) / 1000, cpu: (user + system) / 1e6, peak };
  } finally {
    clearInterval(timer);
    await opened.close();
    await file.close();
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores; d ${D}, ${values.tokens} tokens, ${values.top} contexts and as many drawn as usual; median of ${values.rounds} rounds`,
);
for (const n of values.latents.split(',').map(Number)) {
  const at = await writeSae(n);
  const rounds: { without: Cost; suite: Cost }[] = [];
  for (let round = 0; round < Number(values.rounds); round++)
    rounds.push({ without: await evaluated(at, false), suite: await evaluated(at, true) });
  // The peak of the first round: what a process once held stays with it and counts in later rounds too.
  const [first] = rounds;
  const share = (read: (cost: Cost) => number): string =>
    `${(100 * (median(rounds.map(({ without, suite }) => read(suite) / read(without))) - 1)).toFixed(1)} %`;
  console.log(
    `${n.toLocaleString('en')} latents: ${share(({ seconds }) => seconds)} more time, ${share(({ cpu }) => cpu)} more CPU time (${median(rounds.map(({ without }) => without.cpu)).toFixed(1)} s without); peak ${(first!.suite.peak / 1e9).toFixed(2)} GB, without ${(first!.without.peak / 1e9).toFixed(2)} GB`,
  );
  rmSync(at, { recursive: true });
}
