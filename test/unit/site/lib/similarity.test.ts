import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkContent, trustedContent } from '../../../../runner/report/content-files.ts';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { similarity } from '../../../../runner/report/similarity.ts';
import { releasesOf } from '../../../../site/lib/releases.ts';
import { similaritiesOf } from '../../../../site/lib/similarity-charts.ts';

const file = 'qwen3.6-27b-papergrade-decoders.json';
const text = readFileSync(new URL(`../../../fixtures/site/similarity/${file}`, import.meta.url), 'utf8');
const found = similarity.parse(JSON.parse(text));
const release = releasesOf(publishedRecords()).find(({ records }) =>
  records.some(({ id }) => id === found.saes[0]!.record),
)!;

describe('similarity of decoders', () => {
  it('is a file of the content folder that holds no record', () => {
    for (const read of [checkContent, trustedContent])
      expect(read(file, text)).toEqual({ file, records: [], table: null, similarity: found });
    const wrong = { ...found, saes: [] };
    expect(() => checkContent(file, JSON.stringify(wrong))).toThrow(
      /^qwen3\.6-27b-papergrade-decoders\.json: .*saes/,
    );
  });

  it('becomes a heat map a definition, with rows against columns and why a pair is not there', () => {
    const [view] = similaritiesOf([found], release, 'decoders');
    expect(view).toMatchObject({ drawn: 3, all: 3, latents: [58_204, 65_174], sameHook: false });
    const [twins, mean] = view!.charts;
    expect([twins!.definition, mean!.definition]).toEqual(['decoder_twins@cosine-0.7', 'decoder_mmcs@v1']);
    const { spec } = twins!;
    expect(spec.labels).toEqual({ rows: ['L11', 'L31', 'L55'], columns: ['L11', 'L31', 'L55'] });
    // Not symmetric: [row][column] is of the row's latents.
    const pair = (of: number, among: number) => {
      const one = found.pairs.find((each) => each.of === of && each.among === among)!;
      return 'values' in one ? one.values['decoder_twins@cosine-0.7'] : null;
    };
    expect(spec.values).toEqual([0, 1, 2].map((row) => [0, 1, 2].map((column) => pair(row, column))));
    expect(spec.values[0]![1]).not.toBe(spec.values[1]![0]);
    expect(spec.values[0]![2]).toBeNull();
    expect(spec.reasons[0]![2]).toMatch(/similarityOperations/);
    expect(mean!.spec.floors[0]![1]).toBe(0.0599);
    expect(spec.description).toMatch(/^Most alike: L31 among L\d\d 0\.163|^Most alike: /);
  });

  it('is not drawn where its records are elsewhere, or where one SAE stands alone', () => {
    expect(similaritiesOf([found], { ...release, records: [] }, 'a')).toEqual([]);
    expect(similaritiesOf([found], { ...release, records: release.records.slice(0, 1) }, 'a')).toEqual([]);
  });
});
