/**
 * A training stage in a process of its own, for a test to kill: the real one, on the embedded model. Arguments are the
 * run's folder and settings as path=value. Writes a line a pass, and at the end `done` with a hash of all weights and
 * of the trajectory, or `error` with its one line. KEPT_ACTIVATIONS names a folder that activations are kept in.
 */
import { createHash } from 'node:crypto';
import { resolveRun } from '../../runner/config/resolve.ts';
import { demoModelFolder } from '../../runner/demo/index.ts';
import { InterpboardError } from '../../runner/errors.ts';
import { stampOf } from '../../runner/job/release/resume-stamp.ts';
import { trainStage } from '../../runner/job/run/train-stage.ts';
import { saeSha256 } from '../../runner/sae/content-hash.ts';

const [folder = '', ...set] = process.argv.slice(2);
const kept = process.env.KEPT_ACTIVATIONS;
const config = await resolveRun(['small-world-quick'], { set });
try {
  const { saes } = await trainStage(
    {
      config,
      shard: null,
      from: [],
      folder,
      model: { folder: demoModelFolder, revision: null },
      memory: 2 ** 32,
      ...(kept === undefined
        ? {}
        : { keeping: { folder: kept, limit: 1e9, program: 'test', model: 'embedded' } }),
      stamp: (tokens) => ({ ...stampOf(config, { model: '' }, ''), tokens, seconds: 0 }),
    },
    {
      progress: (done) => process.stdout.write(`at ${done}\n`),
      note: (text) => process.stdout.write(`note ${text}\n`),
      stopRequested: () => false,
    },
  );
  const hash = createHash('sha256');
  for (const { plan, sae, tokens, trajectory } of saes) {
    hash.update(`${plan.id} ${tokens} ${saeSha256(sae)}\n`);
    for (const { tokens_per_second: _, ...point } of trajectory) hash.update(JSON.stringify(point));
  }
  process.stdout.write(`done ${hash.digest('hex')}\n`);
} catch (error) {
  if (!(error instanceof InterpboardError)) throw error;
  process.stdout.write(`error ${error.constructor.name} ${error.message}\n`);
}
