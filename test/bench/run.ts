/**
 * `npm run bench` runs every benchmark, `npm run bench -- lm train` those named, `npm run bench -- coverage --sets 100` one
 * with options of its own. Each is a script of its own. With --write its figures become a row of docs/benchmarks.md.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withMeasured } from './parts/measured.ts';

const folder = fileURLToPath(new URL('./', import.meta.url));
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'run');
const words = process.argv.slice(2).filter((word) => word !== '--write');
const writes = words.length < process.argv.length - 2;
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
    const child = spawn(process.execPath, [`${folder}${name}.ts`, ...options], {
      stdio: ['inherit', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      process.stdout.write(text);
      output += text;
    });
    const status = await new Promise((done) => child.on('close', done));
    if (status !== 0) process.exitCode = 1;
    else if (writes) await write(name, output);
  }
}

async function write(name: string, output: string): Promise<void> {
  const file = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
  const processor = cpus()[0]?.model ?? 'unknown processor';
  const cores = availableParallelism();
  const date = new Date().toISOString().slice(0, 10);
  const page = await readFile(file, 'utf8');
  await writeFile(file, withMeasured(page, { name, options, output, processor, cores, date }));
}
