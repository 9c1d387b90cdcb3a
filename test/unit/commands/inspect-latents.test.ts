/** `inspect SAE --text` and `--latent`: as printed, as JSON, and with what cannot be. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { run } from '../../../runner/commands/inspect.ts';
import type { EvidenceOfLatent } from '../../../runner/commands/inspect-latent.ts';
import type { LatentsOfText } from '../../../runner/commands/inspect-text.ts';
import { UserError } from '../../../runner/errors.ts';
import { writeFeatures } from '../../../runner/report/feature-files.ts';
import { openSaeFile } from '../../../runner/sae/checkpoints/load.ts';
import { storedSha256 } from '../../../runner/sae/stored-sae.ts';
import { madeFeature, madeIndex, madeShard } from '../report/made-evidence.ts';

const sae = fileURLToPath(new URL('../../fixtures/features/sae', import.meta.url));
const golden = JSON.parse(readFileSync(join(sae, '../features.json'), 'utf8'));
const of = [`${sae}#layer=2`, '--model', 'interpboard/small-world'];
const HOSTILE = '\u001b[31m\u202e\n"';

let content: string;
beforeAll(async () => {
  content = await mkdtemp(join(tmpdir(), 'inspect-latents-'));
  const file = await openSaeFile(sae);
  const sha256 = await storedSha256(file.sae);
  await file.close();
  const tokens = { 0: ' a', 1: HOSTILE };
  const index = madeIndex({ latent: [4, 7] }, { sha256, tokens });
  const shard = madeShard(
    [4, 7].map((latent) =>
      madeFeature({
        latent,
        contexts: [{ kind: 'top', row: 3, start: 0, peak: 1, ids: [0, 1, 0], values: [0, latent, 0] }],
        raised: [[0, 1.5]],
        lowered: [[1, -0.25]],
        neighbours: [[7, 0.5]],
      }),
    ),
    sha256,
  );
  const files = { 'index.json': JSON.stringify(index), '0.json': JSON.stringify(shard) };
  await writeFeatures(
    join(content, 'features/other'),
    new Map([['other', { ...files, 'index.json': JSON.stringify({ ...index, sha256: 'f'.repeat(64) }) }]]),
  );
  await writeFeatures(join(content, 'features/run'), new Map([['the-record', files]]));
});
afterAll(() => rm(content, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function inspect(...args: string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  expect(await run(args)).toBe(0);
  const text = log.mock.calls.map(([line]) => line).join('\n');
  log.mockRestore();
  return text;
}

test('prints the latents of a text token by token, the strongest first', async () => {
  const text = await inspect(...of, '--text', 'The cook put the kettle on.');
  const found: LatentsOfText = JSON.parse(
    await inspect(...of, '--text', 'The cook put the kettle on.', '--json'),
  );
  expect(found.tokens.map(({ text: each }) => each).join('')).toBe('The cook put the kettle on.');
  for (const { latents } of found.tokens) {
    expect(latents).toHaveLength(4);
    expect(latents.map(([, value]) => value)).toEqual(
      latents.map(([, value]) => value).sort((a, b) => b - a),
    );
  }
  const [, second] = found.tokens;
  expect(text).toContain(`${JSON.stringify(second!.text).padEnd(16)} ${second!.latents[0]![0]} `);
  expect(text.split('\n')).toHaveLength(2 + found.tokens.length);
});

test('prints the evidence that the report holds of this SAE, tokens of strangers escaped', async () => {
  const text = await inspect(`${sae}#layer=2`, '--latent', '4', '--content', content);
  expect(text).toMatch(/^evidence {3}record the-record, "a text, held out"$/m);
  expect(text).toMatch(/^fires {6}on 25 % of tokens \(20 % to 30 %\)$/m);
  expect(text).toMatch(/^raises {5}" a" \+1\.50$/m);
  expect(text).toMatch(/^strongest {2}4 {6}" a\[\\u001b\[31m\\u202e\\n\\"\] a"$/m);
  expect(text).not.toContain('\u202e');
  const found: EvidenceOfLatent = JSON.parse(
    await inspect(`${sae}#layer=2`, '--latent', '7', '--content', content, '--json'),
  );
  expect(found).toMatchObject({
    from: 'report',
    record: 'the-record',
    facts: { rate: 0.5 },
    feature: { latent: 7 },
  });
});

test('without evidence says what the weights say, as Python finds it', async () => {
  const found: EvidenceOfLatent = JSON.parse(
    await inspect(...of, '--latent', '5', '--content', content, '--json'),
  );
  if (found.from !== 'weights') throw new Error(found.from);
  expect(found.raised.slice(0, 6).map(({ id }) => id)).toEqual(
    golden.latents[5].raised.map(([id]: [number]) => id),
  );
  expect(found.neighbours.slice(0, 4).map(({ latent }) => latent)).toEqual(
    golden.latents[5].near.map(([id]: [number]) => id),
  );
  expect(await inspect(...of, '--latent', '5', '--content', content)).toMatch(/^nearest {4}\d+ 0\.\d\d, /m);
});

test.each([
  [[`${sae}#layer=2`, '--text', 'a'], 'none that its files name'],
  [[sae, '--text', 'a', '--model', 'interpboard/small-world'], 'append it to the name'],
  [[...of, '--text', ''], 'one token at least'],
  [[...of, '--latent', '96'], 'a number below 96'],
  [[...of, '--latent', 'x'], 'whole numbers'],
  [[...of, '--latent', '1', '--text', 'a'], 'one of them'],
  [['--text', 'a'], 'the SAE that it is of'],
  [
    [`${sae}#layer=2`, '--model', join(sae, '../../lm/llama'), '--latent', '5'],
    'width 128 at resid_post:2, which the SAE reads',
  ],
])('%#: what cannot be is refused in a line', async (args, said) => {
  const asked = run([...args, '--content', content]);
  await expect(asked).rejects.toThrow(UserError);
  await expect(asked).rejects.toThrow(said);
});
