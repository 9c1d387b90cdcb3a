/**
 * What an SAE costs at a hook inside a block, against one at the residual stream after it: processor time of one thread, of the
 * same passes over the same text through a random llama, in turns. `forward` is the model cut at the hook, from tokens to
 * losses, the hook's tensor looked at; `evaluation` all that every run measures of one SAE (reconstruction; losses clean, with it, and with zero
 * and the mean in its place); `again` the same of another SAE at the hook, where the losses of ablations are cached. In brackets
 * stands what the weights say that tokens meet: behind the residual stream an ablation is one row for all text, inside a block it
 * goes through the rest of the model with all of the text, as what stands beside the hook differs from token to token; and what goes
 * on from a hook inside a block goes through the rest of that block. At the end stands an evaluation at mlp_out where segments are loaded in
 * turn, and where there is no room to keep what stands beside the hook, so that ablations take the text through the model again.
 *
 *     node test/bench/hooks.ts [--rows 24] [--rounds 5]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { isMainThread, Worker } from 'node:worker_threads';
import { knownAblations } from '../../runner/evaluation/known-ablations.ts';
import { type CachedResults, observe } from '../../runner/evaluation/observation.ts';
import { observeTokens } from '../../runner/evaluation/token-pass.ts';
import { type Hook, hookName } from '../../runner/hook.ts';
import { openContentCache } from '../../runner/io/content-cache.ts';
import { type Checkpoint, openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { familyOf } from '../../runner/lm/families/index.ts';
import { hookWidth, type LanguageModel, type TokenBatch } from '../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { partsOf } from '../../runner/lm/parts.ts';
import { type SweepOptions, sweep } from '../../runner/lm/sweep.ts';
import { random } from '../../runner/math/random.ts';
import { type Reporter, silent, stageReporter } from '../../runner/reporter.ts';
import { openSae } from '../../runner/sae/open-sae.ts';
import { topKSae } from '../../runner/sae/sae.ts';
import { median } from './parts/median.ts';
import { type LlamaSizes, writeRandomLlama } from './parts/random-llama.ts';

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '24' }, rounds: { type: 'string', default: '5' } },
});
const TOKENS = 128;
const LAYER = 5;
const D_SAE = 1_024;
const sizes: LlamaSizes = {
  width: 256,
  inner: 704,
  blocks: 8,
  heads: 8,
  kvHeads: 4,
  vocabulary: 2_048,
  context: 512,
  type: 'F32',
};
const sites = ['resid_post', 'attn_z', 'attn_out', 'resid_mid', 'mlp_in', 'mlp_out'] as const;

if (isMainThread) {
  // As the job's thread has it (runner/commands/run-job.ts): it holds for threads that start after this.
  setFlagsFromString('--initial-old-space-size=128');
  const thread = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  thread.on('error', (error) => {
    throw error;
  });
} else await compare();

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'interpboard-hooks-'));
  try {
    await writeRandomLlama(folder, sizes);
    const stream = random('bench hooks');
    const rows = Number(values.rows);
    const batches = Array.from(
      { length: Math.ceil(rows / 8) },
      (): TokenBatch => ({
        ids: Int32Array.from({ length: 8 * TOKENS }, () => stream.integer(sizes.vocabulary)),
        rows: 8,
        tokens: TOKENS,
      }),
    );
    const checkpoint = await openCheckpoint(folder);
    const places = [];
    for (const site of sites) {
      const hook: Hook = { layer: LAYER, site };
      const model = await openLanguageModel(checkpoint, { hooks: [hook], maxTokens: TOKENS, threads: 1 });
      places.push({ hook, model, sae: await openSae(randomSae(hookWidth(model, hook)), { threads: 1 }) });
    }
    const cache = {
      cache: await openContentCache(join(folder, 'cache'), 2 ** 24, 'bench'),
      identity: 'bench',
    };
    const times = new Map(
      sites.map((site) => [
        site,
        { forward: [] as number[], evaluation: [] as number[], again: [] as number[] },
      ]),
    );
    for (let round = -1; round < Number(values.rounds); round++) {
      for (const { hook, model, sae } of places) {
        const forward = await timed(() =>
          sweep(model, batches, [{ see: async () => [], clean: () => undefined }], { reporter: reporter() }),
        );
        const evaluation = await timed(() => evaluate(model, hook, sae, batches));
        const again = await timed(() => evaluate(model, hook, sae, batches, cache));
        await cache.cache.settled();
        // The first round warms the programs up and fills the cache.
        if (round < 0) continue;
        times.get(hook.site as (typeof sites)[number])!.forward.push(forward);
        times.get(hook.site as (typeof sites)[number])!.evaluation.push(evaluation);
        times.get(hook.site as (typeof sites)[number])!.again.push(again);
      }
    }
    const base = times.get('resid_post')!;
    for (const site of sites.slice(1)) {
      const of = times.get(site)!;
      const more = (what: 'forward' | 'evaluation' | 'again'): string => {
        const measured = median(of[what].map((each, i) => each / base[what][i]!)) - 1;
        const expected = weightsMet(site)[what] / weightsMet('resid_post')[what] - 1;
        return `${what} ${percent(measured)} (${percent(expected)})`;
      };
      console.log(
        `${hookName({ layer: LAYER, site })} against resid_post: ${more('forward')}, ${more('evaluation')}, ${more('again')}`,
      );
    }
    console.log('in brackets: by the weights that tokens meet');
    await compareModes(checkpoint, batches);
    for (const { model, sae } of places) {
      await sae.close();
      await model.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A first SAE at mlp_out against one at resid_post, of a model loaded in turn, and of one held whole without room beside. */
async function compareModes(checkpoint: Checkpoint, batches: readonly TokenBatch[]): Promise<void> {
  const parts = partsOf(checkpoint, familyOf(checkpoint));
  const largest = Math.max(
    ...[parts.embedding, parts.head, ...parts.blocks].map((part) =>
      [...part.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    ),
  );
  const modes = [
    { name: 'segments loaded in turn', memory: 2 * largest, sweeping: { together: batches.length } },
    { name: 'no room beside', memory: undefined, sweeping: { beside: 0 } },
  ];
  for (const { name, memory, sweeping } of modes) {
    const [outside, inside] = await Promise.all(
      (['resid_post', 'mlp_out'] as const).map(async (site) => {
        const hook: Hook = { layer: LAYER, site };
        const model = await openLanguageModel(checkpoint, {
          hooks: [hook],
          maxTokens: TOKENS,
          threads: 1,
          ...(memory !== undefined && { memory }),
        });
        return { hook, model, sae: await openSae(randomSae(hookWidth(model, hook)), { threads: 1 }) };
      }),
    );
    const ratios: number[] = [];
    for (let round = -1; round < Number(values.rounds); round++) {
      const [without, within] = [outside!, inside!].map(
        ({ hook, model, sae }) =>
          () =>
            evaluate(model, hook, sae, batches, undefined, sweeping),
      );
      const base = await timed(without!);
      const more = await timed(within!);
      if (round >= 0) ratios.push(more / base);
    }
    console.log(`${name}: mlp_out:${LAYER} against resid_post: evaluation ${percent(median(ratios) - 1)}`);
    for (const { model, sae } of [outside!, inside!]) {
      await sae.close();
      await model.close();
    }
  }
}

/** Weights that a token meets, of the model and the encoder, in each of the three. */
function weightsMet(site: (typeof sites)[number]) {
  const { width, inner, blocks, heads, kvHeads, vocabulary } = sizes;
  const mlp = 3 * width * inner;
  const output = width * width;
  const block = mlp + 2 * output + (2 * width * width * kvHeads) / heads;
  const head = vocabulary * width;
  const ofBlock = {
    resid_post: 0,
    attn_z: output + mlp,
    attn_out: mlp,
    resid_mid: mlp,
    mlp_in: mlp,
    mlp_out: 0,
  };
  const forward = blocks * block + head;
  const behind = (blocks - 1 - LAYER) * block + head + ofBlock[site];
  const again = forward + width * D_SAE + behind;
  // Of what is in the residual stream an ablation is one row.
  const evaluation = again + (site.startsWith('resid') ? 0 : 2 * behind);
  return { forward, evaluation, again };
}

function percent(share: number): string {
  return `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)} %`;
}

async function evaluate(
  model: LanguageModel,
  hook: Hook,
  sae: Awaited<ReturnType<typeof openSae>>,
  text: readonly TokenBatch[],
  cached?: CachedResults,
  options: Pick<SweepOptions, 'together' | 'beside'> = {},
): Promise<void> {
  const hooks = [{ ...hook, d: hookWidth(model, hook), saes: [sae] }];
  const observation = observeTokens(hooks, text, null, [], true, await knownAblations(hooks, text, cached));
  const sweeping = async () => ({ reporter: reporter(), ...options });
  await observe(model, [observation], sweeping, hooks);
  observation.result();
}

function reporter(): Reporter {
  return stageReporter('bench', 'tokens', silent);
}

function randomSae(d: number) {
  const draw = (length: number): Float32Array => {
    const stream = random('bench hooks', d, length);
    return Float32Array.from({ length }, () => 0.1 * stream.gaussian());
  };
  const [W_enc, W_dec] = [draw(d * D_SAE), draw(D_SAE * d + 1).subarray(1)];
  return topKSae({ d_in: d, d_sae: D_SAE, k: 32, W_enc, W_dec, b_enc: draw(D_SAE), b_dec: draw(d) });
}

/** Processor time, milliseconds. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const from = cpu();
  await work();
  return cpu() - from;
}
