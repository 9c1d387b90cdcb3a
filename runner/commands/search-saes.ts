/** `inspect saes`: the registry's SAEs that fit. */

import { homedir } from 'node:os';
import { placeName } from '../hook.ts';
import { counted } from '../report/counted.ts';
import type { RegistryEntry, RegistryFilter } from '../sae/published/registry.ts';
import { entryName, searchRegistry } from '../sae/published/registry.ts';
import { theRegistry } from '../sae/published/registry-file.ts';
import { withShownHub } from './download-view.ts';
import { obstacle, shareOf } from './evaluable.ts';
import type { ProgressView } from './progress.ts';

/** @throws UserError, UnavailableError or MalformedError when the registry cannot be had or read */
export async function searchSaes(filter: RegistryFilter, view: ProgressView): Promise<RegistryEntry[]> {
  const { registry } = await withShownHub(view, ({ hub, signal }) =>
    theRegistry(hub, process.env, homedir(), signal),
  );
  return searchRegistry(registry, filter);
}

/** One line per SAE: what to type after --sae, hook, width, L0, repository. */
export function describeEntries(entries: readonly RegistryEntry[]): string {
  if (entries.length === 0) return 'no SAE of the registry fits';
  const head = ['name', 'hook', 'width', 'L0', 'repository', 'not evaluated here, as'];
  const rows = entries.map((entry) => [
    entryName(entry),
    entry.hook === null ? 'other' : placeName(entry.hook),
    entry.width ?? '–',
    entry.l0 === null ? '–' : String(Math.round(10 * entry.l0) / 10),
    entry.repo,
    obstacle(entry) ?? '',
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 2 || i === 3 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  const { evaluated } = shareOf(entries);
  const models = [...new Set(entries.map(({ model }) => model))];
  return [
    line(head),
    ...rows.map(line),
    '',
    `${counted(entries.length, 'SAE')} of ${models.length === 1 ? models[0] : `${models.length} models`}, of which ${evaluated} can be evaluated here as far as their names say`,
  ].join('\n');
}
