/** What latents fire on: evidence of each, gathered over the same held-out text that everything else is measured on. */
import { z } from 'zod';
import { isInResidualSpace } from '../../hook.ts';
import { FiringTogether } from '../../metrics/firing-together.ts';
import { evidenceBytes, LatentEvidence } from '../../metrics/latent-evidence.ts';
import { RandomWindows } from '../../metrics/random-windows.ts';
import { WINDOWS_FILE } from '../../report/feature-places.ts';
import type { Part } from '../../report/schema.ts';
import { features as declaration } from '../../report/suites/features.ts';
import { defineSuite } from '../suite.ts';
import { AblatedLatents } from './ablated.ts';
import { evidenceFiles } from './files.ts';
import { windowsFile } from './windows.ts';

/** Random stretches of text that are kept for all latents together. */
const WINDOWS = 160;
/** Tokens that companions are counted on. */
const COMPANION_TOKENS = 16_384;

const tokensAround = z.int().nonnegative().max(256);
const contextsOf = z.int().nonnegative().max(200);

export const features = defineSuite({
  declaration,
  byDefault: true,
  settings: {
    own: {
      budget: z
        .int()
        .min(100_000)
        .max(2 ** 31)
        .default(4_000_000)
        .describe('bytes of evidence per SAE: where it does not hold all latents, some are chosen'),
      top: contextsOf.default(12).describe('contexts of the strongest firings of a latent'),
      sampled: contextsOf.default(6).describe('contexts of firings of a latent drawn at random'),
      before: tokensAround.default(16).describe('tokens shown before the one that a latent fires on'),
      after: tokensAround.default(8).describe('tokens shown after it'),
      ablated: z
        .int()
        .nonnegative()
        .max(10_000)
        .default(8)
        .describe('latents of an SAE that are taken out to see what the loss does; 0 for none'),
      ablatedShare: z
        .number()
        .positive()
        .max(1)
        .default(1 / 8)
        .describe(
          'share of the held-out rows that go through the model once more, from the hook on, without one of these latents',
        ),
    },
  },
  reads: () => [],
  holds: (settings, { d_sae }) => evidenceBytes({ d_sae, ...settings }),
  async begin(context, settings) {
    const { hooks, probeSeed: seed } = context;
    const gathered = hooks.map(({ saes }) =>
      saes.map(({ d_sae }) => ({
        evidence: new LatentEvidence({ d_sae, ...settings, seed }),
        together: new FiringTogether(COMPANION_TOKENS),
        ablated: new AblatedLatents(settings, { d_sae, seed }),
      })),
    );
    const width = settings.before + 1 + settings.after;
    const text = context.heldOut(({ hook, encoded }) => {
      for (const [index, rows] of encoded.entries()) {
        const { evidence, together } = gathered[hook]![index]!;
        evidence.add(rows);
        windows[hook]![index]!.add(rows);
        together.add(rows, rows.rows * rows.tokens);
      }
    });
    const windows = hooks.map(({ saes }) => saes.map(() => new RandomWindows(text, WINDOWS, width, seed)));
    if (settings.ablated > 0)
      context.ablated({
        share: settings.ablatedShare,
        without: ({ hook, index, encoded }) => gathered[hook]![index]!.ablated.without(encoded),
        ended: ({ hook, index, row }) => gathered[hook]![index]!.ablated.ended(row),
      });
    return {
      async score({ hook, index, decoder, sha256, uses }) {
        const { evidence, together, ablated } = gathered[hook]![index]!;
        evidence.end();
        const { files, chosen, latents } = await evidenceFiles({
          evidence,
          together,
          ablated,
          uses,
          decoder,
          text,
          settings,
          seed,
          sha256,
          tokenizer: context.tokenizer,
          // At other hooks a decoder row is no direction of the residual stream, and no token is read out of it.
          nearestRows: context.nearestRows,
          logitEffects: isInResidualSpace(hooks[hook]!) ? context.logitEffects : null,
        });
        const part: Part = {
          tables: {
            chosen: [...chosen].map(([name, latents]) => ({ name, cells: { latents } })),
            ...(settings.ablated > 0 && {
              ablated: [{ name: 'all that fired', cells: { ...ablated.sampled } }],
            }),
          },
        };
        const seen = windows[hook]![index]!;
        files[WINDOWS_FILE] = windowsFile(seen, { sha256, text, latents, tokenizer: context.tokenizer });
        return { part, evidence: files };
      },
    };
  },
});
