/** Where the registry comes from: SAELens' repository at a release, or what the environment names. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MalformedError, UserError, unreadable } from '../../errors.ts';
import { fetchPinned } from '../../hub/pinned-file.ts';
import type { Environment } from '../../hub/settings.ts';
import type { Hub } from '../../hub/transport.ts';
import { sha256 as sha256Of } from '../../io/hash.ts';
import { userCacheFolder } from '../../io/user-cache.ts';
import { parseRegistry, type Registry } from './registry.ts';

const VERSION = '6.54.12';
/** The file of that release, as it is also in the package of that version on PyPI. */
const SHA256 = 'bea73bf39c2a345ce03fca3d9d44e133085e9ff2aea74c8ae5b26de0819c96d2';
const ADDRESS = `https://raw.githubusercontent.com/decoderesearch/SAELens/v${VERSION}/sae_lens/pretrained_saes.yaml`;
/** The file is 1.5 MB. */
const BYTE_LIMIT = 32 << 20;

const registryVariable = 'INTERPBOARD_SAE_REGISTRY';

export interface RegistryPlace {
  /** An http(s) address, or a path. */
  address: string;
  /** Null only for a local file. */
  sha256: string | null;
}

/**
 * INTERPBOARD_SAE_REGISTRY names another file: a path, or an address followed by #sha256=DIGITS.
 *
 * @throws UserError for an address without its hash
 */
export function registryPlace(environment: Environment): RegistryPlace {
  const given = environment[registryVariable];
  if (!given) return { address: ADDRESS, sha256: SHA256 };
  if (!/^https?:/.test(given)) return { address: resolve(given), sha256: null };
  const [, address, sha256] = /^(https?:[^#]+)#sha256=([0-9a-f]{64})$/.exec(given) ?? [];
  if (address !== undefined && sha256 !== undefined && URL.canParse(address)) return { address, sha256 };
  throw new UserError({
    thing: registryVariable,
    found: 'an address without #sha256= and 64 digits, or no address',
    expected: 'ADDRESS#sha256=DIGITS, or the path of a file',
    next: `Correct ${registryVariable}, or unset it for the registry of SAELens ${VERSION}.`,
  });
}

export interface OpenedRegistry {
  registry: Registry;
  /** Of the file. */
  sha256: string;
}

/**
 * The registry, fetched once and kept.
 *
 * @param cacheFolder where a copy is kept
 * @throws UserError, UnavailableError or MalformedError when it cannot be had or read
 */
export async function openRegistry(
  hub: Hub,
  place: RegistryPlace,
  cacheFolder: string,
  signal?: AbortSignal,
): Promise<OpenedRegistry> {
  const thing = `registry of SAEs ${place.address}`;
  const bytes =
    place.sha256 === null
      ? await readLocal(place.address)
      : await fetchPinned(
          hub,
          {
            thing,
            address: place.address,
            sha256: place.sha256,
            limit: BYTE_LIMIT,
            copy: join(cacheFolder, `sae-registry-${place.sha256.slice(0, 16)}.yaml`),
            next: `Name another copy in ${registryVariable} (the package sae-lens ${VERSION} on PyPI has it as sae_lens/pretrained_saes.yaml), or the SAE by owner/name:path.`,
          },
          signal,
        );
  const sha256 = sha256Of(bytes);
  return { registry: parseRegistry(thing, new TextDecoder().decode(bytes)), sha256 };
}

/** The registry that the environment names, or SAELens'; errors as `openRegistry`. */
export function theRegistry(
  hub: Hub,
  environment: Environment,
  home: string,
  signal?: AbortSignal,
): Promise<OpenedRegistry> {
  return openRegistry(hub, registryPlace(environment), userCacheFolder(environment, home), signal);
}

async function readLocal(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(registryVariable, cause);
  });
  if (bytes.length <= BYTE_LIMIT) return bytes;
  throw new MalformedError({
    thing: path,
    found: `${bytes.length} bytes`,
    expected: `at most ${BYTE_LIMIT}`,
    next: `Check ${registryVariable}.`,
  });
}
