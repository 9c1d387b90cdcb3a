/**
 * The control table of a fresh run: every control must land where theory puts it, else the exit code says so.
 *
 *     node test/bench/controls.ts [preset]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definitions } from '../../runner/report/definitions.ts';
import { type EvaluationRecord, type Measure, record } from '../../runner/report/schema.ts';

const preset = process.argv[2] ?? 'small-world-quick';
const folder = mkdtempSync(join(tmpdir(), 'interpboard-controls-'));
try {
  const cli = fileURLToPath(new URL('../../runner/cli.ts', import.meta.url));
  const places = ['--runs', join(folder, 'runs'), '--content', join(folder, 'content'), '--no-site'];
  const { status } = spawnSync(process.execPath, [cli, 'eval', preset, ...places], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`eval ended with code ${status}`);
  const records = readRecords(join(folder, 'runs'));
  for (const each of records) print(each);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function readRecords(runs: string): EvaluationRecord[] {
  return readdirSync(runs, { recursive: true, encoding: 'utf8' })
    .filter((path) => /records[/\\][^/\\]+\.json$/.test(path))
    .sort()
    .map((path) => record.parse(JSON.parse(readFileSync(join(runs, path), 'utf8'))));
}

function print({ id, controls }: EvaluationRecord): void {
  if (controls === undefined) throw new Error(`${id} has no controls`);
  console.log(`\n${id}: controls on ${controls.tokens} tokens, fitted on ${controls.fit_tokens} before them`);
  for (const { control, id: definition, measure } of controls.values) {
    line(control, definitions[definition].short, measure, expectation(control, measure));
  }
  for (const { id: definition, value, floor, ceiling, skill } of controls.skills) {
    const { short } = definitions[definition];
    line('this SAE', short, value, '');
    line('skill', short, skill, `between ${floor.control} and ${ceiling.control}`);
  }
}

function expectation(control: string, { value, ...rest }: Measure): string {
  const holds = (condition: boolean, words: string): string => {
    if (!condition) process.exitCode = 1;
    return `${condition ? 'ok' : 'WRONG'}: ${words}`;
  };
  if (control === 'identity') return holds(value === 1, 'must be 1');
  if (control === 'shuffled_labels') {
    const interval = 'interval' in rest ? rest.interval : null;
    return holds(interval !== null && interval.low <= 0.5 && interval.high >= 0.5, 'interval must hold 0.5');
  }
  return '';
}

function line(what: string, short: string, measure: Measure, words: string): void {
  if (measure.value === null) {
    console.log(`  ${what.padEnd(17)} ${short.padEnd(10)} n/a (${measure.reason})`);
    return;
  }
  const interval =
    measure.interval === null
      ? ''
      : `${measure.interval.low.toFixed(4)} to ${measure.interval.high.toFixed(4)}`;
  console.log(
    `  ${what.padEnd(17)} ${short.padEnd(10)} ${measure.value.toFixed(4).padStart(8)}  ${interval.padEnd(20)} ${words}`,
  );
}
