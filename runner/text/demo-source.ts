import { demoRow, type Register } from '../demo/index.ts';
import type { Extractor } from './extract.ts';
import type { TextSource } from './mixture.ts';

/** One register of the small world as an endless source. */
export function demoSource(register: Register, seed: number, weight: number): TextSource {
  return {
    name: register,
    weight,
    extractor: EXTRACTORS[register],
    async *rows(start) {
      for (let index = start; ; index++) yield demoRow(register, seed, index);
    },
  };
}

const EXTRACTORS: Record<Register, Extractor> = {
  prose: { kind: 'text' },
  dialogue: { kind: 'conversations', thinking: true },
  arithmetic: { kind: 'problem-solution' },
};

/** The small world in the shares of the reference recipe: 70 % prose, 20 % dialogue, 10 % arithmetic. */
export function demoMixture(seed: number): TextSource[] {
  return [
    demoSource('prose', seed, 0.7),
    demoSource('dialogue', seed, 0.2),
    demoSource('arithmetic', seed, 0.1),
  ];
}
