import { describe, expect, it } from 'vitest';
import type { Explanations } from '../../../../runner/report/explanations.ts';
import { drawExplained, explainedBy } from '../../../../site/features/explained.ts';

const all: Pick<Explanations, 'model' | 'latents'> = {
  model: 'lab/model',
  latents: [
    {
      latent: 7,
      explanation: '<b onclick="x">days</b> \u202eof the week',
      scores: { detection: { correct: 17, of: 18 }, fuzzing: { correct: 9, of: 10 }, autointerp: null },
      shuffled: { detection: { correct: 9, of: 18 }, fuzzing: null, autointerp: null },
    },
    {
      latent: 9,
      explanation: 'names',
      scores: { detection: null, fuzzing: null, autointerp: null },
      shuffled: { detection: null, fuzzing: null, autointerp: null },
    },
  ],
};

describe('what a language model says of a latent', () => {
  const by = explainedBy(all as Explanations);

  it('stands with its name, marked as written by it, and with its scores', () => {
    const { text } = drawExplained(by.get(7)!);
    expect(text).toContain('Written by a language model, lab/model.');
    expect(text).toContain('detection 17 of 18 (another latent’s explanation: 9 of 18); fuzzing 9 of 10.');
    expect(drawExplained(by.get(9)!).text).toContain('none could be read');
    expect(explainedBy(null).size).toBe(0);
  });

  it('is text, whatever it says', () => {
    const { text } = drawExplained(by.get(7)!);
    expect(text).not.toContain('<b onclick');
    expect(text).toContain('⟨U+202E⟩');
  });
});
