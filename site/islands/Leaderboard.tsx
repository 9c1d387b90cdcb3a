import { useEffect, useState } from 'react';
import type { Kind } from '../../runner/report/schema.ts';
import { kindLabels } from '../lib/kinds.ts';
import type { LeaderboardRow, ScoreColumn } from '../lib/leaderboard.ts';
import { type SortDirection, sortRows } from '../lib/order.ts';
import { LeaderboardTable, type Sorting } from './LeaderboardTable.tsx';

interface Props {
  caption: string;
  columns: readonly ScoreColumn[];
  rows: readonly LeaderboardRow[];
  scoreDomain: readonly [number, number];
}

const initial: Sorting = { key: 'interpscore', direction: 'descending' };

/** The ranked rows with sorting and filters; the first render equals the built page, so nothing moves. */
export default function Leaderboard({ caption, columns, rows, scoreDomain }: Props) {
  const [ready, setReady] = useState(false);
  const [sorting, setSorting] = useState(initial);
  const [model, setModel] = useState('');
  const [kind, setKind] = useState('');
  useEffect(() => setReady(true), []);

  const kept = rows.filter((row) => (!model || row.model === model) && (!kind || row.kind === kind));
  const shown = sortRows(kept, (row) => sortKey(row, sorting.key, columns), sorting.direction);
  const models = [...new Set(rows.map((row) => row.model))];
  const kinds = [...new Set(rows.map((row) => row.kind))];
  const sort = (key: string, best: SortDirection): void =>
    setSorting((now) => ({
      key,
      direction: now.key !== key ? best : now.direction === 'ascending' ? 'descending' : 'ascending',
    }));

  return (
    <div className="board">
      <div className="controls needs-script">
        <Choice
          label="Model"
          all="All models"
          value={model}
          options={models}
          disabled={!ready}
          onChange={setModel}
        />
        <Choice
          label="Kind"
          all="All kinds"
          value={kind}
          options={kinds}
          disabled={!ready}
          name={(option) => kindLabels[option as Kind]}
          onChange={setKind}
        />
        <p role="status">
          {shown.length} of {rows.length} SAEs, by {columnName(sorting.key, columns)}, {sorting.direction}
        </p>
      </div>
      <LeaderboardTable
        caption={caption}
        columns={columns}
        rows={shown}
        scoreDomain={scoreDomain}
        ranked
        sorting={sorting}
        onSort={sort}
        ready={ready}
      />
    </div>
  );
}

interface ChoiceProps {
  label: string;
  all: string;
  value: string;
  options: readonly string[];
  disabled: boolean;
  name?: (option: string) => string;
  onChange: (value: string) => void;
}

function Choice({ label, all, value, options, disabled, name = String, onChange }: ChoiceProps) {
  return (
    <label>
      <span>{label}</span>
      <select value={value} disabled={disabled} onChange={(event) => onChange(event.target.value)}>
        <option value="">{all}</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {name(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

function sortKey(row: LeaderboardRow, key: string, columns: readonly ScoreColumn[]): number | string | null {
  if (key === 'name') return `${row.model} ${row.layer} ${row.name}`;
  const value = row.cells[columns.findIndex((column) => column.key === key)]?.[0];
  return typeof value === 'number' ? value : null;
}

function columnName(key: string, columns: readonly ScoreColumn[]): string {
  return columns.find((column) => column.key === key)?.short ?? 'model and layer';
}
