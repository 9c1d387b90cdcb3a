import { describe, expect, it } from 'vitest';
import { exported, type Format, latexCell, markdownCell } from '../../../../site/explorer/exports.ts';
import { csvCell } from '../../../../site/lib/csv.ts';
import { columnsFrom, view, withIntervals } from './sample.ts';

const columns = columnsFrom([
  { name: '=HYPERLINK("http://x")', l0: 20, loss: 0.9, score: 0.8, rank: [0, 1, 2] },
  { name: 'A | B & 50% of $x_1$, "best"\nline', l0: 40, loss: 0.95, score: -0.1, rank: [0, 1, 2] },
  { name: 'Hidden', kind: 'external', l0: 80, loss: 0.5 },
]);
const loaded = new Map([['interpscore@0.0.1', withIntervals([0.8, -0.1, null], 0.05)]]);
const shown = (format: Format, change: Parameters<typeof view>[1] = {}): string => {
  const now = view(columns, { columns: ['composite', 'loss_recovered'], ...change }, { loaded });
  return exported(format, { ...now, intervals: now.state.intervals, address: 'https://site/?q=a' });
};

/** Fields of a CSV file by RFC 4180, read letter by letter. */
function parsed(text: string): string[][] {
  const rows: string[][] = [[]];
  let [cell, quoted] = ['', false];
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === ',' || letter === '\r') {
      rows.at(-1)!.push(cell);
      cell = '';
      if (letter === '\r' && text[++i] === '\n' && i + 1 < text.length) rows.push([]);
    } else cell += letter;
  }
  return rows;
}

describe('CSV', () => {
  it('has the rows shown, in their order, with the columns chosen and their intervals', () => {
    const [head, ...lines] = parsed(shown('csv'));
    const at = (line: string[], name: string): string | undefined => line[head!.indexOf(name)];
    expect(lines).toHaveLength(2);
    expect(lines.map((line) => at(line, 'composite'))).toEqual(['0.8', '-0.1']);
    expect(Number(at(lines[0]!, 'composite.low'))).toBeCloseTo(0.75, 12);
    expect(at(lines[0]!, 'rank_worst')).toBe('2');
    expect(lines.map((line) => at(line, 'loss_recovered.definition'))).toEqual(
      new Array(2).fill('loss_recovered@saebench-core'),
    );
    expect(lines.map((line) => line.length)).toEqual(new Array(2).fill(head!.length));
    expect(at(lines[1]!, 'name')).toBe('A | B & 50% of $x_1$, "best"\nline');
    expect(at(parsed(shown('csv', { descending: false }))[1]!, 'composite')).toBe('-0.1');
    expect(parsed(shown('csv', { intervals: false }))[0]).not.toContain('composite.low');
  });

  it.each(['=1+1', '+1', '-1+2', '@SUM(A1)', '\t=1', '\r=1'])('makes a formula text: %j', (text) => {
    expect(parsed(`${csvCell(text)}\r\n`)[0]![0]).toBe(`'${text}`);
  });

  it('leaves numbers numbers, and text in the middle of which a sign stands as it is', () => {
    expect(csvCell(-0.1)).toBe('-0.1');
    expect(csvCell('a=b')).toBe('a=b');
    expect(csvCell(null)).toBe('');
    expect(shown('csv')).toContain(`"'=HYPERLINK(""http://x"")"`);
  });
});

describe('JSON', () => {
  it('says of each value its definition and its interval', () => {
    const { rows, columns: described, address } = JSON.parse(shown('json'));
    expect(address).toBe('https://site/?q=a');
    expect(described.map(({ id }: { id: string }) => id)).toEqual(['composite', 'loss_recovered']);
    expect(described[0].definitions).toEqual(['interpscore@0.0.1']);
    expect(rows).toHaveLength(2);
    expect(rows[0].rank).toEqual({ best: 1, worst: 2, resolved: true });
    expect(rows[0].values.loss_recovered).toEqual({ value: 0.9, definition: 'loss_recovered@saebench-core' });
    expect(rows[1].values.composite.value).toBe(-0.1);
    expect(rows[1].values.composite.high).toBeCloseTo(-0.05, 12);
  });
});

describe('Markdown and LaTeX', () => {
  it('have a line a row, whatever stands in a name', () => {
    const table = shown('markdown')
      .split('\n')
      .filter((line) => line.startsWith('|'));
    expect(table).toHaveLength(4);
    const bars = (line: string): number => line.replaceAll(/\\./g, '').split('|').length;
    expect(new Set(table.map(bars))).toEqual(new Set([7]));
    expect(table[2]).toContain('0.8000 (0.7500–0.8500)');
    const lines = shown('latex')
      .split('\n')
      .filter((line) => line.endsWith('\\\\'));
    expect(lines).toHaveLength(3);
    const ampersands = (line: string): number => line.replaceAll(/\\./g, '').split('&').length;
    expect(lines.map(ampersands)).toEqual([5, 5, 5]);
    expect(lines[2]).toContain('$-$0.1000');
  });

  it('name the definitions and the address', () => {
    for (const format of ['markdown', 'latex'] as const) {
      const text = shown(format).replaceAll('\\', '');
      expect(text).toContain('loss_recovered@saebench-core');
      expect(text).toContain('https://site/?q=a');
    }
  });

  it('escape what would be markup', () => {
    expect(markdownCell('a|b <i>_x_</i> [y](z) `c`\nd')).toBe(
      'a\\|b \\<i\\>\\_x\\_\\</i\\> \\[y\\](z) \\`c\\` d',
    );
    expect(latexCell('50% of $x_1$ & {a}\\b^2~#')).toBe(
      '50\\% of \\$x\\_1\\$ \\& \\{a\\}\\textbackslash{}b\\textasciicircum{}2\\textasciitilde{}\\#',
    );
  });
});
