/** The largest differences from transformers, family by family: the fixtures' values at every block, logits, losses. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '../../runner/lm/checkpoint.ts';
import { familyOf } from '../../runner/lm/families/index.ts';
import { compareWithGolden, openEverywhere } from '../unit/lm/golden.ts';

const fixtures = fileURLToPath(new URL('../fixtures/lm/', import.meta.url));
/** Float32 arithmetic in another order stays within this. */
const BOUND = 2e-4;

const folders = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .filter(
    (path) =>
      existsSync(join(fixtures, path, 'golden.json')) && existsSync(join(fixtures, path, 'config.json')),
  )
  .map((path) => path.replaceAll('\\', '/'))
  .sort();
const column = (text: string): string => text.padEnd(18);
console.log(
  `${'checkpoint'.padEnd(22)}${column('family, blocks')}${column('residuals')}${column('logits')}losses`,
);
for (const name of folders) {
  // A variant lies in the folder whose weights it shares, with another config.
  const weights =
    existsSync(join(fixtures, name, 'model.safetensors')) ||
    existsSync(join(fixtures, name, 'model.safetensors.index.json'))
      ? name
      : name.split('/')[0]!;
  const config = JSON.parse(readFileSync(join(fixtures, name, 'config.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  const checkpoint = { ...(await openCheckpoint(join(fixtures, weights))), config };
  const family = familyOf(checkpoint);
  const model = await openEverywhere(checkpoint);
  const found = await compareWithGolden(model, join(fixtures, name, 'golden'));
  await model.close();
  const cells = [found.residual, found.logits, found.nll].map(({ max, scale }) =>
    column(scale === 0 ? '–' : `${max.toExponential(1)} of ${scale.toFixed(1)}`),
  );
  console.log(`${name.padEnd(22)}${column(`${family.name}, ${family.blocks}`)}${cells.join('')}`.trimEnd());
  if (!Object.values(found).every(({ max }) => max <= BOUND)) process.exitCode = 1;
}
console.log(`largest absolute difference, of the largest value; the bound is ${BOUND}`);
