import { join } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { isNoWindowsName } from '../io/windows-names.ts';

export type RepositoryType = 'model' | 'dataset' | 'space';

export interface LocalReference {
  kind: 'local';
  path: string;
}

export interface HubReference {
  kind: 'hub';
  type: RepositoryType;
  /** owner/name, or a bare name of the hub's early days (datasets/imdb). */
  repo: string;
  /** Branch, tag or commit as written; `main` where nothing is. */
  revision: string;
  /** File or folder inside the repository; null for the whole. */
  path: string | null;
}

export type Reference = LocalReference | HubReference;

const PREFIXES: Readonly<Record<string, RepositoryType>> = {
  models: 'model',
  datasets: 'dataset',
  spaces: 'space',
};
const NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?';
const HUB = new RegExp(
  `^(?:(models|datasets|spaces)/)?(?:(${NAME})/)?(${NAME})(?:@([^:]+))?(?::(.+))?$`,
  's',
);
const COMMIT = /^[0-9a-f]{40}$/;

export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/**
 * Reads a reference to a repository of the hub or to something on this machine:
 *
 *     [hf://][models/|datasets/|spaces/]owner/name[@revision][:path inside]     ./folder   /folder   ~/folder
 *
 * What could be either is local when a file or folder of that name exists, or when it begins with `./`, `../`, `/`,
 * `~` or a drive letter; otherwise it is owner/name on the hub. `hf://` means the hub whatever lies on this machine.
 * A bare name needs its `models/`, `datasets/` or `hf://` in front: alone it would hide a misspelt folder.
 *
 * @param local whether a path exists on this machine, and the home folder that `~` stands for
 * @throws UserError when the text is neither
 */
export function parseReference(
  text: string,
  local: { exists: (path: string) => boolean; home: string },
): Reference {
  const forced = text.startsWith('hf://');
  if (!forced) {
    if (/^~(?=$|[\\/])/.test(text)) return { kind: 'local', path: join(local.home, text.slice(1)) };
    if (/^(\.{1,2}([\\/]|$)|[\\/]|[A-Za-z]:[\\/])/.test(text)) return { kind: 'local', path: text };
    if (text !== '' && local.exists(text)) return { kind: 'local', path: text };
  }
  const match = HUB.exec(forced ? text.slice('hf://'.length) : text);
  const [, prefix, owner, name, revision = 'main', inside] = match ?? [];
  const bare = owner === undefined && prefix === undefined && !forced;
  const repo = owner === undefined ? name : `${owner}/${name}`;
  if (!repo || bare || /--|\.\./.test(repo) || !isRevision(revision))
    throw notAReference(text, bare && match);
  const path = inside?.replace(/\/+$/, '') || null;
  if (path !== null) checkRepositoryPath(path, repo);
  return { kind: 'hub', type: PREFIXES[prefix ?? 'models']!, repo, revision, path };
}

/** `datasets/owner/name@revision:path`: what is shown and kept in records; models carry no prefix. */
export function formatReference(reference: HubReference): string {
  const path = reference.path === null ? '' : `:${reference.path}`;
  return `${repositoryLabel(reference)}@${reference.revision}${path}`;
}

/** `owner/name`, `datasets/owner/name`: the repository as it stands in the hub's addresses. */
export function repositoryLabel(reference: Pick<HubReference, 'type' | 'repo'>): string {
  return reference.type === 'model' ? reference.repo : `${reference.type}s/${reference.repo}`;
}

/** The longest name within a folder that file systems hold, bytes of UTF-8. */
const LONGEST_NAME = 255;

/**
 * Refuses a name in a repository that would leave the folder it is joined to, on this system or on another, or that
 * no disk holds.
 *
 * @throws UserError with the name
 */
export function checkRepositoryPath(path: string, repo: string): void {
  if (isRepositoryPath(path)) return;
  throw new UserError({
    thing: `${repo}: file name`,
    found: quote(path),
    expected: REPOSITORY_PATH,
    next: 'Do not use this repository, or ask its owner to rename the file.',
  });
}

/** What `isRepositoryPath` asks for, in words. */
export const REPOSITORY_PATH = `a path inside the repository: no "..", no drive, no leading slash, no backslash, names of at most ${LONGEST_NAME} bytes`;

export function isRepositoryPath(path: string): boolean {
  const parts = path.split(/[\\/]/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const odd = /[\u0000-\u001f\u007f]/.test(path) || path.length > 1024 || path.includes('\\');
  const leaves = parts.some(
    (part) => part === '' || part === '.' || part === '..' || /^[A-Za-z]:/.test(part),
  );
  return !odd && !leaves && parts.every((part) => Buffer.byteLength(part) <= LONGEST_NAME);
}

/**
 * Refuses a name that is about to become a file, where this system would make another file of it, or none.
 *
 * @throws UserError with the name, on Windows
 */
export function checkNameHere(path: string, repo: string, platform = process.platform): void {
  if (platform !== 'win32' || !path.split('/').some(isNoWindowsName)) return;
  throw new UserError({
    thing: `${repo}: file name`,
    found: quote(path),
    expected:
      'a name that Windows can keep: no device (con, aux, nul …), no < > : " | ? *, no dot or space at the end',
    next: 'Leave this file out, or work under Linux (WSL 2 will do).',
  });
}

/** A name git allows for a branch or tag; it becomes a path under `refs/`, so nothing may climb out. */
function isRevision(text: string): boolean {
  if (text.length > 255 || !/^[\w./#%+=@-]+$/.test(text) || /\.\.|@\{/.test(text)) return false;
  return text.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}

function notAReference(text: string, bare: unknown): UserError {
  return new UserError({
    thing: 'reference',
    found: quote(text),
    expected: 'an existing file or folder, or owner/name[@revision][:path] on the hub',
    next: bare
      ? `There is no such file here; if ${quote(text)} is a repository without an owner, write models/${text} or datasets/${text}.`
      : 'Check the spelling; datasets are written datasets/owner/name.',
  });
}
