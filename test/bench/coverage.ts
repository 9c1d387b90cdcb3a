/**
 * Coverage of the nominal 95 % intervals: in how many simulated evaluations of a population with a known truth the
 * interval holds it, with the width it takes, beside the percentile interval of the same resamples; and of boards of SAEs,
 * how often a ranking tells apart what is equal. What does not hold is named with its reason; `--write` puts the tables
 * into docs/intervals.md.
 *
 *     npm run bench -- coverage [--sets 400] [--resamples 1000] [--boards 100] [--threads N] [--only NAME | --write]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type CoverageOptions, cells, lines, percent, type Simulated } from './parts/coverage-lines.ts';

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: '400' },
    resamples: { type: 'string', default: '1000' },
    boards: { type: 'string', default: '100' },
    threads: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
});
const sets = Number(values.sets);
const options: CoverageOptions = { sets, resamples: Number(values.resamples), boards: Number(values.boards) };

if (values.write && values.only !== '') {
  console.error(
    'error: --write: found --only; expected none of it, as the whole table is written. Leave one out.',
  );
  process.exit(2);
}

const threads = Number(values.threads);
if (!Number.isInteger(threads) || threads < 1) {
  console.error(`error: --threads: found "${values.threads}"; expected a whole number above 0.`);
  process.exit(2);
}

const chosen = [...lines.keys()].filter((i) => lines[i]!.name.includes(values.only));
if (chosen.length === 0) {
  const names = [...new Set(lines.map(({ name }) => name))].join('; ');
  console.error(`error: --only: found "${values.only}"; expected a part of one of: ${names}.`);
  process.exit(2);
}
const waiting = [...chosen];
const found = new Map<number, { promise: Promise<Simulated>; resolve: (line: Simulated) => void }>(
  chosen.map((index) => [index, Promise.withResolvers<Simulated>()]),
);
for (let thread = 0; thread < Math.min(threads, chosen.length); thread++) {
  const worker = new Worker(new URL('./parts/coverage-lines.ts', import.meta.url), { workerData: options });
  let now = waiting.shift()!;
  worker.postMessage(now);
  worker.on('message', (line: Simulated) => {
    found.get(now)!.resolve(line);
    const next = waiting.shift();
    if (next === undefined) void worker.terminate();
    else {
      now = next;
      worker.postMessage(now);
    }
  });
}

const said: string[] = [];
function say(line: string): void {
  said.push(line);
  console.log(line);
}

async function sayLines(table: 'values' | 'boards', words: string, ...heads: string[]): Promise<void> {
  const rows = chosen.filter((index) => lines[index]!.table === table);
  if (rows.length === 0) return;
  say(`${words}\n`);
  say(cells(...heads.map((head) => head.replace('>', ''))));
  say(cells(...heads.map((head) => (head.startsWith('>') ? '---:' : '---'))));
  for (const index of rows) {
    const { row, expected } = await found.get(index)!.promise;
    if (!expected) process.exitCode = 1;
    say(row);
  }
}

await sayLines(
  'values',
  `${sets} simulated evaluations each, ${options.resamples.toLocaleString('en')} resamples; covered, of nominal 95 %; Monte-Carlo error ${percent(Math.sqrt((0.95 * 0.05) / sets))} points.`,
  ...['value', 'size', '>covered', '>percentile', '>median width', '>zero width', '>paired', ''],
);
await sayLines(
  'boards',
  '\nBoards: SAEs over the same rows, the step from one to the next in standard errors of a difference.',
  ...['>SAEs', '>rows', '>step', '>boards', '>told apart wrongly', '>one pair at a time'],
  ...['>pairs told apart', '>ranks open', '>CPU seconds per board', ''],
);

if (values.write) {
  const path = fileURLToPath(new URL('../../docs/intervals.md', import.meta.url));
  const text = readFileSync(path, 'utf8');
  const [begin, end] = ['<!-- npm run bench -- coverage --write -->\n', '<!-- end -->'];
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (from < begin.length || to < from) throw new Error(`${path} has no place for the tables`);
  writeFileSync(path, `${text.slice(0, from)}\n${said.join('\n')}\n\n${text.slice(to)}`);
}
