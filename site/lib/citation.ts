/** BibTeX of a release: as its authors give it, else what its records say. */
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { layersWords } from './hook-words.ts';
import type { Release } from './releases.ts';

export function citationOf({ id, title, records }: Release): string | null {
  const given = records.find(({ sae }) => sae.citation !== undefined)?.sae.citation;
  if (given !== undefined) return given;
  const [first] = records;
  if (first === undefined || first.kind !== 'measured') return null;
  const year = first.provenance.started?.slice(0, 4);
  const fields: [string, string | null | undefined][] = [
    ['title', `Sparse autoencoders for ${first.model.id}, ${layersWords(records.map(({ sae }) => sae))}`],
    ['year', year],
    ['howpublished', first.sae.repo === null ? `Run ${title}` : `https://huggingface.co/${first.sae.repo}`],
    ['note', noteOf(first)],
  ];
  const lines = fields.flatMap(([name, value]) =>
    value ? [`  ${name.padEnd(12)} = {${braced(value)}},`] : [],
  );
  return [`@misc{${id.replace(/[^a-z0-9]+/g, '-')},`, ...lines, '}'].join('\n');
}

function noteOf({ provenance }: EvaluationRecord): string {
  const version = provenance.versions.interpboard;
  const made = version === undefined ? 'Made with Interpboard' : `Made with Interpboard ${version}`;
  return provenance.config_sha256 === null ? made : `${made}; settings SHA-256 ${provenance.config_sha256}`;
}

/** What BibTeX would read otherwise. */
function braced(text: string): string {
  return text.replace(/[{}\\]/g, '').replace(/[&%$#_]/g, '\\$&');
}
