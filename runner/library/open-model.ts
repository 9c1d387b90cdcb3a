import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { demoModelFolder } from '../demo/model-folder.ts';
import { quote, UserError } from '../errors.ts';
import { type Hook, type HookLike, hookName, hookOf, indexOfHook } from '../hook.ts';
import { download } from '../hub/download.ts';
import { openHubHere } from '../hub/here.ts';
import { parseReference } from '../hub/reference.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import { familyOf } from '../lm/families/index.ts';
import { knownTokens } from '../lm/known-tokens.ts';
import { isModelFile } from '../lm/model-files.ts';
import { openLanguageModel } from '../lm/open-language-model.ts';
import { type LogitEffects, openReadout, type Readout } from '../lm/readout.ts';
import type { Device } from '../onnx/devices.ts';
import { tokenTexts } from '../suites/token-text.ts';
import { specialTokens } from '../text/bos-rows.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { GetOptions } from './get-sae.ts';

export interface ModelOptions extends GetOptions {
  /** Where activations are taken; a number is the residual stream after that block. */
  hooks: readonly HookLike[];
  device?: Device;
  threads?: number;
}

export interface Activations {
  /** Token ids, with those that the tokenizer puts around a text. */
  ids: number[];
  /** [tokens, width of the hook] */
  values: Float32Array;
}

/** A language model with its tokenizer. Running it blocks the thread, as onnxruntime does. */
export interface TextModel {
  readonly family: string;
  readonly blocks: number;
  readonly dModel: number;
  /** That it was opened for, in the order in which the model computes them. */
  readonly hooks: readonly Hook[];
  /**
   * What is at a hook, at every token of a text.
   *
   * @param text or token ids, used as they are
   * @throws UserError for a hook it was not opened for, and for a text without a token or longer than the model's context
   */
  activations(text: string | readonly number[], hook: HookLike): Promise<Activations>;
  /** The text of each token, as it stands within a text. */
  tokenTexts(ids: readonly number[]): string[];
  /**
   * What one unit of each direction adds to the logits on its own, in logits: through the weight of the last norm (of LayerNorm
   * with the mean taken out) and the head, the norm's division left out.
   *
   * @param directions [count, dModel]
   * @param most tokens at each end
   */
  logitEffects(directions: Float32Array, most: number): Promise<LogitEffects[]>;
  close(): Promise<void>;
}

/**
 * Opens a language model, downloading it where it is not here yet.
 *
 * @param reference owner/name[@revision] on the hub, or a folder in its layout; null for the embedded model
 * @throws UserError, UnavailableError, MalformedError: their messages are one line with the next step
 *
 * @example
 * ```js
 * import { openModel } from 'interpboard-library';
 *
 * const model = await openModel(null, { hooks: [0, { layer: 2, site: 'mlp_out' }] });
 * const { ids, values } = await model.activations('The cook put the kettle on the stove.', 0);
 * console.log(model.family, values.length === ids.length * model.dModel);
 * await model.close();
 * ```
 */
export async function openModel(reference: string | null, options: ModelOptions): Promise<TextModel> {
  const { hooks: asked, device, threads } = options;
  const folder = await modelFolder(reference, options);
  const loaded = await loadTokenizer(folder);
  const checkpoint = await openCheckpoint(folder);
  const where = {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  };
  const model = await openLanguageModel(checkpoint, { hooks: asked, ...where });
  const tokenizer = knownTokens(loaded, model.vocabulary);
  const textOf = tokenTexts({
    decode: (ids) => tokenizer.decode(ids),
    size: tokenizer.vocabSize,
    special: specialTokens(tokenizer),
  });
  /** By how many tokens they give at each end. */
  const readouts = new Map<number, Promise<Readout>>();
  const { family, blocks, dModel, hooks } = model;
  return {
    family,
    blocks,
    dModel,
    hooks,
    async activations(text, at) {
      const hook = indexOfHook(hooks, at);
      if (hook < 0) {
        throw new UserError({
          thing: 'hook',
          found: hookName(hookOf(at)),
          expected: `one of ${hooks.map(hookName).join(', ')}`,
          next: 'Name it in the hooks that openModel is given.',
        });
      }
      const ids = typeof text === 'string' ? tokenizer.encode(text, { specialTokens: true }) : [...text];
      if (ids.length === 0) {
        throw new UserError({
          thing: 'text',
          found: typeof text === 'string' ? quote(text) : 'no token ids',
          expected: 'one token at least',
          next: 'Give another text.',
        });
      }
      const batch = { ids: Int32Array.from(ids), rows: 1, tokens: ids.length };
      return { ids, values: (await model.residuals(batch, hook))[hook]! };
    },
    tokenTexts: (ids) => ids.map(textOf),
    async logitEffects(directions, most) {
      const readout = readouts.get(most) ?? openReadout(checkpoint, familyOf(checkpoint), { most, ...where });
      readouts.set(most, readout);
      return (await readout).effects(directions);
    },
    async close() {
      for (const readout of readouts.values())
        await readout.then(
          (each) => each.close(),
          () => undefined,
        );
      await model.close();
    },
  };
}

async function modelFolder(reference: string | null, { signal, onProgress }: GetOptions): Promise<string> {
  if (reference === null) return demoModelFolder;
  const parsed = parseReference(reference, { exists: existsSync, home: homedir() });
  if (parsed.kind === 'local') return parsed.path;
  const hub = await openHubHere();
  return (await download(hub, { reference: parsed, select: isModelFile, signal, onProgress })).folder;
}
