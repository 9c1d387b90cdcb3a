/** What `inspect --text` says: the latents of a text, token by token. */
import { quote } from '../errors.ts';
import { hookName } from '../hook.ts';
import { encodeText } from '../library/latents.ts';
import { openSaeFile } from '../sae/checkpoints/load.ts';
import { openSae } from '../sae/open-sae.ts';
import { locateNamed } from './locate-saes.ts';
import type { ProgressView } from './progress.ts';
import { openSaeModel } from './sae-model.ts';

/** Latents printed of a token; as JSON all are. */
const SHOWN = 6;
/** Characters of a token's column. */
const COLUMN = 16;

export interface LatentsOfText {
  sae: string;
  model: string;
  /** Where the SAE reads the model, by `hookName`. */
  hook: string;
  /** Of each token the latents that fire on it, the strongest first, each with its value. */
  tokens: { id: number; text: string; latents: [latent: number, value: number][] }[];
}

/** @throws as finding and opening the SAE and its model do, and UserError for a text without a token */
export async function latentsOfText(
  name: string,
  { text, model: asked }: { text: string; model: string | undefined },
  view: ProgressView,
): Promise<LatentsOfText> {
  const [place] = await locateNamed([name], view);
  const file = await openSaeFile(place!.path, place!.options);
  try {
    const { model, hook, name: called } = await openSaeModel(asked, { place: place!, file }, view);
    try {
      const sae = await openSae(file.sae);
      try {
        const { ids, tokens, k, indices, values } = await encodeText(sae, model, text);
        const firing = (token: number): [number, number][] =>
          Array.from({ length: k }, (_, slot) => token * k + slot)
            .filter((slot) => values[slot]! > 0)
            .map((slot) => [indices[slot]!, values[slot]!]);
        return {
          sae: place!.name,
          model: called,
          hook: hookName(hook),
          tokens: ids.map((id, token) => ({ id, text: tokens[token]!, latents: firing(token) })),
        };
      } finally {
        await sae.close();
      }
    } finally {
      await model.close();
    }
  } finally {
    await file.close();
  }
}

export function describeText({ sae, model, hook, tokens }: LatentsOfText): string {
  const lines = tokens.map(({ text, latents }) => {
    const shown = latents.slice(0, SHOWN).map(([latent, value]) => `${latent} ${value.toPrecision(3)}`);
    const more = latents.length > SHOWN ? `  … ${latents.length - SHOWN} more` : '';
    return `${quote(text).padEnd(COLUMN)} ${shown.map((each) => each.padEnd(12)).join(' ')}${more}`.trimEnd();
  });
  return [
    `${quote(sae)} at ${hook} of ${quote(model)}: of each token the latents that fire, with their values`,
    '',
    ...lines,
  ].join('\n');
}
