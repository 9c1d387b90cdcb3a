/**
 * `npm run bench` runs every benchmark, `npm run bench -- lm train` those named, `npm run bench -- coverage --sets 100` one
 * with options of its own. Each is a script of its own.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('./', import.meta.url));
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'run');
const words = process.argv.slice(2);
const first = words.findIndex((word) => word.startsWith('--'));
const asked = first < 0 ? words : words.slice(0, first);
const options = first < 0 ? [] : words.slice(first);
const unknown = asked.filter((name) => !known.includes(name));

if (unknown.length > 0) {
  console.error(`error: benchmark: found ${unknown.join(', ')}; expected one of ${known.join(', ')}.`);
  process.exitCode = 2;
} else if (options.length > 0 && asked.length !== 1) {
  console.error(
    `error: options ${options.join(' ')}: found ${asked.length} benchmarks; expected the one they are for.`,
  );
  process.exitCode = 2;
} else {
  for (const name of asked.length > 0 ? asked : known) {
    console.log(`\n${name}`);
    // A process each: sessions of one benchmark do not weigh on the next.
    const { status } = spawnSync(process.execPath, [`${folder}${name}.ts`, ...options], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
}
