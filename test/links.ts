/** Whether this system makes symbolic links: Windows does in developer mode, or for an administrator. */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Said where a test is skipped. */
export const NO_LINKS = 'this system makes no links: on Windows, turn developer mode on';

export async function linksAreMade(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-links-'));
  try {
    await symlink('target', join(folder, 'link'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
