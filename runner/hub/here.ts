import { homedir } from 'node:os';
import { join } from 'node:path';
import { openKnownHashes } from '../io/known-hashes.ts';
import { userCacheFolder } from '../io/user-cache.ts';
import { readHubSettings } from './settings.ts';
import { type Hub, openHub } from './transport.ts';

/**
 * The hub that the environment names, with what this user's processes know of hashes.
 *
 * @throws UserError as `readHubSettings` does
 */
export async function openHubHere(): Promise<Hub> {
  return openHub({ settings: await readHubSettings(process.env, homedir()), hashes: hashesHere() });
}

/** Hashes of this user's files, remembered from one process to the next. */
export function hashesHere() {
  return openKnownHashes(join(userCacheFolder(process.env, homedir()), 'hashes.json'));
}
