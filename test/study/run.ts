/**
 * Which metric deserves belief? Trains SAEs on a synthetic model, whose features are known, measures them by every metric of
 * the report that can be measured there, and holds the metrics to F1 and MCC.
 *
 *     npm run study -- --minutes 30
 *
 * Every finished unit is kept in .cache/study: called again, it goes on. Figures are of what is there; `--write` puts them
 * where the site reads them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { canonicalJson, sha256 } from '../../runner/io/hash.ts';
import { writeAtomic } from '../../runner/io/write-atomic.ts';
import type { Sae } from '../../runner/sae/sae.ts';
import { parseConfig } from '../../runner/synthetic/layout.ts';
import type { SyntheticModel } from '../../runner/synthetic/model.ts';
import { train, withModel } from '../bench/parts/truth.ts';
import { type Design, type Unit, unitsOf } from './design.ts';
import type { Seen } from './figures.ts';
import { type Evaluation, openEvaluation } from './measure.ts';
import { reportOf } from './report.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '600' },
    seeds: { type: 'string', default: '5' },
    widths: { type: 'string', default: '256,512' },
    lengths: { type: 'string', default: '200,400,800' },
    samples: { type: 'string', default: '8192' },
    'evaluation-seeds': { type: 'string', default: '3' },
    model: { type: 'string', default: fileURLToPath(new URL('./model.json', import.meta.url)) },
    write: { type: 'boolean', default: false },
  },
});
const list = (words: string): number[] =>
  words
    .split(',')
    .map(Number)
    .sort((a, b) => a - b);
const design: Design = {
  widths: list(values.widths),
  lengths: list(values.lengths),
  batch: 256,
  rate: 3e-3,
  samples: Number(values.samples),
  evaluationSeeds: Number(values['evaluation-seeds']),
};
const modelText = await readFile(values.model, 'utf8');
const folder = join(root, '.cache', 'study', sha256(canonicalJson([design, modelText])).slice(0, 16));
const units = unitsOf(design, Number(values.seeds));
const fileOf = (unit: Unit): string => join(folder, `${unit.name}.json`);
const until = Date.now() + 60_000 * Number(values.minutes);

async function runUnit(
  model: SyntheticModel,
  unit: Unit,
  evaluations: readonly Evaluation[],
): Promise<Seen[]> {
  const found: Seen[] = [];
  const measureAll = async (length: number, saes: readonly Sae[]): Promise<void> => {
    const last = length === design.lengths.at(-1);
    for (const [evaluationSeed, evaluation] of evaluations.entries()) {
      if (evaluationSeed > 0 && !last) break;
      for (const [i, measured] of (await evaluation.of(saes)).entries()) {
        const { configuration } = unit.configurations[i]!;
        found.push({
          configuration,
          width: unit.width,
          seed: unit.seed,
          length,
          evaluationSeed,
          values: measured,
        });
      }
    }
  };
  await train(
    model,
    unit.configurations.map(({ recipe }) => recipe),
    unit.seed,
    design.lengths,
    measureAll,
  );
  return found;
}

await mkdir(folder, { recursive: true });
if (units.some((unit) => !existsSync(fileOf(unit)))) {
  await withModel(values.model, async (model) => {
    const evaluations = Array.from({ length: design.evaluationSeeds }, (_, seed) =>
      openEvaluation(model, seed, design.samples),
    );
    for (const [i, unit] of units.entries()) {
      if (existsSync(fileOf(unit))) continue;
      if (Date.now() >= until) break;
      await writeAtomic(fileOf(unit), JSON.stringify(await runUnit(model, unit, evaluations)));
      console.log(`${i + 1} of ${units.length}: ${unit.name}`);
    }
  });
}

const done: Seen[] = [];
for (const unit of units.filter((each) => existsSync(fileOf(each))))
  done.push(...(JSON.parse(await readFile(fileOf(unit), 'utf8')) as Seen[]));
if (done.length === 0) throw new Error('no unit is finished: give it more --minutes');
const { num_features: features, hidden_dim: d } = parseConfig(modelText, values.model);
const report = reportOf(done, { design, features, d });
console.log(report.table);
if (values.write) {
  const at = join(root, 'runner', 'report', 'metric-study.json');
  await writeAtomic(at, `${JSON.stringify(report.data, null, 1)}\n`);
  // As the linter wants it.
  spawnSync(process.execPath, [join(root, 'runner', 'launch.mjs'), 'biome', 'format', '--write', at]);
  console.log(at);
}
