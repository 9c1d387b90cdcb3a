import { join } from 'node:path';

/** Where this program keeps what any of its versions can do without, for the user and not for one folder. */
export function userCacheFolder(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  return join(environment.XDG_CACHE_HOME || join(home, '.cache'), 'interpboard');
}
