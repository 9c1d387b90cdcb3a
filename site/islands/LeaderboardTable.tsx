import type { WhiskerScale } from '../charts/whisker.ts';
import type { SkillMark } from '../lib/controls.ts';
import { formatInterval, formatNumber } from '../lib/format.ts';
import { kindLabels } from '../lib/kinds.ts';
import type { LeaderboardRow, RankRange, ScoreCell, ScoreColumn } from '../lib/leaderboard.ts';
import type { SortDirection } from '../lib/order.ts';
import { Whisker } from './Whisker.tsx';

export interface Sorting {
  key: string;
  direction: SortDirection;
}

interface Props {
  caption: string;
  columns: readonly ScoreColumn[];
  rows: readonly LeaderboardRow[];
  /** Ends of the scale the composite is drawn on, the same in every row. */
  scoreDomain: readonly [number, number];
  ranked: boolean;
  sorting?: Sorting;
  /** Absent where the table cannot be sorted; `ready` is false until the page's script runs. */
  onSort?: (key: string, best: SortDirection) => void;
  ready?: boolean;
}

/** The table itself, complete without any script. */
export function LeaderboardTable({
  caption,
  columns,
  rows,
  scoreDomain,
  ranked,
  sorting,
  onSort,
  ready = false,
}: Props) {
  const heading = (key: string, label: string, best: SortDirection) =>
    onSort ? (
      <button type="button" className="sort" disabled={!ready} onClick={() => onSort(key, best)}>
        {label}
        <SortMark direction={sorting?.key === key ? sorting.direction : null} />
      </button>
    ) : (
      label
    );
  const sorted = (key: string) => (onSort && sorting?.key === key ? sorting.direction : undefined);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="scroller" aria-label={caption} tabIndex={0}>
      <table className="leaderboard">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col" className="name" aria-sort={sorted('name')}>
              {heading('name', 'SAE', 'ascending')}
            </th>
            {columns.map((column, i) => (
              <th key={column.key} scope="col" className="number" aria-sort={sorted(column.key)}>
                {heading(column.key, column.short, 'descending')}
                <a className="define" href={column.href} title={column.definition}>
                  definition<span className="hidden"> of {column.definition}</span>
                </a>
                {i === 0 && (
                  <span className="ends" aria-hidden="true">
                    <span>{formatNumber(scoreDomain[0], 2)}</span>
                    <span>{formatNumber(scoreDomain[1], 2)}</span>
                  </span>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} className={row.range ? 'open' : undefined}>
              <th scope="row" className="name">
                <div className="who">
                  {ranked && (
                    <span className="rank">
                      <span className="hidden">Rank </span>
                      {row.range?.ranks ?? row.rank ?? '–'}
                    </span>
                  )}
                  <div>
                    <a href={row.href}>{row.name}</a>{' '}
                    <span className={`badge ${row.kind}`}>{kindLabels[row.kind]}</span>
                    <span className="sub">{row.model}</span>
                    <span className="sub">{row.shape}</span>
                    {row.range && <span className="sub">{notResolved(row.range)}</span>}
                  </div>
                </div>
              </th>
              {columns.map((column, i) => (
                <td key={column.key} className={i === 0 ? 'number score' : 'number'}>
                  <Value
                    cell={row.cells[i] ?? ['No value.']}
                    digits={column.digits}
                    skill={row.skills[i] ?? null}
                    scale={i === 0 ? { domain: scoreDomain, width: 136 } : { domain: [0, 1], width: 60 }}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function notResolved({ others, more }: RankRange): string {
  const rest = more > 0 ? ` and ${more} more` : '';
  return `not resolved from ${others.join(', ')}${rest}`;
}

interface ValueProps {
  cell: ScoreCell;
  digits: number;
  skill: SkillMark | null;
  scale: WhiskerScale;
}

function Value({ cell, digits, skill, scale }: ValueProps) {
  const [value, low, high] = cell;
  if (typeof value !== 'number') {
    return (
      <span className="missing" title={value}>
        n/a<span className="hidden">: {value}</span>
      </span>
    );
  }
  return (
    <>
      <span className="value">{formatNumber(value, digits)}</span>
      <Whisker cell={cell} scale={scale} />
      <span className="interval">
        {low === undefined || high === undefined ? 'no interval' : formatInterval(low, high, digits)}
      </span>
      {skill && (
        <span className="interval" title={skill.title}>
          skill {skill.text}
          <span className="hidden"> {skill.title}</span>
        </span>
      )}
    </>
  );
}

function SortMark({ direction }: { direction: SortDirection | null }) {
  return (
    <svg className="sort-mark" width="8" height="12" viewBox="0 0 8 12" aria-hidden="true" focusable="false">
      {direction !== 'descending' && <path d="M1 4.5 4 1.5l3 3" />}
      {direction !== 'ascending' && <path d="M1 7.5l3 3 3-3" />}
    </svg>
  );
}
