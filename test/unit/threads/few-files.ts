/** Opens threads until the system refuses one, and writes what that was. */
import { type Link, openLink } from '../../../runner/threads/link.ts';
import type { Asked, Start } from './worker.ts';

const body = new URL('./worker.ts', import.meta.url);
const links: Link<Asked, unknown>[] = [];
try {
  for (;;) {
    links.push(openLink<Start, Asked, unknown>({ name: `thread ${links.length}`, body, start: {} }));
    await links.at(-1)!.request({ what: 'count', to: 1 });
  }
} catch (error) {
  const { name, message } = error as Error;
  process.stdout.write(`${name} ${message}\n`);
}
for (const link of links) await link.close();
