import { describe, expect, test } from 'vitest';
import { demoRow, probeSet } from '../../../runner/demo/index.ts';

describe.each(['sentiment', 'toxicity'] as const)('%s probes', (name) => {
  const rows = probeSet(name, 1, 2000);
  const words = (text: string): string[] => text.toLowerCase().match(/\p{L}+|[^\p{L}\s]/gu) ?? [];

  test('are the same for the same seed, and half of each label', () => {
    expect(probeSet(name, 1, 2000)).toEqual(rows);
    expect(rows.filter((row) => row.label === 1)).toHaveLength(1000);
    expect(probeSet(name, 1, 7).filter((row) => row.label === 1)).toHaveLength(3);
  });

  test('come in random order', () => {
    // Changes of label between neighbours: 999.5 expected, standard deviation 22.
    const changes = rows.slice(1).filter((row, i) => row.label !== rows[i]?.label).length;
    expect(Math.abs(changes - 1000)).toBeLessThan(110);
  });

  test('hold no text twice, within a set, between seeds, or in the text of the language model', () => {
    const texts = new Set(rows.map((row) => row.text));
    expect(texts.size).toBe(2000);
    const test = probeSet(name, 2, 1000);
    expect(test.filter((row) => texts.has(row.text)).length).toBeLessThanOrEqual(2);
    for (let i = 0; i < 3000; i++) expect(texts.has(demoRow('prose', 42, i).text)).toBe(false);
  });

  test('have between 12 and 50 words and signs', () => {
    for (const { text } of rows) {
      expect(words(text).length).toBeGreaterThanOrEqual(12);
      expect(words(text).length).toBeLessThanOrEqual(50);
    }
  });

  test('no single word tells the label', () => {
    const seen = new Map<string, [number, number]>();
    for (const { text, label } of rows) {
      for (const word of new Set(words(text))) {
        const counts = seen.get(word) ?? [0, 0];
        counts[label]++;
        seen.set(word, counts);
      }
    }
    let best = 0;
    for (const [without, withWord] of seen.values()) {
      const accuracy = (withWord + 1000 - without) / 2000;
      best = Math.max(best, accuracy, 1 - accuracy);
    }
    expect(best).toBeLessThan(0.7);
  });
});
