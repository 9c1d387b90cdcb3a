import type { ComparisonCell, ComparisonRow, ComparisonSection } from '../lib/comparison.ts';

export interface ComparedSae {
  id: string;
  name: string;
  model: string;
  href: string;
}

interface Props {
  caption: string;
  saes: readonly ComparedSae[];
  sections: readonly ComparisonSection[];
}

/** Records as columns. The first is the one the others' differences refer to. */
export function ComparisonTable({ caption, saes, sections }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="scroller" aria-label={caption} tabIndex={0}>
      <table className="comparison">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <td />
            {saes.map((sae) => (
              <th key={sae.id} scope="col">
                <a href={sae.href}>{sae.name}</a>
                <span className="sub">{sae.model}</span>
              </th>
            ))}
          </tr>
        </thead>
        {sections.map((section) => (
          <tbody key={section.title}>
            <tr className="section">
              <th scope="rowgroup" colSpan={saes.length + 1}>
                <span>{section.title}</span>
              </th>
            </tr>
            {section.rows.map((row) => (
              <Row key={row.key} row={row} saes={saes} />
            ))}
          </tbody>
        ))}
      </table>
    </section>
  );
}

function Row({ row, saes }: { row: ComparisonRow; saes: readonly ComparedSae[] }) {
  return (
    <tr className={row.differs ? 'differs' : undefined}>
      <th scope="row">
        {row.href ? <a href={row.href}>{row.label}</a> : row.label}
        {row.definition && <code className="sub">{row.definition}</code>}
        {row.differs && <span className="hidden"> (differs)</span>}
      </th>
      {row.cells.map((cell, i) => (
        <td key={saes[i]?.id ?? i} className={row.definition ? 'number' : cell.other ? 'other' : undefined}>
          <Cell cell={cell} />
        </td>
      ))}
    </tr>
  );
}

function Cell({ cell }: { cell: ComparisonCell }) {
  if (cell.text === null) {
    return (
      <span className="missing" title={cell.reason ?? undefined}>
        n/a<span className="hidden">: {cell.reason}</span>
      </span>
    );
  }
  return (
    <>
      <span className="value">{cell.text}</span>
      {cell.change !== null && (
        <span className={cell.resolved ? 'change apart' : 'change'}>
          <span className="hidden">Difference to the first: </span>
          {cell.change}
          {cell.resolved && <span className="hidden"> (resolved)</span>}
        </span>
      )}
      {cell.details.map((line, i) => (
        <span key={line} className="interval" title={i === 0 ? (cell.reason ?? undefined) : undefined}>
          {line}
        </span>
      ))}
      {cell.changeInterval !== null && (
        <span className="interval">
          difference {cell.changeInterval}
          {cell.resolved === false && ', not resolved'}
        </span>
      )}
    </>
  );
}
