/**
 * Chat templates as transformers renders them: Jinja2 3.1 in its immutable sandbox, with trim_blocks, lstrip_blocks,
 * loop controls and the generation tag. Own, since no JavaScript library computes the same: of @huggingface/jinja's
 * kind of faults (strip without its argument, true for True, what a break printed) each gives another text unsaid.
 * What Jinja2 has and this has not is refused by name; steps and sizes are bounded.
 */
import { Budget } from './budget.ts';
import { TemplateError } from './errors.ts';
import { globals } from './functions.ts';
import { Interpreter, Scope } from './interpreter.ts';
import { parseTemplate } from './parser.ts';
import { fromJson, type Value } from './values.ts';

export { TemplateError } from './errors.ts';

/** Longest source of a template; those of large families have about 20,000 characters. */
const MAX_SOURCE = 2 ** 20;

export interface RenderOptions {
  /** Fewer steps than the limit allows. */
  maxSteps?: number;
  /** The time that strftime_now() tells. */
  now?: () => Date;
}

/**
 * @returns a function from variables (JSON values) to the text
 * @throws TemplateError where the source is no template; the function throws it where rendering fails
 */
export function compile(
  source: string,
): (variables: Readonly<Record<string, unknown>>, options?: RenderOptions) => string {
  if (source.length > MAX_SOURCE)
    throw new TemplateError(`a template of ${source.length} characters, at most ${MAX_SOURCE}`);
  const body = guarded(() => parseTemplate(source));
  return (variables, { maxSteps, now = () => new Date() } = {}) => {
    const budget = new Budget(maxSteps);
    const given = Object.entries(variables).map(([name, value]): [string, Value] => [name, fromJson(value)]);
    const scope = new Scope(new Scope(null, globals(budget, now)), given);
    return guarded(() => new Interpreter(budget).render(body, new Scope(scope)));
  };
}

/** Too deep an expression or structure overflows the stack: a fault of the template as well. */
function guarded<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof RangeError) throw new TemplateError('expressions or values nested too deep');
    throw error;
  }
}
