/** `plan`. What is wrong with its settings is said before what plans is loaded. */
import { loadSuites } from '../config/own-suites.ts';
import { resolveRun } from '../config/resolve.ts';
import { options, words } from './options/plan.ts';
import { parseOptions } from './parse-options.ts';

export async function run(args: readonly string[]): Promise<number> {
  const given = parseOptions('plan', args, options, words);
  const suites = await loadSuites(given.values.suite ?? []);
  const asked = await resolveRun(given.positionals, { ...given.values, suites }, 'plan');
  return (await import('./plan-run.ts')).planned(given, asked, suites);
}
