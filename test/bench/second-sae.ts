/**
 * What evaluating a second SAE at a hook costs against the first: one hook of the embedded model, the demo's text and
 * probes, every round with an empty cache. The first evaluation fills it, the second has another SAE; the third has that SAE
 * without any cache, and must give the same numbers.
 *
 *     node test/bench/second-sae.ts [--layer 4] [--rounds 3]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { resolveRun } from '../../runner/config/resolve.ts';
import { suitesOf } from '../../runner/config/run-config.ts';
import { demoModelFolder } from '../../runner/demo/index.ts';
import type { Evaluated } from '../../runner/evaluation/evaluate.ts';
import { PROBE_BATCH_TOKENS } from '../../runner/evaluation/probe-pass.ts';
import { openContentCache } from '../../runner/io/content-cache.ts';
import { evaluateStage } from '../../runner/job/evaluation/evaluate-stage.ts';
import { evaluationText } from '../../runner/job/evaluation/heldout-text.ts';
import { openRunModel } from '../../runner/job/shared/language-model.ts';
import { plannedSaes } from '../../runner/job/shared/planned-saes.ts';
import { random } from '../../runner/math/random.ts';
import { openRelease, writeRelease } from '../../runner/sae/checkpoints/reference-release.ts';
import { type TopKSae, topKSae } from '../../runner/sae/sae.ts';
import { storedSha256 } from '../../runner/sae/stored-sae.ts';
import { loadTokenizer } from '../../runner/text/tokenizer.ts';
import { median } from './parts/median.ts';

const { values } = parseArgs({
  options: { layer: { type: 'string', default: '4' }, rounds: { type: 'string', default: '3' } },
});
const layer = Number(values.layer);
const config = await resolveRun([], { layers: values.layer });
const tokenizer = await loadTokenizer(demoModelFolder);
const silent = () => ({ progress: () => undefined, note: () => undefined, stopRequested: () => false });
const folder = mkdtempSync(join(tmpdir(), 'interpboard-second-'));
const [planned] = plannedSaes(config, []);
const text = await evaluationText(config, tokenizer, silent());

function saeOf(key: string): TopKSae {
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

type Measured = Awaited<ReturnType<typeof evaluated>>;

async function evaluated(
  key: string,
  cacheFolder: string | null,
): Promise<{ seconds: number; cpu: number; found: Evaluated }> {
  const file = await openRelease(join(folder, key), planned!.id);
  const since = performance.now();
  const used = process.cpuUsage();
  const opened = await openRunModel({
    device: config.device,
    precision: 'float32',
    spill: config.spill,
    place: { folder: demoModelFolder, revision: null },
    folder,
    memory: 8 * 2 ** 30,
    hooks: [layer],
    maxTokens: 256,
    divergence: true,
    positions: PROBE_BATCH_TOKENS,
    saes: 0,
  });
  try {
    const cached =
      cacheFolder === null
        ? undefined
        : { cache: await openContentCache(cacheFolder, 2 ** 32, 'bench'), identity: 'bench' };
    const { evaluated: all } = await evaluateStage(
      {
        config,
        device: 'cpu',
        opened,
        tokenizer,
        suites: suitesOf(config),
        text,
        saes: [{ planned: planned!, file, sha256: await storedSha256(file.sae) }],
        cached,
      },
      silent,
    );
    await cached?.cache.settled();
    const { user, system } = process.cpuUsage(used);
    return {
      seconds: (performance.now() - since) / 1000,
      cpu: (user + system) / 1e6,
      found: all[0]!.evaluated,
    };
  } finally {
    await opened.close();
    await file.close();
  }
}

const runs = ['first', 'second', 'without'] as const;
const found = { first: [] as Measured[], second: [] as Measured[], without: [] as Measured[] };
try {
  for (const key of ['a', 'b']) {
    const details = {
      k_aux: 32,
      alpha_aux: 0,
      hook_name: `blocks.${layer}.hook_resid_post`,
      model_name: config.model.id,
      tokens_seen: 0,
      step: 0,
    };
    mkdirSync(join(folder, key), { recursive: true });
    await writeRelease(join(folder, key), planned!.id, { sae: saeOf(key), details });
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    const cache = join(folder, `cache-${round}`);
    found.first.push(await evaluated('a', cache));
    found.second.push(await evaluated('b', cache));
    found.without.push(await evaluated('b', null));
    if (!isDeepStrictEqual(found.second.at(-1)!.found, found.without.at(-1)!.found)) {
      console.log('DIFFERENT: the cache changes the numbers');
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `layer ${layer}, ${config.evaluation.tokens} tokens, 2 × ${config.evaluation.probeTexts} probe texts, all suites`,
);
const words = {
  first: 'first SAE, writing the cache',
  second: 'second SAE, reading it',
  without: 'second SAE without a cache: the same numbers',
};
for (const run of runs) {
  const [wall, cpu] = [
    median(found[run].map((each) => each.seconds)),
    median(found[run].map((each) => each.cpu)),
  ];
  console.log(
    `${words[run].padEnd(46)} ${wall.toFixed(2).padStart(6)} s, ${cpu.toFixed(2).padStart(6)} s of CPU`,
  );
}
const shareOf = (read: (each: Measured) => number): number =>
  median(found.second.map((each, round) => read(each) / read(found.first[round]!)));
const share = shareOf(({ seconds }) => seconds);
const cpuShare = shareOf(({ cpu }) => cpu);
console.log(
  `second / first ${(100 * share).toFixed(0)} % of the time, ${(100 * cpuShare).toFixed(0)} % of the CPU (at most 35)`,
);
if (Math.max(share, cpuShare) > 0.35) process.exitCode = 1;
