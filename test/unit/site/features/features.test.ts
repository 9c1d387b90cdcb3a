import { describe, expect, it, test } from 'vitest';
import { drawFeature, share } from '../../../../site/features/draw.ts';
import { findLatents } from '../../../../site/features/find.ts';
import { latentMap } from '../../../../site/features/map.ts';
import { loneToken, shadedTokens, visibleToken } from '../../../../site/features/tokens.ts';
import { conceptTable } from '../../../../site/features/uses.ts';
import { madeFeature, madeIndex } from '../../report/made-evidence.ts';

const index = madeIndex(
  {
    latent: [3, 12, 20, 41],
    choice: ['dense', 'random', 'isolated', 'random'],
    rate: [0.2, 0.01, 0.05, 0.001],
    low: [0.1, 0.005, 0.02, 0.0005],
    high: [0.3, 0.02, 0.1, 0.002],
    mean: [1, 2, 3, 4],
    max: [2, 9, 4, 8],
    nearest: [0.9, 0.5, 0.1, null],
    norm: [1, 1, 2, null],
    effect: [0.5, null, -0.1, 0.02],
    peaks: [[7], [8, 7], [9], [10]],
  },
  {
    d_sae: 64,
    uses: [
      {
        suite: 'k-sparse',
        concept: 'topic: <b>sea</b>',
        latents: [
          [41, -2],
          [12, 1],
          [63, 0.5],
        ],
      },
      { suite: 'interpscore', concept: 'toxicity', latents: [[12, 0.25]] },
    ],
    tokens: { 7: ' Tuesday', 8: '<img src=x onerror=alert(1)>', 9: '\u202eevil', 10: '\n' },
  },
);

const feature = madeFeature({
  latent: 12,
  histogram: { first: 0, counts: [3, 0, 1] },
  contexts: [
    { kind: 'top', row: 2, start: 0, peak: 1, ids: [7, 8], values: [0, 9] },
    { kind: 'sampled', row: 1, start: 3, peak: 0, ids: [9, 10], values: [1, 0] },
  ],
  raised: [[8, 1.5]],
  lowered: [[9, -0.5]],
  neighbours: [[20, 0.5]],
});

describe('latents are found', () => {
  it.each([
    ['', 'latent', [3, 12, 20, 41]],
    ['tuesday', 'latent', [3, 12]],
    ['20', 'latent', [20]],
    ['nowhere', 'latent', []],
    ['', 'max', [12, 41, 20, 3]],
    ['', 'dense', [3, 20, 12, 41]],
    ['', 'rare', [41, 12, 20, 3]],
    ['', 'isolated', [20, 12, 3, 41]],
    ['', 'norm', [20, 3, 12, 41]],
    ['', 'effect', [3, 41, 20, 12]],
    ['topic', 'latent', [12, 41]],
    ['topic', 'weight', [41, 12]],
    ['', 'weight', [12, 41, 3, 20]],
    ['Toxic', 'weight', [12]],
  ] as const)('by %j, ordered by %s', (query, order, latents) => {
    expect(findLatents(index, query, order).map((place) => index.columns.latent[place])).toEqual(latents);
  });
});

test('tokens are inert, and what cannot be seen is named', () => {
  const { text } = drawFeature(index, 1, feature);
  expect(text).not.toContain('<img');
  expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;');
  expect(text).not.toContain('\u202e');
  expect(text).toContain('⟨U+202E⟩');
  expect(visibleToken(' a\n\tb')).toBe(' a↵⇥b');
  expect(loneToken(' a ')).toBe('␣a␣');
  expect(visibleToken('')).toBe('∅');
});

test('tokens are shaded by weight, from the faintest on; what weighs nothing is plain', () => {
  const tokens = [-1, 0, 0.01, 0.5, 1].map((weight) => ({ text: 'a', weight, title: String(weight) }));
  expect(shadedTokens(tokens, 1, 4).text.match(/<(span|mark class="[^"]*")/g)).toEqual([
    '<span',
    '<span',
    '<mark class="w1"',
    '<mark class="w4"',
    '<mark class="w8 peak"',
  ]);
});

test('a latent says its rate with the interval, its contexts with the peak, and its neighbours as links', () => {
  const { text } = drawFeature(index, 1, feature);
  expect(text).toContain('<b>1.00 %</b> of tokens (95 % interval 0.50 %–2.00 %)');
  expect(text).toMatch(/<mark class="w8 peak" title="9\.00">&lt;img/);
  // A ninth of the largest value is the faintest shade, and tokens where it is silent have none.
  expect(text).toContain('<mark class="w1 peak" title="1.00">⟨U+202E⟩evil</mark><span>↵</span>');
  // With the token that the neighbour is strongest on.
  expect(text).toContain('<a href="#latent=20">20</a> <code>⟨U+202E⟩evil</code> <span>0.50</span>');
  expect(text).toContain('drawn at random.');
});

test('a latent says which concepts use it, by which rule, and what the loss does without it', () => {
  const { text } = drawFeature(index, 1, {
    ...feature,
    ablation: { mean: 0.1234, low: -0.01, high: 0.25, tokens: 90, rows: 5, documents: 4 },
  });
  expect(text).toContain(
    'topic: &lt;b&gt;sea&lt;/b&gt; <span class="sub">(k-sparse: mean in the class less that outside)',
  );
  expect(text).toContain('toxicity <span class="sub">(interpscore:');
  expect(text).toContain(
    'by <b>+0.123</b> nats (95 % interval −0.010 to +0.250, over 4 documents; 90 tokens)',
  );
  const alone = { mean: -0.5, low: null, high: null, tokens: 2, rows: 1, documents: 1 };
  expect(drawFeature(index, 1, { ...feature, ablation: alone }).text).toContain(
    'without an interval; 2 tokens',
  );
  expect(drawFeature(index, 0, { ...feature, latent: 3 }).text).not.toContain('Used for concepts');
});

test('concepts list their latents, linked where there is evidence of them', () => {
  const { text } = conceptTable(index);
  expect(text).toContain('<b>topic: &lt;b&gt;sea&lt;/b&gt;</b>');
  expect(text).toContain('<a href="#latent=41">41</a> <span class="sub">−2.00</span>');
  expect(text).toContain('<li>63 <span class="sub">0.50</span></li>');
  expect(conceptTable({ ...index, uses: undefined }).text.trim()).toBe('');
});

test('an SAE without directions says so instead of effects and neighbours', () => {
  const { text } = drawFeature(index, 1, { ...feature, raised: null, lowered: null, neighbours: null });
  expect(text.match(/The SAE has no direction for a latent/g)).toHaveLength(3);
  // At a hook whose space is not the residual stream's it has some, out of which no token can be read.
  const inside = drawFeature(index, 1, { ...feature, raised: null, lowered: null }).text;
  expect(inside.match(/not one of the residual stream at this hook/g)).toHaveLength(2);
  expect(inside).not.toContain('The SAE has no direction');
});

test('the map shows every latent, those found apart from the others', () => {
  const { text } = latentMap(index, [0, 2], 20);
  expect(text.match(/<circle/g)).toHaveLength(4);
  expect(text.match(/class="found" data-latent="3"/g)).toHaveLength(1);
  expect(text.match(/class="chosen" data-latent="20"/g)).toHaveLength(1);
  expect(text.match(/class="other"/g)).toHaveLength(2);
  // Of rates from 0.1 % to 20 % and values from 2 to 9 all within the frame, the most frequent to the right of the others.
  const at = [...text.matchAll(/data-latent="(\d+)" cx="([\d.]+)" cy="([\d.]+)"/g)];
  const dots = new Map(at.map(([, latent, x, y]) => [latent, { x: Number(x), y: Number(y) }] as const));
  expect([...dots].sort(([, a], [, b]) => a.x - b.x).map(([latent]) => latent)).toEqual([
    '41',
    '12',
    '20',
    '3',
  ]);
  expect(dots.get('12')!.y).toBeLessThan(dots.get('3')!.y);
  expect(text).toContain('>1 %</text>');
});

test.each([
  [0, '0 %'],
  [0.000031, '0.0031 %'],
  [0.00095, '0.095 %'],
  [0.0241, '2.41 %'],
  [0.25, '25.0 %'],
])('a share of %d is said in percent, as all others', (value, words) => {
  expect(share(value)).toBe(words);
});

test('the map of effects shows the latents that were taken out, above and below no change', () => {
  const { text } = latentMap(index, [0], null, 'effect');
  const at = [...text.matchAll(/data-latent="(\d+)" cx="[\d.]+" cy="([\d.]+)"/g)];
  expect(at.sort((a, b) => Number(a[2]) - Number(b[2])).map(([, latent]) => latent)).toEqual([
    '3',
    '41',
    '20',
  ]);
  expect(text).toContain(
    '3 latents: share of tokens they fire on against their change of the loss without it',
  );
  const { effect: _, ...older } = index.columns;
  expect(latentMap({ ...index, columns: older }, [], null, 'effect').text).not.toContain('<circle');
});

test('a map of latents without a value draws none', () => {
  const none = { ...index, columns: { ...index.columns, rate: [0, 0, 0, 0] } };
  expect(latentMap(none, [0], null).text).not.toContain('<circle');
});
