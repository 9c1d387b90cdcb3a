import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { definitions } from '../../../runner/report/definitions.ts';
import { similarityMovements } from '../../../runner/report/movement.ts';
import { type Similarity, similarity, withSaes } from '../../../runner/report/similarity.ts';
import { similarityIds, TWIN_COSINE } from '../../../runner/report/similarity-definitions.ts';

const path = '../../fixtures/site/similarity/qwen3.6-27b-papergrade-decoders.json';
const found = similarity.parse(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')));
const [first, second] = found.saes;

function faults(change: (copy: Similarity) => void): string[] {
  const copy = structuredClone(found);
  change(copy);
  return (
    similarity.safeParse(copy).error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? []
  );
}

describe('the file of similarities', () => {
  it('names definitions, and the threshold in one of them', () => {
    for (const id of similarityIds) expect(definitions[id].group).toBe('Similarity of decoders');
    expect(similarityIds[0]).toBe(`decoder_twins@cosine-${TWIN_COSINE}`);
    expect(definitions[similarityIds[0]].formula).toContain(`> ${TWIN_COSINE}`);
  });

  const changes: [string, (copy: Similarity) => void, RegExp][] = [
    [
      'a pair of an SAE that is not there',
      ({ pairs }) => Object.assign(pairs[0]!, { of: 3 }),
      /places among 3/,
    ],
    ['a pair twice', ({ pairs }) => Object.assign(pairs[1]!, { among: 0 }), /each pair once/],
    [
      'a share above 1',
      ({ pairs: [pair] }) => 'values' in pair! && Object.assign(pair.values, { [similarityIds[0]]: 1.5 }),
      /in \[0, 1\], received 1\.5/,
    ],
    [
      'more latents than there are',
      ({ saes }) => Object.assign(saes[0]!, { compared: 65_537 }),
      /at most 65536/,
    ],
    ['no SAE', (copy) => Object.assign(copy, { saes: [] }), /saes/],
  ];
  it.each(changes)('is refused with %s', (_name, change, message) => {
    expect(faults(change).join('\n')).toMatch(message);
    expect(faults(() => undefined)).toEqual([]);
  });

  it('keeps of some of its SAEs the pairs among them', () => {
    const kept = withSaes(found, (record) => record !== first!.record);
    expect(kept.saes).toEqual(found.saes.slice(1));
    expect(kept.pairs).toEqual(
      found.pairs.flatMap((pair) =>
        pair.of === 0 || pair.among === 0 ? [] : [{ ...pair, of: pair.of - 1, among: pair.among - 1 }],
      ),
    );
    expect(similarity.safeParse(kept).success).toBe(true);
  });
});

describe('measured again', () => {
  it('is compared for the SAE of the record, where both files are of the same SAEs', () => {
    const again = similarityMovements(found, found, first!.record);
    // Itself, and the second either way round; the third was left out.
    expect(again).toEqual({ compared: 2 * 3, same: 2 * 3, moved: [] });
    const other = structuredClone(found);
    const pair = other.pairs.find(({ of, among }) => of === 1 && among === 0)!;
    if ('values' in pair) pair.values['decoder_mmcs@v1'] += 0.01;
    expect(similarityMovements(found, other, first!.record).moved.map((each) => each.path)).toEqual([
      `decoders.${second!.record} among ${first!.record}.decoder_mmcs@v1`,
    ]);
    // Another SAE has other directions, and no interval says how far they may lie.
    other.saes[1]!.sha256 = 'f'.repeat(64);
    expect(similarityMovements(found, other, first!.record)).toEqual({ compared: 2, same: 2, moved: [] });
  });
});
