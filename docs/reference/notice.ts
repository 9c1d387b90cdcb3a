/** NOTICE: the licences of what `npm ci --omit=dev` installs, on any system, from the lock file. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), license: z.string().optional(), dev: z.boolean().optional() }),
  ),
});

/** @throws Error when a package says no licence: it must be looked at by hand */
export async function notice(): Promise<string> {
  const text = await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8');
  const byLicence = new Map<string, Set<string>>();
  for (const [path, { version, license, dev }] of Object.entries(lockFile.parse(JSON.parse(text)).packages)) {
    if (path === '' || dev === true) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (license === undefined) throw new Error(`${name} ${version}: package-lock.json gives no licence`);
    byLicence.set(license, (byLicence.get(license) ?? new Set()).add(`${name} ${version}`));
  }
  const parts = [...byLicence].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    'Interpboard',
    'Copyright of the Interpboard contributors. Licensed under the Apache License, Version 2.0 (LICENSE).',
    '',
    'It installs the packages below, each under its own licence, whose text lies in the package’s folder in',
    'node_modules. None of them is part of this repository. Written by npm run docs from package-lock.json.',
    ...parts.flatMap(([licence, names]) => ['', licence, ...[...names].sort().map((each) => `  ${each}`)]),
    '',
  ].join('\n');
}
