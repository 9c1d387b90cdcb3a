/** What a file of a package needs: its imports, and the files that it names from its own place. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Reach {
  /** Paths from the root, with / between folders. */
  files: Set<string>;
  /** Names of packages. */
  packages: Set<string>;
}

const NAMED = [
  /^\s*(?:import|export)\s(?:[^'"=;()]*?\bfrom\s*)?["']([^"'\n]+)["']/gm,
  /\bimport\(\s*["']([^"'\n]+)["']/g,
  /new URL\(\s*["'](\.[^"'\n]+\.js)["'],\s*import\.meta\.url/g,
];

/**
 * All files that are reached from some.
 *
 * @param ending of those that are followed: others that are imported (JSON) are reached and not read
 */
export function reachOf(root: string, entries: readonly string[], ending: RegExp): Reach {
  const reach: Reach = { files: new Set(), packages: new Set() };
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reach.files.has(file)) continue;
    reach.files.add(file);
    if (!ending.test(file)) continue;
    const text = readFileSync(join(root, file), 'utf8');
    for (const pattern of NAMED) {
      for (const [, name] of text.matchAll(pattern)) {
        if (name!.startsWith('.')) waiting.push(placed(file, name!));
        else if (!/^(?:node|astro|virtual):/.test(name!)) reach.packages.add(packageOf(name!));
      }
    }
  }
  return reach;
}

function placed(from: string, name: string): string {
  // A declaration imports the module whose types stand beside it.
  const path = join(dirname(from), name.replace(/\?.*$/, '')).replaceAll('\\', '/');
  return from.endsWith('.d.ts') ? path.replace(/(?:\.d)?\.[jt]s$/, '.d.ts') : path;
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
