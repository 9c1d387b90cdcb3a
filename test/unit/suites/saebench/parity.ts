/** Rows of the parity table: what was compared with which original, and how far apart they are. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { ROUNDINGS, SLACK, upwards } from '../../upwards.ts';

interface Parity {
  what: string;
  original: string;
  /** Largest difference the comparison allows. */
  allowed: number;
  largest: number;
  /** Largest value compared. */
  scale: number;
}

export interface ParityTable {
  /** Compares lists of numbers, and notes the largest difference. */
  compared(
    what: string,
    original: string,
    allowed: number,
    pairs: readonly (readonly [found: readonly number[], expected: readonly number[]])[],
  ): void;
  /**
   * Holds the part of the fixtures' README to what was measured, and prints it; with WRITE_TABLE=1 in the environment it
   * writes it anew.
   */
  check(): Promise<void>;
}

/** @param part of the table in the fixtures' README, which the rows of one test file make up */
export function parityTable(part: string): ParityTable {
  const parities: Parity[] = [];
  return {
    compared: (...row) => void parities.push(compared(...row)),
    check: () => checkTable(part, parities),
  };
}

function compared(...[what, original, allowed, pairs]: Parameters<ParityTable['compared']>): Parity {
  let largest = 0;
  let scale = 0;
  for (const [found, expected] of pairs) {
    expect(found.length, what).toBe(expected.length);
    expect(found.length, what).toBeGreaterThan(0);
    found.forEach((value, i) => {
      const away = Math.abs(value - expected[i]!);
      expect(away, `${what}, ${i}: found ${value}, expected ${expected[i]}`).toBeLessThanOrEqual(allowed);
      largest = Math.max(largest, away);
      scale = Math.max(scale, Math.abs(expected[i]!));
    });
  }
  return { what, original, allowed, largest, scale };
}

async function checkTable(part: string, parities: readonly Parity[]): Promise<void> {
  const path = fileURLToPath(new URL('../../../fixtures/saebench/README.md', import.meta.url));
  const text = await readFile(path, 'utf8');
  const pattern = new RegExp(`^(.*<!-- ${part} -->\n\\|[^\n]*\n\\|[^\n]*\n)(.*?)(\n<!-- end -->.*)$`, 's');
  const [, before, written = '', after] = pattern.exec(text) ?? [];
  const keys = parities.map(({ what, original }) => `| ${what} | ${original} |`);
  const lines = parities.map(
    ({ largest, allowed }, i) =>
      `${keys[i]} ${upwards(largest)} | ${allowed > 0 && allowed < 1e-3 ? allowed.toExponential(0) : allowed} |`,
  );
  console.info(['', ...lines].join('\n'));
  if (process.env.WRITE_TABLE === '1') {
    await writeFile(path, `${before}${lines.join('\n')}${after}`);
    return;
  }
  const advice = 'WRITE_TABLE=1 in the environment of this test writes the table anew';
  const stated = written.split('\n');
  expect(
    stated.map((line) => line.split(' | ').slice(0, 2).join(' | ')),
    advice,
  ).toEqual(keys.map((key) => key.slice(0, -2)));
  for (const [i, { what, largest, scale }] of parities.entries()) {
    const figure = Number.parseFloat(stated[i]!.split(' | ')[2]!);
    // Another processor sums float32 in another order: no figure is held closer than so many roundings.
    expect(largest, `${what}: ${advice}`).toBeLessThanOrEqual(Math.max(SLACK * figure, ROUNDINGS * scale));
  }
}
