import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import type { RunConfig } from '../config/run-config.ts';
import { quote, UserError } from '../errors.ts';
import { parseReference } from '../hub/reference.ts';
import { readHubSettings } from '../hub/settings.ts';

/**
 * Whether a run could upload at all, asked before hours of work and not after them; nothing is sent.
 *
 * @param shard whether it is a part of a run, which is sent for the merge whatever it holds
 * @throws UserError when it has nothing to release, upload.repository is no repository of the hub, there is no token, or
 *   the hub must not be asked
 */
export async function checkUpload(
  { train, upload: { repository } }: Pick<RunConfig, 'train' | 'upload'>,
  shard: boolean,
): Promise<void> {
  if (repository === null) return;
  if (!train && !shard) {
    throw new UserError({
      thing: 'setting upload.repository',
      found: `${quote(repository)} for a run that trains no SAE`,
      expected: 'none: SAEs that the run trains are released',
      next: 'Leave it out, or add --train; npx interpboard publish --site sends the report.',
    });
  }
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
