import { type InterpboardError, quote, UnavailableError, UserError } from '../errors.ts';
import { formatReference, type HubReference, repositoryLabel } from './reference.ts';
import type { HubSettings } from './settings.ts';

/** What the hub answered, reduced to what an error message needs. */
export interface Answer {
  status: number;
  /** The hub's own name of the case: RepoNotFound, RevisionNotFound, EntryNotFound, GatedRepo … */
  code: string | null;
  message: string | null;
}

/** Carried as the cause of the error that a refusal becomes, for callers that treat a status as an outcome. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;

  constructor(answer: Answer) {
    super(`HTTP ${answer.status}${answer.code ? ` ${answer.code}` : ''}`);
    this.name = 'Refusal';
    this.status = answer.status;
    this.code = answer.code;
  }
}

/** Turns a refusal into an error that names the case and the next step; the token never occurs in it. */
export function refused(answer: Answer, subject: HubReference, settings: HubSettings): InterpboardError {
  const { endpoint, token } = settings;
  const label = repositoryLabel(subject);
  const page = `${endpoint}/${label}`;
  const options = { cause: new Refusal(answer) };
  const says = answer.message ? `: ${quote(token?.redact(answer.message) ?? answer.message)}` : '';
  const found = `HTTP ${answer.status}${says}`;
  const { status, code } = answer;

  if (code === 'GatedRepo') {
    const sign = token
      ? 'signed in as the owner of the token'
      : `then create a token at ${endpoint}/settings/tokens and set HF_TOKEN`;
    return new UnavailableError(
      {
        thing: label,
        found: `a gated repository (HTTP ${status})`,
        expected: 'access granted by its owner',
        next: `Accept the licence at ${page}, ${sign}; run again once access is granted.`,
      },
      options,
    );
  }
  if (code === 'EntryNotFound') {
    const next = `See ${page}/tree/${subject.revision} for the files it has.`;
    return new UserError(
      { thing: formatReference(subject), found: 'no such file', expected: 'a file of the repository', next },
      options,
    );
  }
  if (code === 'RevisionNotFound') {
    const thing = formatReference({ ...subject, path: null });
    const next = `See ${page}/refs for its branches and tags; without @revision, main is taken.`;
    return new UserError(
      { thing, found: 'no such revision', expected: 'a branch, tag or commit', next },
      options,
    );
  }
  if (status === 401 && token && code !== 'RepoNotFound') {
    return new UserError(
      {
        thing: 'token for the hub',
        found: `refused as invalid or expired (HTTP 401)`,
        expected: 'a valid access token',
        next: `Create a new one at ${endpoint}/settings/tokens and set HF_TOKEN, or unset it for public repositories.`,
      },
      options,
    );
  }
  if (status === 401 || code === 'RepoNotFound' || (status === 404 && code === null)) {
    const access = token
      ? 'if it is private, use a token of an account that may read it'
      : 'if it is private or gated, set HF_TOKEN';
    return new UserError(
      {
        thing: label,
        found: `no repository of that name, or a private one (HTTP ${status})`,
        expected: `a ${subject.type} that exists and may be read`,
        next: `Check the name (datasets are written datasets/owner/name); ${access}.`,
      },
      options,
    );
  }
  if (status === 403) {
    return new UserError(
      {
        thing: label,
        found,
        expected: 'permission for this',
        next: `Give the token the right it lacks at ${endpoint}/settings/tokens, or ask the owner of ${page}.`,
      },
      options,
    );
  }
  return new UnavailableError(
    { thing: label, found, expected: 'an answer with status 200', next: `Look at ${page} and run again.` },
    options,
  );
}
