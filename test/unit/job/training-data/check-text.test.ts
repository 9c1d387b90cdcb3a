import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { demoModelFolder, demoRow } from '../../../../runner/demo/index.ts';
import { UserError } from '../../../../runner/errors.ts';
import { findFiles } from '../../../../runner/job/shared/text.ts';
import { checkTrainingText } from '../../../../runner/job/training-data/check-text.ts';
import { trainingRows } from '../../../../runner/job/training-data/training-rows.ts';
import { Stopped } from '../../../../runner/reporter.ts';
import { loadTokenizer, type Tokenizer } from '../../../../runner/text/tokenizer.ts';

/** Width of the embedded model at its hooks. */
const WIDTHS = new Map([0, 2, 4].map((layer) => [`L${layer}`, 128]));

let folder: string;
let source: string;
let tokenizer: Tokenizer;
/** Tokens of whole rows that the training share of the text holds. */
let held = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-text-'));
  source = join(folder, 'text.jsonl');
  const rows = Array.from({ length: 300 }, (_, row) => JSON.stringify(demoRow('prose', 5, row)));
  await writeFile(source, rows.join('\n'));
  tokenizer = await loadTokenizer(demoModelFolder);
  const { corpus } = await config(1024);
  try {
    for await (const { position } of trainingRows(corpus, 0, tokenizer, undefined))
      held = position.rows * corpus.rowTokens;
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const config = (tokens: number, ...set: string[]) =>
  resolveRun(['small-world-quick'], {
    set: [
      ...[`corpus.source=${source}`, 'corpus.rowTokens=64', 'sae.batchTokens=64', 'sae.warmupSteps=0'],
      ...['sae.biasInitSamples=64', `training.tokens=${tokens}`, ...set],
    ],
  });

const listening = (stopped = false) => {
  const notes: string[] = [];
  const reporter = {
    progress: () => undefined,
    note: (text: string) => notes.push(text),
    stopRequested: () => stopped,
  };
  return { notes, reporter };
};

describe('training text of this machine', () => {
  test('is read before training, the tokens that b_dec starts from among it', async () => {
    const { reporter } = listening();
    await checkTrainingText(await config(held - 64), tokenizer, WIDTHS, reporter);
    await expect(checkTrainingText(await config(held), tokenizer, WIDTHS, reporter)).rejects.toThrow(
      `after ${held} tokens; expected ${held + 64}. Lower training.tokens`,
    );
  });

  test('must hold what the policy drops too', async () => {
    const { reporter } = listening();
    const dropping = await config(held - 64, 'training.policy.dropFirst=8');
    await expect(checkTrainingText(dropping, tokenizer, WIDTHS, reporter)).rejects.toThrow(
      /expected \d+\. Lower/,
    );
  });

  test('must hold what waits in the shuffle buffer too', async () => {
    const { reporter } = listening();
    const passes = Math.ceil(2 ** 20 / (4 * 128 * WIDTHS.size) / 64);
    const most = held - 64 * (1 + passes);
    const shuffled = (tokens: number) => config(tokens, 'training.shuffle.megabytes=1');
    await checkTrainingText(await shuffled(most), tokenizer, WIDTHS, reporter);
    await expect(checkTrainingText(await shuffled(most + 64), tokenizer, WIDTHS, reporter)).rejects.toThrow(
      /expected \d+\. Lower/,
    );
  });

  test('is not read where the files are large enough by far', async () => {
    let opened = 0;
    const counting: typeof findFiles = async (reference) => {
      const found = await findFiles(reference);
      const files = found.files.map((file) => ({
        ...file,
        open() {
          opened++;
          return file.open();
        },
      }));
      return { ...found, files };
    };
    const { reporter } = listening();
    await checkTrainingText(await config(64), tokenizer, WIDTHS, reporter, counting);
    expect(opened).toBe(0);
    await checkTrainingText(await config(held - 64), tokenizer, WIDTHS, reporter, counting);
    expect(opened).toBe(1);
  });

  test('is left when the user asks to stop', async () => {
    const { reporter } = listening(true);
    await expect(checkTrainingText(await config(held - 64), tokenizer, WIDTHS, reporter)).rejects.toThrow(
      Stopped,
    );
  });
});

test('of a hub it is said that the text was not checked', async () => {
  const { notes, reporter } = listening();
  const onHub: typeof findFiles = async (reference) => ({
    ...(await findFiles(reference)),
    fingerprint: null,
  });
  await checkTrainingText(await config(10 * held), tokenizer, WIDTHS, reporter, onHub);
  expect(notes).toEqual([
    expect.stringMatching(/^not checked whether the training text holds \d+ tokens: not all of its files/),
  ]);
});
