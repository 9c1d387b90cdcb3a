/**
 * `npm run fuzz -- --cases 10000 --seed 1 [--format parquet] [--case 17]`: damaged files of every kind that is read, the same
 * ones for a seed, in processes of their own with limits of time and memory. Prints a table and each finding with the command
 * that runs it again. Exit code 1 where there is one.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Line } from './child.ts';
import { LIMITS } from './format.ts';
import { formats } from './formats/index.ts';

/** Cases of one process: starting one costs as much as a few hundred cases. */
const PER_PROCESS = 2_000;

interface Row {
  cases: number;
  read: number;
  refused: number;
  raw: number;
  slow: number;
  large: number;
  slowest: { cpu: number; case: number };
  largest: { memory: number; case: number };
  findings: Map<string, { count: number; case: number }>;
}

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    format: { type: 'string' },
    case: { type: 'string' },
  },
});
const names = formats.map(({ name }) => name);
const chosen = values.format === undefined ? names : values.format.split(',');
const unknown = chosen.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`error: --format: found ${unknown}; expected one of ${names.join(', ')}.`);
  process.exit(2);
}
const only = values.case === undefined ? null : Number(values.case);
const total = only === null ? Number(values.cases) : 1;

const rows = new Map<string, Row>();
for (const name of chosen) {
  const row: Row = {
    cases: 0,
    read: 0,
    refused: 0,
    raw: 0,
    slow: 0,
    large: 0,
    slowest: { cpu: 0, case: 0 },
    largest: { memory: 0, case: 0 },
    findings: new Map(),
  };
  rows.set(name, row);
  const share = only === null ? Math.ceil(total / chosen.length) : 1;
  const start = only ?? 0;
  for (let from = start; from < start + share; ) {
    const to = Math.min(start + share, from + PER_PROCESS);
    from = await inProcess(name, from, to, (line) => count(row, line));
  }
  process.stderr.write(`${name}: ${row.cases} cases\n`);
}
print();
process.exitCode = [...rows.values()].some(({ raw, slow, large }) => raw + slow + large > 0) ? 1 : 0;

/** @returns the case to go on with */
async function inProcess(
  name: string,
  from: number,
  to: number,
  told: (line: Line & { case: number }) => void,
): Promise<number> {
  const program = fileURLToPath(new URL('child.ts', import.meta.url));
  const child = spawn(process.execPath, [program, name, values.seed, String(from), String(to)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let next = from;
  let done = false;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    if ('done' in line) {
      done = true;
      continue;
    }
    next = line.case + 1;
    told(line);
  }
  if (done) return to;
  // Ended without a word, or with one about the case that it ended in.
  if (next === from) {
    told({ case: from, kind: 'killed', cpu: 0, memory: 0, detail: 'the process ended' });
    next = from + 1;
  }
  return next;
}

function count(row: Row, line: Line & { case: number }): void {
  if (!('kind' in line)) return;
  row.cases++;
  const found = (kind: string): void => {
    const key = `${kind}: ${(line.detail ?? '').split('\n').slice(0, 3).join(' ').replace(/\d+/g, '#').slice(0, 260)}`;
    const before = row.findings.get(key);
    row.findings.set(key, { count: (before?.count ?? 0) + 1, case: before?.case ?? line.case });
  };
  if (line.kind === 'read') row.read++;
  if (line.kind === 'refused') row.refused++;
  if (line.kind === 'raw') {
    row.raw++;
    found('raw error');
  }
  if (line.kind === 'killed') {
    if (/MiB|memory/i.test(line.detail ?? '')) row.large++;
    else row.slow++;
    found('ended');
  }
  if (line.cpu > LIMITS.cpu) {
    row.slow++;
    found('slow');
  }
  if (line.memory > LIMITS.memory) {
    row.large++;
    found('large');
  }
  if (line.cpu > row.slowest.cpu) row.slowest = { cpu: line.cpu, case: line.case };
  if (line.memory > row.largest.memory) row.largest = { memory: line.memory, case: line.case };
}

function print(): void {
  console.log(
    `\nLimits of a case: ${LIMITS.cpu} ms of processor time, ${LIMITS.memory} MiB beyond what the process had, seed ${values.seed}\n`,
  );
  console.log(
    '| format | cases | read | refused | raw errors | slow | large | slowest (case) | largest (case) |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const [name, row] of rows) {
    console.log(
      `| ${name} | ${row.cases} | ${row.read} | ${row.refused} | ${row.raw} | ${row.slow} | ${row.large} | ${Math.round(row.slowest.cpu)} ms (${row.slowest.case}) | ${row.largest.memory} MiB (${row.largest.case}) |`,
    );
  }
  for (const [name, { findings }] of rows) {
    for (const [text, { count, case: first }] of findings)
      console.log(
        `\n${name}, ${count} times: ${text}\n  npm run fuzz -- --seed ${values.seed} --format ${name} --case ${first}`,
      );
  }
}
