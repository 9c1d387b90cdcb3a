/** A time limit on synchronous work. */
import { createContext, Script } from 'node:vm';
import { UnsupportedPart } from './unsupported-part.ts';

/** A book takes a few seconds; what takes longer is a pattern that tries every way to match. */
const MAX_MILLISECONDS = 60_000;

const shared: { use: () => unknown } = { use: () => undefined };
const context = createContext({ run: () => shared.use() });
const script = new Script('run()');

/**
 * The result of `use`, which is ended after the time: V8 ends regular expressions too, wherever they are.
 *
 * @throws UnsupportedPart when the time is over
 */
export function guarded<T>(use: () => T, milliseconds = MAX_MILLISECONDS): T {
  const before = shared.use;
  shared.use = use;
  try {
    return script.runInContext(context, { timeout: milliseconds }) as T;
  } catch (cause) {
    // The error may be one of the context's own realm, which is no Error here.
    if ((cause as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new UnsupportedPart(`a text that takes more than ${milliseconds / 1000} s`);
    throw cause;
  } finally {
    shared.use = before;
  }
}
