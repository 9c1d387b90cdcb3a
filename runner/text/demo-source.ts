import { demoRow, type Register } from '../demo/index.ts';
import type { Extractor } from './extract.ts';
import type { TextSource } from './source.ts';

/** One register of the small world as an endless source. */
export function demoSource(register: Register, seed: number, weight: number): TextSource {
  return {
    name: register,
    weight,
    extractor: EXTRACTORS[register],
    async *rows(start) {
      for (let row = start.row; ; row++) {
        const next = { file: 0, row: row + 1, byte: 0 };
        yield { value: demoRow(register, seed, row), place: `${register} row ${row}`, next };
      }
    },
  };
}

const EXTRACTORS: Record<Register, Extractor> = {
  prose: { kind: 'text', field: 'text' },
  dialogue: { kind: 'conversations', field: 'conversations', thinking: true },
  arithmetic: { kind: 'problem-solution', problemField: 'problem', solutionField: 'solution' },
};

/** The small world in the shares of the reference recipe: 70 % prose, 20 % dialogue, 10 % arithmetic. */
export function demoMixture(seed: number): TextSource[] {
  return [
    demoSource('prose', seed, 0.7),
    demoSource('dialogue', seed, 0.2),
    demoSource('arithmetic', seed, 0.1),
  ];
}
