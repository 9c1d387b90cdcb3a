import { describe, expect, it } from 'vitest';
import { readOutView } from '../../../../site/explorer/read-out.ts';
import { bodyView, headView } from '../../../../site/explorer/table-view.ts';
import { columnsFrom, view, withIntervals } from './sample.ts';

const hostile = '<img src=x onerror=alert(1)>"\' & </td>';

describe('what is shown', () => {
  it('keeps the names of repositories text, wherever they are shown', () => {
    const columns = columnsFrom([
      {
        name: hostile,
        model: hostile,
        architecture: hostile,
        text: hostile,
        l0: 3,
        loss: 0.5,
        score: 0.5,
        rank: [0, 1, 2],
      },
    ]);
    const shown = view(columns);
    const all = [headView(shown), bodyView(shown, 0, 50), readOutView(shown, 0)]
      .map(({ text }) => text)
      .join('');
    expect(all).not.toContain('<img');
    expect(all).toContain('&lt;img');
  });
});

describe('the table', () => {
  const columns = columnsFrom([
    { name: 'A', l0: 20, loss: 0.9, score: 0.8, rank: [0, 1, 2] },
    { name: 'B', l0: 40, loss: 0.95, score: 0.79, rank: [0, 1, 2] },
    { name: 'C', model: 'other/model', loss: 0.5 },
  ]);
  const scores = new Map([['interpscore@0.0.1', withIntervals([0.8, 0.79, null], 0.02)]]);

  it('has a heading for each group, and rows from one place to another', () => {
    const shown = view(columns);
    const rowsOf = (from: number, to: number): string[] =>
      [...bodyView(shown, from, to).text.matchAll(/data-row="(\d)"/g)].map(([, row]) => row!);
    expect(rowsOf(0, 50)).toEqual(['0', '1', '2']);
    expect(rowsOf(1, 3)).toEqual(['1', '2']);
    expect(bodyView(shown, 0, 50).text.match(/class="group"/g)).toHaveLength(2);
    // A heading stands where its group begins, once over all parts.
    expect(bodyView(shown, 1, 50).text.match(/class="group"/g)).toHaveLength(1);
    expect(bodyView(shown, 0, 50).text).toContain('1 SAE, none ranked: no InterpScore with an interval');
    expect(bodyView(view(columns, { grouped: false }), 0, 50).text).not.toContain('class="group"');
  });

  it('tells rows of one name apart by their ids', () => {
    const rowsOf = (...names: [string, string][]): string =>
      bodyView(view(columnsFrom(names.map(([name, id]) => ({ name, id, l0: 3, loss: 0.5 })))), 0, 50).text;
    expect(rowsOf(['clt', 'one-clt'], ['clt', 'other-clt'])).toMatch(/ · one-clt<.* · other-clt</s);
    expect(rowsOf(['clt', 'one-clt'], ['b', 'b'])).not.toContain(' · one-clt');
  });

  it('says a tie in words behind its ranks', () => {
    const text = bodyView(view(columns), 0, 50).text;
    expect(text.match(/<summary>1–2<\/summary><p>Tied with 1 other: /g)).toHaveLength(2);
    expect(text).toContain('class="rank tie start"');
    expect(text).toContain('class="rank tie end"');
  });

  it('draws the sorted column alone, with intervals where they are', () => {
    const shown = view(columns, {}, { loaded: scores });
    const text = bodyView(shown, 0, 50).text;
    expect(text.match(/class="whisker"/g)).toHaveLength(2);
    expect(text).toContain('0.7800–0.8200');
    expect(headView(shown).text).toContain('aria-sort="descending"');
    expect(bodyView(view(columns, { intervals: false }, { loaded: scores }), 0, 50).text).not.toContain(
      '0.7800',
    );
    expect(bodyView(view(columns, { sort: 'name' }), 0, 50).text).not.toContain('class="whisker"');
  });

  it('calls the composite by its weights, ranked by value alone until resamples are here', () => {
    const other = view(
      columnsFrom([
        { name: 'A', parts: [0.5, 1, 1, 1, 1], score: 0.8, rank: [0, 1, 2] },
        { name: 'B', parts: [0.9, 0, 0, 0, 0], score: 0.3, rank: [0, 1, 2] },
      ]),
      { weights: [100, 0, 0, 0, 0] },
    );
    expect(headView(other).text).toContain('Reconstruction alone');
    expect(other.groups[0]!.rows).toEqual([1, 0]);
    expect(other.standings.map((standing) => [standing!.best, standing!.resolved])).toEqual([
      [2, false],
      [1, false],
    ]);
    expect(bodyView(other, 0, 2).text).toContain('no resamples were judged');
  });
});
