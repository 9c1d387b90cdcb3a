/** SAEs of hooks inside blocks of the embedded model, from their files to the measured part of a record. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { suitesOf } from '../../../runner/config/run-config.ts';
import { demoModelFolder } from '../../../runner/demo/model-folder.ts';
import { hooksOfPlace, orderedHooks } from '../../../runner/hook.ts';
import { hashFile } from '../../../runner/io/hash.ts';
import { evaluateStage } from '../../../runner/job/evaluation/evaluate-stage.ts';
import type { RunModel } from '../../../runner/job/shared/language-model.ts';
import { modelShape } from '../../../runner/job/shared/model-place.ts';
import { openPlannedSae, plannedSaes } from '../../../runner/job/shared/planned-saes.ts';
import { describePublished } from '../../../runner/job/shared/published-saes.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import type { TokenBatch } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { openReadout } from '../../../runner/lm/readout.ts';
import { silent, stageReporter } from '../../../runner/reporter.ts';
import { locateSae } from '../../../runner/sae/published/locate.ts';
import type { SaePlace } from '../../../runner/sae/published/place.ts';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';

const measured = z.object(
  Object.fromEntries(
    ['l0', 'error', 'deviation', 'clean', 'sae', 'zero', 'mean'].map((name) => [name, z.number()]),
  ) as Record<'l0' | 'error' | 'deviation' | 'clean' | 'sae' | 'zero' | 'mean', z.ZodNumber>,
);
export type Expected = z.infer<typeof measured> & { folder: string };

/** What the authors' programs make of SAEs, and the text. */
export function readExpected(path: string): { ids: number[][]; saes: Expected[] } {
  return z
    .object({
      ids: z.array(z.array(z.int())),
      saes: z.array(measured.extend({ folder: z.string() })),
    })
    .parse(JSON.parse(readFileSync(path, 'utf8')));
}

/** Places of SAEs in folders, without a hub. */
export function located(names: readonly string[]): Promise<SaePlace[]> {
  const locating = {
    hub: {
      get hub(): never {
        throw new Error('no hub here');
      },
    } as never,
    local: { exists: () => true, home: '/' },
    registry: () => Promise.reject(new Error('no registry here')),
  };
  return Promise.all(names.map((name) => locateSae(name, locating)));
}

export async function described(places: readonly SaePlace[]) {
  const model = await modelShape({ folder: demoModelFolder, revision: null });
  return describePublished(places, model, (paths) => Promise.all(paths.map(hashFile)));
}

/** Evaluates them over rows of ids, in two batches, the model loaded in parts where memory is given. */
export async function evaluatedInside(
  published: Awaited<ReturnType<typeof described>>,
  ids: readonly (readonly number[])[],
  { set = [], memory }: { set?: readonly string[]; memory?: number } = {},
) {
  const config = await resolveRun(['small-world-quick'], {
    set: [
      'train=false',
      `saes=${JSON.stringify(published.map(({ place }) => place.name))}`,
      'evaluation.suites=["features"]',
      'evaluation.controlTokens=0',
      ...set,
    ],
  });
  const planned = plannedSaes(config, published);
  const checkpoint = await openCheckpoint(demoModelFolder);
  const opened = await openLanguageModel(checkpoint, {
    hooks: orderedHooks(planned.flatMap(hooksOfPlace)),
    maxTokens: 128,
    ...(memory === undefined ? {} : { memory }),
  });
  const batches = [ids.slice(0, 5), ids.slice(5)].map(
    (rows): TokenBatch => ({ ids: Int32Array.from(rows.flat()), rows: rows.length, tokens: rows[0]!.length }),
  );
  const reporter = () => stageReporter('test', 'tokens', silent);
  const saes = await Promise.all(
    planned.map(async (each, i) => ({
      planned: each,
      file: await openPlannedSae('', each),
      sha256: String(i).padStart(64, '0'),
    })),
  );
  try {
    const { evaluated } = await evaluateStage(
      {
        config,
        device: 'cpu',
        suites: suitesOf(config),
        saes,
        text: { batches },
        opened: {
          model: opened,
          sweeping: async () => ({ reporter: reporter(), together: memory === undefined ? 1 : 2 }),
          openReadout: (most: number) => openReadout(checkpoint, familyOf(checkpoint), { most }),
        } as unknown as RunModel,
        tokenizer: await loadTokenizer(demoModelFolder),
      },
      reporter,
    );
    return { evaluated, resident: opened.resident };
  } finally {
    for (const { file } of saes) await file.close();
    await opened.close();
  }
}

type Evaluation = Awaited<ReturnType<typeof evaluatedInside>>['evaluated'][number];

/** Fails where a figure is away from the expected one by 1e-5 of it, or of 1 below 1. */
export function holdTo(expected: Expected, { planned, evaluated: { metrics } }: Evaluation): void {
  const near = (id: keyof typeof metrics, to: number): void => {
    const found = metrics[id]?.value;
    const away = Math.abs((found ?? Number.NaN) - to) / Math.max(1, Math.abs(to));
    if (!(away < 1e-5)) throw new Error(`${planned.id} ${id}: ${found} instead of ${to}`);
  };
  near('l0@v1', expected.l0);
  near('var_exp@pooled-v1', 1 - expected.error / expected.deviation);
  near('loss_clean@v1', expected.clean);
  near('loss_sae@v1', expected.sae);
  near('loss_zero@v1', expected.zero);
  near('loss_mean@v1', expected.mean);
}
