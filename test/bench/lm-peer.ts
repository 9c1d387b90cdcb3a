/**
 * A llama of random weights (106 M parameters, float32) here and in transformers + PyTorch, on the same cores: the
 * full forward, and the residual at one third of the depth. Runs take turns; medians of the ratios of pairs.
 *
 * Theirs: `model(input_ids, use_cache=False)` giving the logits; capture with `output_hidden_states=True`, and by a
 * forward hook on the block, both of which run the whole model, as their users' do. Ours: the same logits' losses
 * (what every evaluation asks for: they do not leave the program), and the segments up to the hook alone.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { openLanguageModel } from '../../runner/lm/open-language-model.ts';
import { median } from './parts/median.ts';
import { hundredMillion, writeRandomLlama } from './parts/random-llama.ts';

const rows = 4;
const tokens = 512;
const rounds = Number(process.env.INTERPBOARD_BENCH_ROUNDS ?? 9);
const hook = hundredMillion.blocks / 3 - 1;
const threads = Math.min(2, availableParallelism());

interface Peer {
  ask(line: string): Promise<string>;
  close(): void;
  versions: string;
}

async function startPeer(python: string, folder: string): Promise<Peer> {
  const script = fileURLToPath(new URL('./parts/lm_peer.py', import.meta.url));
  const child: ChildProcessWithoutNullStreams = spawn(
    python,
    [script, folder, String(rows), String(tokens), String(threads)],
    { env: { ...process.env, HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false' } },
  );
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the Python program ended: ${complaints.trim().split('\n').at(-1)}`);
    return value;
  };
  return {
    versions: await next(),
    async ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    close: () => child.stdin.end(),
  };
}

const python = process.env.INTERPBOARD_PYTHON;
if (python === undefined) {
  console.log('skipped: set INTERPBOARD_PYTHON to a Python that has torch and transformers');
} else {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-peer-'));
  try {
    const { parameters } = await writeRandomLlama(folder, hundredMillion);
    const checkpoint = await openCheckpoint(folder);
    const model = await openLanguageModel(checkpoint, { hooks: [hook], threads, maxTokens: tokens });
    const ids = Int32Array.from({ length: rows * tokens }, (_, i) => (i * 7919) % hundredMillion.vocabulary);
    const batch = { ids, rows, tokens };
    const peer = await startPeer(python, folder);
    console.log(
      `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads each; ${(parameters / 1e6).toFixed(1)} M parameters, ${rows} x ${tokens} tokens, ${rounds} rounds; ${peer.versions}`,
    );

    // The two compute the same: a few numbers of the residual, and the mean loss.
    const theirs = (await peer.ask(`values ${hook}`)).split(' ').map(Number);
    const [captured] = await model.residuals(batch);
    const nll = await model.losses(0, captured!, batch);
    const mean = nll.reduce((sum, value) => sum + value, 0) / (rows * (tokens - 1));
    const difference = Math.max(
      ...theirs.map((value, i) => Math.abs(value - (i < 8 ? captured![i]! : mean))),
    );
    console.log(
      `largest difference of eight numbers of the residual and of the mean loss: ${difference.toExponential(1)}`,
    );
    if (difference > 2e-4) process.exitCode = 1;

    const time = async (work: () => Promise<unknown>): Promise<number> => {
      const start = performance.now();
      await work();
      return performance.now() - start;
    };
    const full = async () => model.losses(0, (await model.residuals(batch))[0]!, batch);
    const capture = () => model.residuals(batch);
    const cases = [
      { name: 'full forward', ours: full, line: 'full', bar: 1 },
      { name: 'capture at 1/3, output_hidden_states', ours: capture, line: `capture ${hook}`, bar: 2.5 },
      { name: 'capture at 1/3, forward hook', ours: capture, line: `hook ${hook}`, bar: 2.5 },
    ].map((each) => ({ ...each, pairs: [] as [number, number][] }));
    for (let round = -1; round < rounds; round++) {
      for (const { ours, line, pairs } of cases) {
        const here = async () => time(ours);
        const there = async () => Number(await peer.ask(line));
        // Who goes first takes turns too.
        const pair: [number, number] =
          round % 2 === 0
            ? [await here(), await there()]
            : ((b, a) => [a, b] as [number, number])(await there(), await here());
        if (round >= 0) pairs.push(pair);
        console.log(
          `  ${round < 0 ? 'warm-up' : `round ${round + 1}`}, ${line}: ${pair.map((ms) => Math.round(ms)).join(' and ')} ms`,
        );
      }
    }
    for (const { name, pairs, bar } of cases) {
      const rate = (side: 0 | 1): string =>
        Math.round((rows * tokens * 1_000) / median(pairs.map((pair) => pair[side]))).toLocaleString('en');
      const ratio = median(pairs.map(([a, b]) => b / a));
      console.log(
        `${name.padEnd(38)} ours ${rate(0).padStart(7)} tokens/s, theirs ${rate(1).padStart(7)}, ratio ${ratio.toFixed(2)} (asked: ${bar.toFixed(1)})`,
      );
    }
    peer.close();
    await model.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
