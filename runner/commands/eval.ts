/** `eval`, the main job. What is wrong with its settings is said before the job is loaded. */
import { loadSuites } from '../config/own-suites.ts';
import { resolveRun } from '../config/resolve.ts';
import { options, words } from './options/eval.ts';
import { parseOptions } from './parse-options.ts';

/** @returns the exit code of `evaluated` */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('eval', args, options, words);
  const suites = await loadSuites(values.suite ?? []);
  const given = await resolveRun(positionals, { ...values, suites });
  const { evaluated } = await import('./eval-run.ts');
  if (given.evaluation.transferFrom !== null) {
    const { checkTransfer, wordsOnOwnModel } = await import('./transfer.ts');
    checkTransfer(given);
    // Of the run that comes second, before hours of the first.
    await (await import('./check-upload.ts')).checkUpload(given, values.shard !== undefined);
    const again = wordsOnOwnModel(given, positionals, values);
    const own = parseOptions('eval', again, options, words);
    const code = await evaluated(own, await resolveRun(own.positionals, { ...own.values, suites }), suites);
    if (code !== 0) return code;
  }
  return evaluated({ values, positionals }, given, suites);
}
