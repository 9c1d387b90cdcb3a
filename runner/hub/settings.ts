import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { UserError } from '../errors.ts';

/** A word that must not be printed: `String`, `JSON.stringify` and `inspect` all show a placeholder. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  /** The same text with the secret, should it occur, replaced. */
  redact(text: string): string {
    return text.replaceAll(this.#text, '[token]');
  }

  toString(): string {
    return '[token]';
  }

  toJSON(): string {
    return '[token]';
  }

  [inspect.custom](): string {
    return '[token]';
  }
}

/** Where the hub is and what may be asked of it. The names of the variables are those of Python's huggingface_hub. */
export interface HubSettings {
  /** Origin and, for a mirror under a path, the path; no trailing slash. */
  endpoint: string;
  token: Secret | null;
  /** Folder of `models--owner--name/…`, shared with Python's huggingface_hub. */
  cacheFolder: string;
  /** Nothing is sent; what is in the cache is used. */
  offline: boolean;
  /** False where the user asks for plain files in the cache. */
  symlinks: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/**
 * Reads HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN (or the file that `hf auth login` writes), HF_HUB_OFFLINE and
 * HF_HUB_DISABLE_SYMLINKS, with the precedence of Python's huggingface_hub 2.4. An empty variable, as compose files
 * leave it, is one that is not set.
 *
 * @param home the user's home folder
 * @throws UserError when the endpoint is no http(s) address or the token cannot be a header
 */
export async function readHubSettings(environment: Environment, home: string): Promise<HubSettings> {
  const folder = (text: string) => resolve(expand(text, environment, home));
  const base = environment.HF_HOME || join(environment.XDG_CACHE_HOME || join(home, '.cache'), 'huggingface');
  const cache = environment.HF_HUB_CACHE || environment.HUGGINGFACE_HUB_CACHE || join(base, 'hub');
  return {
    endpoint: readEndpoint(environment.HF_ENDPOINT?.trim() || DEFAULT_ENDPOINT),
    token: await readToken(environment, folder(environment.HF_TOKEN_PATH || join(base, 'token'))),
    cacheFolder: folder(cache),
    offline: isTrue(environment.HF_HUB_OFFLINE || environment.TRANSFORMERS_OFFLINE),
    symlinks: !isTrue(environment.HF_HUB_DISABLE_SYMLINKS),
  };
}

function readEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password;
  if (!url || !plain || url.search || url.hash) {
    // The text is not quoted: an address with a password in it would end in a log.
    throw new UserError({
      thing: 'HF_ENDPOINT',
      found: 'something else',
      expected: `an http(s) address without user name, password or query, such as ${DEFAULT_ENDPOINT}`,
      next: 'Correct HF_ENDPOINT, or unset it to use the public hub.',
    });
  }
  return url.href.replace(/\/+$/, '');
}

async function readToken(environment: Environment, path: string): Promise<Secret | null> {
  if (isTrue(environment.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return null;
  const given = [environment.HF_TOKEN, environment.HUGGING_FACE_HUB_TOKEN].map(clean).find((each) => each);
  const text = given ?? clean(await readFile(path, 'utf8').catch(() => undefined));
  if (!text) return null;
  if (!/^[\x21-\x7e]{1,1024}$/.test(text)) {
    throw new UserError({
      thing: given ? 'HF_TOKEN' : path,
      found: 'spaces or characters that no token has',
      expected: 'an access token of the hub, hf_…',
      next: 'Copy the token again, whole and alone.',
    });
  }
  return new Secret(text);
}

function clean(text: string | undefined): string | undefined {
  return text?.replace(/[\r\n]/g, '').trim() || undefined;
}

function isTrue(text: string | undefined): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes((text ?? '').toUpperCase());
}

function expand(text: string, environment: Environment, home: string): string {
  return text
    .replace(/^~(?=$|[\\/])/, home)
    .replace(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced, bare) => environment[braced ?? bare] ?? whole);
}
