import { expect, describe as group, it } from 'vitest';
import { describe, duration, progressView, short } from '../../../runner/commands/progress.ts';
import type { StageProgress } from '../../../runner/reporter.ts';

const at = (done: number, more: Partial<StageProgress> = {}): StageProgress => ({
  stage: 'training',
  done,
  total: 491_520,
  unit: 'tokens',
  rate: 12_345,
  fields: { loss: '0.0231', var_exp: '0.81' },
  ...more,
});

function screen(isTTY: boolean, columns = 200) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => written.push(text) };
}

group('describe', () => {
  it('says percent, counts, rate, ETA and the fields', () => {
    expect(describe(at(122_880))).toBe(
      'training   25 % · 123k/492k tokens · 12.3k tokens/s · ETA 30 s · loss 0.0231 · var_exp 0.81',
    );
  });

  it('leaves out counts, then the rate, then the end of the line where there is no room', () => {
    expect(describe(at(122_880), 75)).toBe(
      'training   25 % · 12.3k tokens/s · ETA 30 s · loss 0.0231 · var_exp 0.81',
    );
    expect(describe(at(122_880), 60)).toBe('training   25 % · ETA 30 s · loss 0.0231 · var_exp 0.81');
    expect(describe(at(122_880), 40)).toBe('training   25 % · ETA 30 s · loss 0.023…');
  });

  it('gives no ETA before there is a rate, nor at the end', () => {
    expect(describe(at(0, { rate: 0 }))).not.toContain('ETA');
    expect(describe(at(491_520))).not.toContain('ETA');
  });
});

group('progressView', () => {
  it('rewrites one line on a terminal, cut to its width', () => {
    const to = screen(true, 40);
    const view = progressView(to);
    view.show(at(1000));
    view.show(at(2000));
    view.line('a note');
    expect(to.written[0]!.startsWith('\r\u001b[K')).toBe(true);
    expect(to.written[0]!.length).toBeLessThanOrEqual(39 + 4);
    expect(to.written.slice(2)).toEqual(['\n', 'a note\n']);
    view.line('of a file: \u001b[31mred\nits second line\r\u202e');
    expect(to.written.at(-1)).toBe('of a file: U+001B[31mred\nits second lineU+000DU+202E\n');
  });

  it('prints plain lines elsewhere: the first, the last, and one each five seconds', () => {
    const to = screen(false);
    let now = 0;
    const view = progressView(to, () => now);
    for (let second = 0; second < 12; second++) {
      now = second * 1000;
      view.show(at(second * 40_000));
    }
    view.show(at(491_520));
    expect(to.written).toHaveLength(4);
    expect(to.written.every((line) => line.endsWith('\n') && !line.includes('\u001b'))).toBe(true);
  });
});

group('short and duration', () => {
  it.each([
    [0, '0'],
    [7, '7'],
    [0.25, '0.3'],
    [999, '999'],
    [1000, '1.00k'],
    [12_345, '12.3k'],
    [999_600, '1.00M'],
    [2e8, '200M'],
  ])('short(%d) is %s', (value, text) => expect(short(value)).toBe(text));
  it.each([
    [0.2, '1 s'],
    [59.5, '1:00'],
    [187, '3:07'],
    [7387, '2:03:07'],
  ])('duration(%d) is %s', (value, text) => expect(duration(value)).toBe(text));
});

group('of a stage whose units differ in what they cost', () => {
  it('percent and ETA follow the work', () => {
    const line = describe(at(122_880, { work: { share: 0.5, rate: 0.05 } }));
    expect(line).toContain('training   50 % · 123k/492k tokens · 12.3k tokens/s · ETA 10 s');
    expect(describe(at(122_880, { work: { share: 0, rate: 0 } }))).not.toContain('ETA');
    expect(describe(at(491_520, { work: { share: 1, rate: 0.05 } }))).not.toContain('ETA');
  });
});
