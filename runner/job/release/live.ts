/**
 * The files of live pages (runner/report/live.ts): the programs that evaluation runs, as bytes, with the weights that they
 * name. Nothing is computed here, so that a finished run gets them without its stages.
 */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunConfig } from '../../config/run-config.ts';
import { hookName, isResidual } from '../../hook.ts';
import { formatBytes } from '../../io/bytes.ts';
import { sha256 } from '../../io/hash.ts';
import { writeAtomic } from '../../io/write-atomic.ts';
import { openCheckpoint } from '../../lm/checkpoint.ts';
import { familyOf } from '../../lm/families/index.ts';
import { buildSegments, segmentsOf } from '../../lm/segments.ts';
import { type Live, type LiveFile, live, liveVersion } from '../../report/live.ts';
import { liveFile } from '../../report/live-places.ts';
import type { EvaluationRecord } from '../../report/schema.ts';
import { decodeProgram, decodingNeedsInput, encodeProgram, inMemory } from '../../sae/programs.ts';
import { isSynthetic } from '../../synthetic/layout.ts';
import { isAlone } from '../shared/cross-layer-transcoder.ts';
import type { ModelPlace } from '../shared/model-place.ts';
import { openPlannedSae, type PlannedSae, recordId } from '../shared/planned-saes.ts';

/** What the embedded model with a small SAE takes, several times. */
const EMBEDDED_BUDGET = 16_000_000;
/** Longest text of a page, in tokens: the time that a reader waits goes by it. */
const LIVE_TOKENS = 256;

export interface LiveRun {
  config: Pick<RunConfig, 'live' | 'model' | 'name'>;
  model: ModelPlace;
  saes: readonly PlannedSae[];
  /** The run's folder. */
  folder: string;
  records: readonly EvaluationRecord[];
}

/**
 * Makes a folder hold exactly what the live pages of a run need; without any there is no folder.
 *
 * @returns whether anything changed
 */
export async function writeLive(folder: string, run: LiveRun): Promise<boolean> {
  const { config, model } = run;
  const budget = config.live.budget ?? (config.model.reference === null ? EMBEDDED_BUDGET : 0);
  const kept = new Set<string>();
  let changed = false;
  const keep = async (bytes: Uint8Array): Promise<LiveFile> => {
    const file = { sha256: sha256(bytes), bytes: bytes.byteLength };
    const name = liveFile(file.sha256);
    if (!kept.has(name) && (await sizeOf(join(folder, name))) !== file.bytes) {
      await writeAtomic(join(folder, name), bytes);
      changed = true;
    }
    kept.add(name);
    return file;
  };
  if (budget > 0 && !isSynthetic(model.folder)) {
    await mkdir(folder, { recursive: true });
    for (const sae of run.saes) {
      const record = run.records.find(({ id }) => id === recordId(config.name, sae.id));
      if (record === undefined || record.sae.sha256 === null) continue;
      const found = live.parse(await liveOf(run, sae, record.sae.sha256, budget, keep));
      const name = `${record.id}.json`;
      kept.add(name);
      if ((await readFile(join(folder, name), 'utf8').catch(() => null)) === `${JSON.stringify(found)}\n`)
        continue;
      await writeAtomic(join(folder, name), `${JSON.stringify(found)}\n`);
      changed = true;
    }
  }
  for (const name of await readdir(folder).catch(() => [])) {
    if (kept.has(name)) continue;
    await rm(join(folder, name), { recursive: true });
    changed = true;
  }
  if (kept.size === 0) await rm(folder, { recursive: true, force: true });
  return changed;
}

async function liveOf(
  run: LiveRun,
  planned: PlannedSae,
  hash: string,
  budget: number,
  keep: (bytes: Uint8Array) => Promise<LiveFile>,
): Promise<Live> {
  const base = { schema: liveVersion, sha256: hash } as const;
  if (planned.origin.kind === 'published' && isAlone(planned.origin.sae)) {
    const stands = planned.origin.sae.layers === undefined ? 'at several places' : 'in the place of all MLPs';
    return {
      ...base,
      none: `it stands ${stands}, and only SAEs of the residual stream run in the page`,
    };
  }
  const file = await openPlannedSae(run.folder, planned);
  try {
    const { d_in, d_sae, d_out } = file.sae;
    if (d_out !== undefined)
      return { ...base, none: 'it is a transcoder, and only SAEs of the residual stream run in the page' };
    if (file.sae.context !== undefined)
      return { ...base, none: 'it is a temporal SAE, whose latents depend on the tokens before' };
    if (file.sae.architecture === 'matching_pursuit')
      return { ...base, none: 'matching pursuit goes step by step, which no program of the page does' };
    if (!isResidual(planned))
      return {
        ...base,
        none: `it is of ${hookName(planned)}, and only SAEs of the residual stream run in the page`,
      };
    const checkpoint = await openCheckpoint(run.model.folder);
    const tokenizer = join(run.model.folder, 'tokenizer.json');
    const paths = [...new Set([...checkpoint.tensors.values()].map(({ file: name }) => name))].sort();
    const sources = paths.map((path) => ({ path, source: join(checkpoint.weightsFolder, path) }));
    let bytes = 4 * (2 * d_in * d_sae + d_in) + ((await sizeOf(tokenizer)) ?? 0);
    for (const { source } of sources) bytes += (await sizeOf(source)) ?? 0;
    if (bytes > budget) {
      const found = `the language model and the SAE take ${formatBytes(bytes)}`;
      return { ...base, none: `${found}, and live.budget of this run is ${formatBytes(budget)}` };
    }
    const family = familyOf(checkpoint);
    const tokens = Math.min(LIVE_TOKENS, family.contextLength);
    const segments = segmentsOf(family.blocks, [planned]);
    const [before, after] = buildSegments(checkpoint, family, { segments, maxTokens: tokens, logits: true });
    const { sae } = await file.load();
    const place = inMemory(sae);
    const weights = [];
    for (const { path, source } of sources) weights.push({ path, ...(await keep(await readFile(source))) });
    return {
      ...base,
      programs: {
        before: await keep(before!.bytes),
        after: await keep(after!.bytes),
        encode: await keep(encodeProgram(sae, place).bytes),
        decode: await keep(decodeProgram(sae, place).bytes),
      },
      weights,
      tokenizer: await keep(await readFile(tokenizer)),
      shape: {
        d_in,
        d_sae,
        vocabulary: family.vocabulary,
        k: sae.architecture === 'topk' ? sae.k : null,
        decode_takes_input: decodingNeedsInput(sae),
        tokens,
      },
    };
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ size }) => size,
    () => null,
  );
}
