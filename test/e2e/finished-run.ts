/** A finished run with two SAEs as `publish` takes it: their files are noise, their records those that the site is tested with. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashFile } from '../../runner/io/hash.ts';
import { RUN_SCHEMA, type RunState, writeState } from '../../runner/job/run/run-folder.ts';
import { type EvaluationRecord, record } from '../../runner/report/schema.ts';

const fixtures = fileURLToPath(new URL('../fixtures/site/records/', import.meta.url));
const hash = '0'.repeat(64);

/** @param noise which bytes its weights are of */
export async function finishedRun(
  runs: string,
  name: string,
  { stage = 'done', noise = 1 }: { stage?: RunState['stage']; noise?: number } = {},
): Promise<string> {
  const at = join(runs, name);
  await mkdir(join(at, 'records'), { recursive: true });
  const state: RunState = {
    schema: RUN_SCHEMA,
    identity: { trained: hash, evaluated: hash, model: hash },
    config: { name },
    stage,
    started: '2026-01-01T00:00:00.000Z',
    seconds: { training: 1, evaluating: 1 },
  };
  await writeState(at, state);
  for (const [index, layer] of [0, 2].entries()) {
    const files = [];
    for (const [file, bytes] of [
      [`sae_L${layer}_latest.safetensors`, Buffer.alloc(40_000, noise + index)],
      [`sae_L${layer}_cfg.json`, Buffer.from('{}')],
    ] as const) {
      await writeFile(join(at, file), bytes);
      files.push({ name: file, ...(await hashFile(join(at, file))) });
    }
    const [source] = (await readdir(fixtures)).filter((each) => each.includes('small-world')).sort();
    const given = record.parse(JSON.parse(await readFile(join(fixtures, source!), 'utf8')));
    const own: EvaluationRecord = {
      ...given,
      id: `${name}-l${layer}`,
      sae: { ...given.sae, layer, files, repo: null },
    };
    await writeFile(join(at, 'records', `${own.id}.json`), JSON.stringify(own));
    await writeFile(join(at, `trajectory_L${layer}.json`), '{}');
  }
  return at;
}
