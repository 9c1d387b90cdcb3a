import { random } from '../math/random.ts';
import { type WorkedProblem, workedProblem } from './world/arithmetic.ts';
import { dialogue, type Turn } from './world/dialogue.ts';
import { prose } from './world/prose.ts';

export { demoModelFolder } from './model-folder.ts';
export { PROBE_TOPICS, type ProbeName, probeSet, type TopicRow, topicSet } from './world/probes.ts';

/** A row of each register, shaped like the rows of the data set that it stands for. */
export interface DemoRows {
  prose: { text: string };
  dialogue: { conversations: Turn[] };
  arithmetic: WorkedProblem;
}

export type Register = keyof DemoRows;

/** Row `index` of an endless data set: a pure function of its arguments, whatever was read before. */
export function demoRow<R extends Register>(register: R, seed: number, index: number): DemoRows[R] {
  return MAKERS[register](random('demo', register, seed, index));
}

const MAKERS: { [R in Register]: (stream: ReturnType<typeof random>) => DemoRows[R] } = {
  prose: (stream) => ({ text: prose(stream) }),
  dialogue: (stream) => ({ conversations: dialogue(stream) }),
  arithmetic: workedProblem,
};

/** Rows `start`, `start + 1`, … without end. */
export function* demoRows<R extends Register>(register: R, seed: number, start = 0): Generator<DemoRows[R]> {
  for (let index = start; ; index++) yield demoRow(register, seed, index);
}
