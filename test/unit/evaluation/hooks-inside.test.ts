/** SAEs of hooks inside blocks, from SAELens' files to the measured part of a record, against SAELens and transformers. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { resolveRun } from '../../../runner/config/resolve.ts';
import { suitesOf } from '../../../runner/config/run-config.ts';
import { demoModelFolder } from '../../../runner/demo/model-folder.ts';
import { hookName, orderedHooks } from '../../../runner/hook.ts';
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
import { featureShard } from '../../../runner/report/features.ts';
import { silent, stageReporter } from '../../../runner/reporter.ts';
import { locateSae } from '../../../runner/sae/published/locate.ts';
import { loadTokenizer } from '../../../runner/text/tokenizer.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/hooks/', import.meta.url));
const model = { folder: demoModelFolder, revision: null };
const locating = {
  hub: {
    get hub(): never {
      throw new Error('no hub here');
    },
  } as never,
  local: { exists: () => true, home: '/' },
  registry: () => Promise.reject(new Error('no registry here')),
};
const golden = z
  .object({
    ids: z.array(z.array(z.int())),
    saes: z.array(
      z.object({
        folder: z.string(),
        hook: z.string(),
        d: z.int(),
        ...(Object.fromEntries(
          ['l0', 'error', 'deviation', 'clean', 'sae', 'zero', 'mean'].map((name) => [name, z.number()]),
        ) as Record<'l0' | 'error' | 'deviation' | 'clean' | 'sae' | 'zero' | 'mean', z.ZodNumber>),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(`${fixtures}evaluation.json`, 'utf8')));

it('measures them as SAELens and transformers do', async () => {
  const places = await Promise.all(
    golden.saes.map(({ folder }) => locateSae(`${fixtures}${folder}`, locating)),
  );
  const published = await describePublished(places, await modelShape(model), (paths) =>
    Promise.all(paths.map(hashFile)),
  );
  expect(published.map(({ id }) => id)).toEqual([
    'L1_mlp_out_b1-mlp-out',
    'L3_attn_z_b3-attn-z',
    'L4_attn_out_b4-attn-out',
    'L2_mlp_in_b2-mlp-in',
  ]);
  const config = await resolveRun(['small-world-quick'], {
    set: [
      'train=false',
      `saes=${JSON.stringify(places.map(({ name }) => name))}`,
      'evaluation.suites=["features"]',
      'evaluation.controlTokens=0',
    ],
  });
  const planned = plannedSaes(config, published);
  expect(planned.map(hookName)).toEqual(['mlp_out:1', 'mlp_in:2', 'attn_z:3', 'attn_out:4']);
  const checkpoint = await openCheckpoint(demoModelFolder);
  const opened = await openLanguageModel(checkpoint, {
    hooks: orderedHooks(planned),
    maxTokens: 128,
  });
  const batches = [golden.ids.slice(0, 5), golden.ids.slice(5)].map(
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
  const { evaluated } = await evaluateStage(
    {
      ...{ config, device: 'cpu', suites: suitesOf(config), saes, text: { batches } },
      opened: {
        model: opened,
        sweeping: async () => ({ reporter: reporter() }),
        openReadout: (most: number) => openReadout(checkpoint, familyOf(checkpoint), { most }),
      } as unknown as RunModel,
      tokenizer: await loadTokenizer(demoModelFolder),
    },
    reporter,
  );
  for (const { file } of saes) await file.close();
  await opened.close();

  expect(evaluated).toHaveLength(golden.saes.length);
  for (const { planned: at, evaluated: found } of evaluated) {
    const expected = golden.saes.find(({ hook }) => hook.includes(`.${at.layer}.`))!;
    const value = (id: keyof typeof found.metrics): number => {
      const measure = found.metrics[id];
      if (measure?.value == null) throw new Error(`${at.id} has no ${id}`);
      return measure.value;
    };
    const near = (id: keyof typeof found.metrics, to: number): void => {
      const away = Math.abs(value(id) - to) / Math.max(1, Math.abs(to));
      if (!(away < 1e-5)) throw new Error(`${at.id} ${id}: ${value(id)} instead of ${to}`);
    };
    near('l0@v1', expected.l0);
    near('var_exp@pooled-v1', 1 - expected.error / expected.deviation);
    near('loss_clean@v1', expected.clean);
    near('loss_sae@v1', expected.sae);
    near('loss_zero@v1', expected.zero);
    near('loss_mean@v1', expected.mean);
    // Latents have neighbours everywhere, and tokens that they raise where a decoder row is a direction of the residual stream.
    const shard = featureShard.parse(JSON.parse(found.evidence!['0.json']!));
    const raises = ['mlp_out', 'attn_out'].includes(at.site);
    for (const { raised, lowered, neighbours } of shard.features) {
      expect([raised !== null, lowered !== null, neighbours !== null]).toEqual([raises, raises, true]);
    }
  }
});
