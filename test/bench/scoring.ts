/**
 * What scoring an SAE takes once the tokens are read: reconstruction, latents and losses with the intervals of all of
 * them, from sums per row; drawn as rows, and as documents of eight rows.
 *
 *     npm run bench -- scoring [--rows 128] [--latents 4096] [--resamples 1000] [--saes 8]
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { random } from '../../runner/math/random.ts';
import { resampleRows } from '../../runner/metrics/bootstrap.ts';
import { hookStatistics } from '../../runner/metrics/hook-statistics.ts';
import { lossRecoveredSuite } from '../../runner/suites/loss-recovered.ts';
import { reconstructionSuite } from '../../runner/suites/reconstruction.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '128' },
    latents: { type: 'string', default: '4096' },
    resamples: { type: 'string', default: '1000' },
    saes: { type: 'string', default: '8' },
  },
});
const [rows, latents, count, saes] = [values.rows, values.latents, values.resamples, values.saes].map(
  Number,
) as [number, number, number, number];
const [TOKENS, WIDTH, K, PER_DOCUMENT] = [16, 8, 32, 8];

const stream = random('scoring');
const gaussians = (length: number): Float32Array => Float32Array.from({ length }, () => stream.gaussian());
const documents = Array.from({ length: rows }, (_, row) => Math.floor(row / PER_DOCUMENT));

function tablesOf(together: boolean) {
  const statistics = hookStatistics(WIDTH, new Array<number>(saes).fill(latents));
  for (let row = 0; row < rows; row++) {
    const x = gaussians(TOKENS * WIDTH);
    statistics.add(
      { x, tokens: TOKENS, ...(together ? { document: documents[row]! } : {}) },
      Array.from({ length: saes }, () => ({
        reconstruction: x.map((value) => value + 0.3 * stream.gaussian()),
        latents: {
          k: K,
          indices: Int32Array.from({ length: TOKENS * K }, () => Math.floor(latents * stream.next() ** 2)),
          values: new Float32Array(TOKENS * K).fill(1),
        },
      })),
    );
  }
  return statistics.tables();
}

const losses = () => Float64Array.from({ length: rows }, () => 127 * (3 + 0.3 * stream.gaussian()));
const zero = losses().map((loss) => 3 * loss);
const tables = Array.from({ length: saes }, () => ({
  predictions: new Float64Array(rows).fill(127),
  clean: losses(),
  sae: losses().map((loss) => 1.1 * loss),
  zero,
}));

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}; ${rows} rows, ${latents} latents, ${count} resamples; ms of CPU per SAE`,
);
for (const together of [false, true]) {
  const found = tablesOf(together);
  const begun = process.cpuUsage();
  const resamples = resampleRows(rows, { count, seed: 1 }, together ? documents : undefined);
  const results = reconstructionSuite(found, resamples);
  for (const table of tables) lossRecoveredSuite(table, resamples);
  const { user, system } = process.cpuUsage(begun);
  const measured = results.flatMap(({ metrics }) => Object.values(metrics)).length / saes + 5;
  console.log(
    `${together ? `documents of ${PER_DOCUMENT} rows` : 'rows apart'.padEnd(19)}  ${((user + system) / 1e3 / saes).toFixed(1)} for ${measured} values`,
  );
}
