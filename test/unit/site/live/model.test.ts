import { describe, expect, it } from 'vitest';
import {
  idsOf,
  nextOf,
  type Programs,
  patched,
  probabilities,
  readText,
  textBehind,
  valuesOf,
} from '../../../../site/live/model.ts';

/** Letters of a text as ids, between a 100 before and a 101 behind where it is surrounded. */
const letters = {
  encode: (text: string, surrounded: boolean): number[] => {
    const ids = [...text].map((each) => each.charCodeAt(0) - 97);
    return surrounded ? [100, ...ids, 101] : ids;
  },
  decode: (ids: readonly number[]): string =>
    ids.map((id) => (id >= 100 ? '' : String.fromCharCode(97 + id))).join(''),
};

/** Residual [id, 1]; latent 2 is x0, latent 0 x1, of a dictionary that decodes what it encodes, + 10; logits are the residual. */
const programs: Programs = {
  before: async (ids) => Float32Array.from([...ids].flatMap((id) => [id, 1])),
  after: async (residual) => residual,
  encode: async (x, tokens) => ({
    values: x.slice(),
    indices: Int32Array.from({ length: 2 * tokens }, (_, i) => (i % 2 === 0 ? 2 : 0)),
  }),
  decode: async ({ values, indices }, _x, tokens) => {
    const out = new Float32Array(2 * tokens).fill(10);
    values.forEach((value, slot) => {
      out[2 * Math.floor(slot / 2) + (indices[slot] === 2 ? 0 : 1)]! += value;
    });
    return out;
  },
};

describe('the model of a live page', () => {
  it('keeps what the tokenizer puts before a text, and not what it puts behind it', () => {
    expect(idsOf('abc', letters)).toEqual([100, 0, 1, 2]);
    expect(idsOf('', letters)).toEqual([]);
  });

  it('gives a token the text that it adds, and marks a part of a character', () => {
    const bytes = (ids: readonly number[]): string =>
      new TextDecoder().decode(Uint8Array.from(ids)).replace(/^ /, '');
    const tokenizer = { encode: () => [], decode: bytes };
    expect(textBehind([97], 32, tokenizer)).toBe(' ');
    expect(textBehind([97], 0xc3, tokenizer)).toBe('\ufffd');
    expect(textBehind([97, 0xc3], 0xbc, tokenizer)).toBe('ü');
  });

  it('reads values by latent, and exchanges a latent’s part of the residual alone', async () => {
    const read = await readText([100, 1, 3], programs, letters);
    expect(read.tokens).toEqual(['', 'b', 'd']);
    expect([...valuesOf(read, 2)]).toEqual([100, 1, 3]);
    expect([...valuesOf(read, 7)]).toEqual([0, 0, 0]);
    const times = await patched(read, { latent: 2, how: 'times', value: 0 }, programs);
    expect([...times]).toEqual([0, 1, 0, 1, 0, 1]);
    const set = await patched(read, { latent: 0, how: 'set', value: 5 }, programs);
    expect([...set]).toEqual([100, 5, 1, 5, 3, 5]);
  });

  it('says what changes at the next token, with the divergence', async () => {
    const read = await readText([2, 1], programs, letters);
    const before = Math.exp(1) / (2 * Math.exp(1));
    const after = 1 / (1 + Math.exp(1));
    const next = await nextOf(read, 1, { latent: 2, how: 'times', value: 0 }, programs, letters);
    expect(next.tokens.map(({ id }) => id)).toEqual([1, 0]);
    expect(next.tokens[1]!.before).toBeCloseTo(before, 6);
    expect(next.tokens[1]!.after).toBeCloseTo(after, 6);
    const kl = before * Math.log(before / after) + before * Math.log(before / (1 - after));
    expect(next.kl).toBeCloseTo(kl, 6);
    const alone = await nextOf(read, 1, null, programs, letters);
    expect(alone.kl).toBeNull();
    expect(alone.tokens.every((each) => each.after === null)).toBe(true);
  });

  it('takes no logits too large for an exponential', () => {
    expect([...probabilities(Float32Array.from([1_000, 1_000]), 0, 1)]).toEqual([0.5, 0.5]);
  });
});
