/**
 * Encoding by a TopK SAE: the k largest selected by onnxruntime, or on the host (runner/sae/selection.ts), which gives the
 * same bits, on one thread and on two: there after a product on both threads, or each thread with a product and selection of
 * its own (runner/sae/encoding-thread.ts), as evaluation does. They take turns; medians of time and of processor time. Then a
 * probe as InterpScore fits it.
 */
import { cpus } from 'node:os';
import { random } from '../../runner/math/random.ts';
import { float32, openSession } from '../../runner/onnx/session.ts';
import { fitLogistic } from '../../runner/probes/logistic-regression.ts';
import { encodingThread } from '../../runner/sae/encoding-thread.ts';
import { openSae } from '../../runner/sae/open-sae.ts';
import { encodeProgram, inMemory } from '../../runner/sae/programs.ts';
import { topKSae } from '../../runner/sae/sae.ts';
import { median } from './parts/median.ts';

const ROUNDS = 9;
const stream = random('bench encode');
const gaussians = (length: number, scale = 1): Float32Array =>
  Float32Array.from({ length }, () => scale * stream.gaussian());

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${ROUNDS} rounds`);
const thread = encodingThread();
for (const [d_in, d_sae, k, tokens] of [
  [128, 1_024, 32, 8_192],
  [512, 8_192, 32, 1_024],
  [2_048, 16_384, 64, 256],
] as const) {
  const sae = topKSae({
    d_in,
    d_sae,
    k,
    W_enc: gaussians(d_in * d_sae, 1 / Math.sqrt(d_in)),
    W_dec: gaussians(d_sae * d_in, 1 / Math.sqrt(d_in)),
    b_enc: gaussians(d_sae, 0.1),
    b_dec: gaussians(d_in, 0.1),
  });
  const x = gaussians(tokens * d_in);
  const open = async (threads: number) => {
    const runtime = await openSession(encodeProgram(sae, inMemory(sae)), { threads });
    const host = await openSae(sae, { threads });
    return [
      {
        name: `onnxruntime, ${threads} threads`,
        encode: async () => {
          const { values, indices } = await runtime.run({ x: float32(x, [tokens, d_in]) });
          return { values: values!.data, indices: indices!.data };
        },
        close: () => runtime.close(),
      },
      {
        name: `the host, ${threads} threads`,
        encode: () => host.encode(x, tokens),
        close: () => host.close(),
      },
    ];
  };
  const shared = await openSae(sae, { threads: 2, thread });
  const cases = [
    ...(await open(1)),
    ...(await open(2)),
    {
      name: 'the host, two threads apart',
      encode: () => shared.encode(x, tokens),
      close: () => shared.close(),
    },
  ].map((each) => ({ ...each, wall: [] as number[], cpu: [] as number[] }));
  const [first, ...others] = await Promise.all(cases.map(({ encode }) => encode()));
  for (const { indices, values } of others) {
    if (
      first!.indices.every((index, slot) => index === indices[slot] && first!.values[slot] === values[slot])
    )
      continue;
    console.log('DIFFERENT: the selections are not the same');
    process.exitCode = 1;
  }
  for (let round = -1; round < ROUNDS; round++) {
    for (const { encode, wall, cpu } of cases) {
      const used = process.cpuUsage();
      const since = performance.now();
      await encode();
      const { user, system } = process.cpuUsage(used);
      if (round < 0) continue;
      wall.push((1_000 * (performance.now() - since)) / tokens);
      cpu.push((user + system) / tokens);
    }
  }
  console.log(`${d_in}/${d_sae}/${k}, µs a token (of CPU), selected by`);
  for (const { name, wall, cpu, close } of cases) {
    console.log(`  ${name.padEnd(28)}${median(wall).toFixed(2).padStart(9)} (${median(cpu).toFixed(2)})`);
    await close();
  }
}
await thread.close();

const [rows, columns] = [1_200, 1_024];
const labels = Uint8Array.from({ length: rows }, () => stream.integer(2));
const values = Float32Array.from({ length: rows * columns }, (_, at) =>
  stream.next() < 0.5
    ? 0
    : Math.abs(stream.gaussian()) + (at % 7 === 0 ? labels[Math.floor(at / columns)]! / 2 : 0),
);
const train = Int32Array.from({ length: rows }, (_, row) => row);
const times = Array.from({ length: ROUNDS }, () => {
  const since = performance.now();
  fitLogistic({ rows, columns, values }, labels, train);
  return performance.now() - since;
});
console.log(
  `logistic regression, ${rows} rows × ${columns} latents, half of them 0: ${median(times).toFixed(0)} ms`,
);
