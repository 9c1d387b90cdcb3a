/** The launcher, as the program sees it that it started in a process of its own (see launch.mjs). */
import { Socket } from 'node:net';

/** Where the launcher says which file descriptor is the pipe that it holds the other end of. */
const PIPE = 'INTERPBOARD_LAUNCHER_PIPE';

/**
 * Calls `ended` when the launcher is gone, however it ended: the system closes its end of the pipe. Without a launcher in
 * another process nothing is watched. What this program starts is not told of the pipe.
 */
export function whenLauncherEnds(ended: () => void): void {
  const fd = process.env[PIPE];
  delete process.env[PIPE];
  if (fd === undefined || !/^\d{1,3}$/.test(fd)) return;
  const pipe = new Socket({ fd: Number(fd), readable: true, writable: false });
  pipe.on('error', () => undefined).on('close', ended);
  // Read to its end, which alone says that the other side is closed; it keeps nobody waiting.
  pipe.resume().unref();
}
