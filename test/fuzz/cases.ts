/** Runs cases of a format in this thread and says what came of each. */
import { InterpboardError } from '../../runner/errors.ts';
import { random } from '../../runner/math/random.ts';
import { type FuzzFormat, LIMITS } from './format.ts';

export interface Outcome {
  index: number;
  /** `raw` is an error that is not one of ours, or a message that is no line of bounded length. */
  kind: 'read' | 'refused' | 'raw';
  /** Processor time of the process, milliseconds. */
  cpu: number;
  /** Of a raw error. */
  detail?: string;
}

/** @param before told of each case before it runs */
export async function* runCases(
  format: FuzzFormat,
  folder: string,
  { seed, from, to }: { seed: number; from: number; to: number },
  before: (index: number) => void = () => undefined,
): AsyncGenerator<Outcome> {
  const run = await format.prepare(folder);
  for (let index = from; index < to; index++) {
    before(index);
    const start = process.cpuUsage();
    const outcome = await run(random('fuzz', format.name, seed, index)).then(
      (): Omit<Outcome, 'index' | 'cpu'> => ({ kind: 'read' }),
      (error: unknown) => judged(error),
    );
    const { user, system } = process.cpuUsage(start);
    yield { index, cpu: (user + system) / 1000, ...outcome };
  }
}

function judged(error: unknown): Omit<Outcome, 'index' | 'cpu'> {
  if (!(error instanceof InterpboardError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'raw', detail: stack.slice(0, 600) };
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
  if (/[\u0000-\u001f\u007f]/.test(error.message))
    return { kind: 'raw', detail: `control characters: ${JSON.stringify(error.message).slice(0, 400)}` };
  if (error.message.length > LIMITS.message)
    return {
      kind: 'raw',
      detail: `a message of ${error.message.length} characters: ${error.message.slice(0, 300)}`,
    };
  return { kind: 'refused' };
}
