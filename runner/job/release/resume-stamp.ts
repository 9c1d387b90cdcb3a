/**
 * What a checkpoint says of the run it belongs to, so that another machine can take the run up: `run.json` beside the
 * weights, under the checkpoint's manifest like they. It holds hashes and no paths of this machine.
 */
import { z } from 'zod';
import { trainingSettings } from '../../config/roles.ts';
import type { RunConfig } from '../../config/run-config.ts';
import { UserError } from '../../errors.ts';
import { canonicalJson, sha256 } from '../../io/hash.ts';
import { pinsOf } from '../shared/pinned-text.ts';

export const STAMP = 'run.json';

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');
const reference = z.string().max(1_000);

export const resumeStamp = z.strictObject({
  schema: z.literal('interpboard.resume/2'),
  /** Of the language model's files. */
  model: hash,
  /** By the name of a section of the settings of training, a hash of it: two runs are told apart by the names that differ. */
  settings: z.record(z.string().max(100), hash),
  /** Which commit each reference to text stood for when the run began. */
  text: z.array(z.strictObject({ given: reference, data: reference })).max(10_000),
  tokens: z.int().nonnegative(),
  started: z.iso.datetime(),
  /** Of training, over all machines. */
  seconds: z.number().nonnegative(),
});

export type ResumeStamp = z.infer<typeof resumeStamp>;

/** What stays the same over a run's training, and makes it that run. */
export type RunStamp = Pick<ResumeStamp, 'schema' | 'model' | 'settings' | 'text' | 'started'>;

/** Where things lie, where they are sent and what will be measured decides nothing about what is trained. */
export function stampOf(config: RunConfig, identity: { model: string }, started: string): RunStamp {
  return {
    schema: 'interpboard.resume/2',
    model: identity.model,
    settings: Object.fromEntries(
      Object.entries(trainingSettings(config)).map(([name, value]) => [name, sha256(canonicalJson(value))]),
    ),
    // References to this machine's files are not pinned to anything another machine has.
    text: pinsOf(config).filter(({ given, data }) => given !== data && /@[0-9a-f]{40}(?::|$)/.test(data)),
    started,
  };
}

/**
 * @param found what the checkpoint says
 * @param own what this run is
 * @param where the checkpoint lies, for the error
 * @throws UserError naming the settings that differ
 */
export function checkStamp(found: RunStamp, own: RunStamp, where: string): void {
  const names = [...new Set([...Object.keys(found.settings), ...Object.keys(own.settings)])];
  const other = names.filter((name) => found.settings[name] !== own.settings[name]).sort();
  if (other.length === 0 && found.model === own.model) return;
  throw new UserError({
    thing: where,
    found:
      other.length === 0
        ? 'the state of a run on other model files'
        : `the state of a run with other settings (${other.slice(0, 8).join(', ').slice(0, 200)})`,
    expected: 'the state of this run, or none',
    next: 'Name another upload.repository, or start over with --fresh: its first upload replaces that state.',
  });
}
