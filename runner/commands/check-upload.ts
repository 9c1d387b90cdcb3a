import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { UserError } from '../errors.ts';
import { parseReference } from '../hub/reference.ts';
import { readHubSettings } from '../hub/settings.ts';

/**
 * Whether a run could upload at all, asked before hours of training and not after them; nothing is sent.
 *
 * @param repository setting upload.repository
 * @throws UserError when it is no repository of the hub, or there is no token, or the hub must not be asked
 */
export async function checkUpload(repository: string | null): Promise<void> {
  if (repository === null) return;
  const settings = await readHubSettings(process.env, homedir());
  const found =
    parseReference(repository, { exists: existsSync, home: homedir() }).kind !== 'hub'
      ? `${repository}, a place on this machine`
      : settings.offline
        ? 'HF_HUB_OFFLINE'
        : settings.token === null
          ? 'no token'
          : undefined;
  if (found === undefined) return;
  throw new UserError({
    thing: 'setting upload.repository',
    found,
    expected: 'owner/name on the hub, and a token that may write',
    next: `Create one at ${settings.endpoint}/settings/tokens and set HF_TOKEN, or leave the setting out.`,
  });
}
