/**
 * What evaluating a second SAE at a hook costs against the first: one hook of the embedded model, the demo's text and
 * probes, every round with an empty cache. The first evaluation fills it, the second has another SAE; the third has that SAE
 * without any cache, and must give the same numbers.
 *
 *     node test/bench/second-sae.ts [--layer 4] [--rounds 3]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { resolveRun } from '../../runner/config/resolve.ts';
import { demoModelFolder } from '../../runner/demo/index.ts';
import type { Evaluated } from '../../runner/evaluation/evaluate.ts';
import { PROBE_BATCH_TOKENS } from '../../runner/evaluation/probe-pass.ts';
import { openContentCache } from '../../runner/io/content-cache.ts';
import { evaluateStage } from '../../runner/job/evaluate-stage.ts';
import { openRunModel } from '../../runner/job/language-model.ts';
import { plannedSaes } from '../../runner/job/planned-saes.ts';
import { random } from '../../runner/math/random.ts';
import { type Sae, topKSae } from '../../runner/sae/sae.ts';
import { loadTokenizer } from '../../runner/text/tokenizer.ts';

const { values } = parseArgs({
  options: { layer: { type: 'string', default: '4' }, rounds: { type: 'string', default: '3' } },
});
const layer = Number(values.layer);
const config = await resolveRun([], { layers: values.layer });
const tokenizer = await loadTokenizer(demoModelFolder);
const silent = () => ({ progress: () => undefined, note: () => undefined, stopRequested: () => false });
const folder = mkdtempSync(join(tmpdir(), 'interpboard-second-'));
const [planned] = plannedSaes(config);

function saeOf(key: string): Sae {
  const stream = random('bench sae', key);
  const [d, n] = [128, config.sae.dSae];
  const W_dec = Float32Array.from({ length: n * d }, () => stream.gaussian() / Math.sqrt(d));
  const W_enc = new Float32Array(n * d);
  for (let j = 0; j < n; j++) for (let i = 0; i < d; i++) W_enc[i * n + j] = W_dec[j * d + i]!;
  return topKSae({
    d_in: d,
    d_sae: n,
    k: config.sae.k,
    W_enc,
    W_dec,
    b_enc: new Float32Array(n),
    b_dec: new Float32Array(d),
  });
}

async function evaluated(
  sae: Sae,
  cacheFolder: string | null,
): Promise<{ seconds: number; found: Evaluated }> {
  const since = performance.now();
  const opened = await openRunModel({
    config,
    place: { folder: demoModelFolder, revision: null },
    folder,
    memory: 8 * 2 ** 30,
    maxTokens: 256,
    positions: PROBE_BATCH_TOKENS,
    saes: 0,
  });
  try {
    const kept =
      cacheFolder === null
        ? undefined
        : { cache: await openContentCache(cacheFolder, 2 ** 32), identity: 'bench' };
    const { evaluated: all } = await evaluateStage(
      { config, device: 'cpu', opened, tokenizer, saes: [{ planned: planned!, sae }], kept },
      silent,
    );
    await kept?.cache.settled();
    return { seconds: (performance.now() - since) / 1000, found: all[0]!.evaluated };
  } finally {
    await opened.close();
  }
}

const times = { first: [] as number[], second: [] as number[], without: [] as number[] };
try {
  const [a, b] = [saeOf('a'), saeOf('b')];
  for (let round = 0; round < Number(values.rounds); round++) {
    const cache = join(folder, `cache-${round}`);
    const first = await evaluated(a, cache);
    const second = await evaluated(b, cache);
    const without = await evaluated(b, null);
    if (!isDeepStrictEqual(second.found, without.found)) {
      console.log('DIFFERENT: the cache changes the numbers');
      process.exitCode = 1;
    }
    times.first.push(first.seconds);
    times.second.push(second.seconds);
    times.without.push(without.seconds);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const median = (all: number[]): number => all.sort((x, y) => x - y)[all.length >> 1]!;
const [first, second, without] = [times.first, times.second, times.without].map(median) as [
  number,
  number,
  number,
];
console.log(
  `layer ${layer}, ${config.evaluation.tokens} tokens, 2 × ${config.evaluation.probeTexts} probe texts`,
);
console.log(`first SAE   ${first.toFixed(2)} s (writing the cache; ${without.toFixed(2)} s without one)`);
console.log(`second SAE  ${second.toFixed(2)} s, the same numbers as without a cache`);
const share = second / first;
console.log(`second / first ${(100 * share).toFixed(0)} % (at most 35)`);
if (share > 0.35) process.exitCode = 1;
