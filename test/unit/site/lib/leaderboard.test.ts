import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { rankedKinds } from '../../../../runner/report/schema.ts';
import { leaderboardRows, scoreColumns, scoreValues } from '../../../../site/lib/leaderboard.ts';
import { fixtures } from '../fixtures.ts';

const all = [...publishedRecords(), ...fixtures];
const ranked = all.filter((entry) => rankedKinds.includes(entry.kind));

describe('leaderboard', () => {
  it('has the composite and its five components as columns, each with its definition', () => {
    expect(scoreColumns().map((column) => [column.key, column.definition])).toEqual([
      ['interpscore', 'interpscore@0.0.1'],
      ['loss_recovered', 'loss_recovered@interpscore-0.0.1'],
      ['alive', 'alive@v1'],
      ['l0_score', 'l0_score@interpscore-0.0.1'],
      ['sparse_probing', 'probe_auc_dense@interpscore-0.0.1'],
      ['tpp', 'tpp@interpscore-0.0.1'],
    ]);
    expect(scoreColumns()[2]?.href).toBe('/methodology/#alive-v1');
  });

  it('ranks measured and published rows together and leaves the unmeasured unranked, last', () => {
    const rows = leaderboardRows(ranked, true);
    expect(rows.map((row) => row.rank)).toEqual([1, 2, 3, 4, 5, 6, null]);
    expect(new Set(rows.map((row) => row.kind))).toEqual(new Set(['measured', 'published', 'imported']));
    expect(rows.at(-1)?.cells[0]).toEqual(['The file read holds no such value.']);
    const scores = rows.slice(0, 6).map((row) => row.cells[0]?.[0]);
    expect(scores).toEqual(scores.toSorted((a, b) => Number(b) - Number(a)));
  });

  it('gives no rank to rows that must not be ranked', () => {
    const others = all.filter((entry) => !rankedKinds.includes(entry.kind));
    expect(leaderboardRows(others, false).map((row) => row.rank)).toEqual([null, null, null, null]);
  });

  it('takes the alive share of the score, not of the validation report', () => {
    const row = leaderboardRows(ranked, true).find((one) => one.id === 'qwen3.6-27b-papergrade-l55');
    expect(row?.cells[2]).toEqual([0.78]);
  });

  it('gives the skill under what has a floor and a reference, and nothing where one is missing', () => {
    const rows = new Map(leaderboardRows(ranked, true).map((row) => [row.id, row]));
    const skills = rows.get('small-world-l0')!.skills;
    expect(skills.map((skill) => skill !== null)).toEqual([false, true, false, false, true, false]);
    expect(skills[1]).toEqual({
      text: '0.9445',
      title: 'from floor (untrained SAE, 0.62) to reference (identity, 1.00); 95 % interval 0.9145–0.9715',
    });
    expect(skills[4]!.title).toMatch(
      /^from floor \(chance, 0\.50\) to reference \(probe on the residual, 0\.97\)/,
    );
    // No controls in the one; no untrained SAE in the other, so that its loss has no floor.
    expect(rows.get('small-world-l2')!.skills).toEqual(new Array(6).fill(null));
    expect(rows.get('small-world-l4')!.skills.map((skill) => skill !== null)).toEqual([
      ...[false, false, false, false],
      ...[true, false],
    ]);
  });

  it('collects values and bounds for the scale', () => {
    const rows = leaderboardRows(ranked, true);
    const values = scoreValues(rows);
    expect(values).toHaveLength(3 * 3 + 3);
    expect(Math.max(...values)).toBe(0.7788);
  });
});
