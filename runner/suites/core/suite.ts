/** SAEBench's core evaluation: losses and KL over short rows that begin with BOS. */
import { z } from 'zod';
import { resampleRows } from '../../metrics/bootstrap.ts';
import { core as declaration } from '../../report/suites/core.ts';
import { CORE_ROW_TOKENS } from '../../text/bos-rows.ts';
import { defineSuite } from '../suite.ts';
import { coreSuite } from './core.ts';

export const core = defineSuite({
  declaration,
  byDefault: true,
  settings: {
    evaluation: {
      coreTokens: z
        .int()
        .max(2 ** 50)
        .min(2 * CORE_ROW_TOKENS)
        .default(20_480)
        .describe('held-out tokens of suite core, in rows of 128 that begin with BOS'),
    },
  },
  reads: ({ coreTokens }) => [
    {
      name: 'rows from BOS',
      rows: Math.floor(coreTokens / CORE_ROW_TOKENS),
      rowTokens: CORE_ROW_TOKENS,
      keeps: 'sums',
      spliced: true,
    },
  ],
  async begin(context, { coreTokens }) {
    const asked = await context.splicedLosses(coreTokens, 'evaluation.coreTokens');
    if (asked === null) return null;
    const { count, seed } = { count: context.draws.resamples, seed: `core:${context.draws.seed}` };
    const { text, begin } = asked;
    const note = `rows begin with ${begin}${begin === 'EOS' ? ', as the tokenizer has no BOS' : ''}, which also stands between documents`;
    return {
      ...(asked.names === null ? {} : { pairing: [seed, count, asked.names] }),
      score({ hook, index }) {
        const table = asked.tables.at(hook)[index]!;
        const resamples = resampleRows(text.rows, { count, seed }, asked.documents());
        const { metrics, statistics } = coreSuite(table, resamples);
        return {
          statistics,
          part: {
            measures: metrics,
            tables: { text: [{ name: 'held-out text', note, cells: { ...text } }] },
          },
        };
      },
    };
  },
});
