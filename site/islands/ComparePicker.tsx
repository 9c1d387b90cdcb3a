import { type ReactNode, useEffect, useState } from 'react';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { compareRecords } from '../lib/comparison.ts';
import { type ComparedSae, ComparisonTable } from './ComparisonTable.tsx';

export interface PickableSae extends ComparedSae {
  kind: string;
  /** Address of the record's JSON. */
  json: string;
}

interface Props {
  saes: readonly PickableSae[];
  /** The static tables, shown while fewer than two are picked. */
  children?: ReactNode;
}

const none: readonly string[] = [];

/** Picks live in the address, as ?sae=…&sae=…, so that a comparison can be linked to. */
function picksFromAddress(saes: readonly PickableSae[]): string[] {
  const asked = new URLSearchParams(window.location.search).getAll('sae');
  return [...new Set(asked)].filter((id) => saes.some((sae) => sae.id === id));
}

function writeAddress(picks: readonly string[]): void {
  const url = new URL(window.location.href);
  url.searchParams.delete('sae');
  for (const id of picks) url.searchParams.append('sae', id);
  window.history.replaceState(null, '', url);
}

export default function ComparePicker({ saes, children }: Props) {
  // Null until the page's script runs: what is ticked before then would be lost.
  const [picked, setPicks] = useState<readonly string[] | null>(null);
  const [records, setRecords] = useState<Readonly<Record<string, EvaluationRecord>>>({});
  const [failure, setFailure] = useState('');
  const [onlyDifferences, setOnlyDifferences] = useState(false);

  const ready = picked !== null;
  const picks = picked ?? none;

  useEffect(() => setPicks(picksFromAddress(saes)), [saes]);

  useEffect(() => {
    const missing = saes.filter((sae) => picks.includes(sae.id) && !(sae.id in records));
    if (missing.length === 0) return;
    let current = true;
    Promise.all(missing.map(async (sae) => [sae.id, await fetchRecord(sae.json)] as const)).then(
      (loaded) => {
        if (current) setRecords((now) => ({ ...now, ...Object.fromEntries(loaded) }));
      },
      (reason: unknown) => {
        if (current) setFailure(reason instanceof Error ? reason.message : String(reason));
      },
    );
    return () => {
      current = false;
    };
  }, [picks, records, saes]);

  const pick = (id: string, ticked: boolean): void => {
    const next = ticked ? [...picks, id] : picks.filter((other) => other !== id);
    setFailure('');
    setPicks(next);
    writeAddress(next);
  };

  const models = [...new Set(saes.map((sae) => sae.model))];
  const chosen = picks.flatMap((id) => saes.find((sae) => sae.id === id) ?? []);
  const loaded = chosen.flatMap((sae) => records[sae.id] ?? []);
  const complete = chosen.length >= 2 && loaded.length === chosen.length;
  const sections = complete ? compareRecords(loaded) : [];
  const shown = onlyDifferences
    ? sections
        .map((section) => ({ ...section, rows: section.rows.filter((row) => row.differs) }))
        .filter((section) => section.rows.length > 0)
    : sections;

  return (
    <>
      <form className="picker needs-script" onSubmit={(event) => event.preventDefault()}>
        {models.map((model) => (
          <fieldset key={model} disabled={!ready}>
            <legend>{model}</legend>
            {saes
              .filter((sae) => sae.model === model)
              .map((sae) => (
                <label key={sae.id} className="pick">
                  <input
                    type="checkbox"
                    name="sae"
                    value={sae.id}
                    checked={picks.includes(sae.id)}
                    onChange={(event) => pick(sae.id, event.target.checked)}
                  />
                  <span>{sae.name}</span>
                  <span className={`badge ${sae.kind.toLowerCase()}`}>{sae.kind}</span>
                </label>
              ))}
          </fieldset>
        ))}
        <div className="controls">
          <label className="check">
            <input
              type="checkbox"
              checked={onlyDifferences}
              disabled={!ready}
              onChange={(event) => setOnlyDifferences(event.target.checked)}
            />
            <span>Only rows that differ</span>
          </label>
          <button
            type="button"
            disabled={picks.length === 0}
            onClick={() => {
              setPicks([]);
              writeAddress([]);
            }}
          >
            Clear
          </button>
          <p role="status">{failure || describe(chosen.length, complete)}</p>
        </div>
      </form>
      {complete && (
        <ComparisonTable
          caption="The SAEs picked, side by side; differences refer to the first"
          saes={chosen}
          sections={shown}
        />
      )}
      <div hidden={complete}>{children}</div>
    </>
  );
}

function describe(picked: number, complete: boolean): string {
  if (complete) return `${picked} SAEs compared. The address of this page keeps the choice.`;
  if (picked >= 2) return 'Loading…';
  return picked === 1 ? 'Pick one more.' : 'Pick two or more.';
}

async function fetchRecord(address: string): Promise<EvaluationRecord> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: the server answered ${response.status}.`);
  // The build validated it before writing it.
  return (await response.json()) as EvaluationRecord;
}
