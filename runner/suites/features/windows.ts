import type { RandomWindows } from '../../metrics/random-windows.ts';
import { type FeatureWindows, windowsVersion } from '../../report/feature-windows.ts';
import type { HeldOutText, SuiteContext } from '../suite.ts';
import { tokenTable } from '../token-text.ts';

/** Random stretches of the text as a file, with which of the latents that have evidence fire in each. */
export function windowsFile(
  seen: RandomWindows,
  of: {
    sha256: string;
    text: HeldOutText;
    latents: readonly number[];
    tokenizer: Pick<SuiteContext['tokenizer'], 'decode' | 'size' | 'special'>;
  },
): string {
  const windows = seen.windows.map(({ row, start }) => ({
    row,
    start,
    ids: [...of.text.row(row).subarray(start, start + seen.tokens)],
  }));
  const file: FeatureWindows = {
    schema: windowsVersion,
    sha256: of.sha256,
    windows,
    fires: Object.fromEntries([...seen.firesIn(of.latents)].map(([latent, at]) => [String(latent), at])),
    tokens: tokenTable(
      of.tokenizer,
      windows.flatMap(({ ids }) => ids),
    ),
  };
  return `${JSON.stringify(file)}\n`;
}
