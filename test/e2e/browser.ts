/** A Chromium for the browser tests, found without being asked for. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Said where the tests are skipped. */
export const howToEnable =
  'no Chromium found: install one (Debian: apt-get install chromium) or set CHROMIUM_PATH to its executable';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

const known = [
  '/usr/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  // Chromium too, and part of Windows.
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  'C:\\Program Files\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** Nothing of the browser's own goes to the network, and a root user has no sandbox. */
const quiet = [
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** Executables in order of preference; CHROMIUM_PATH stands alone when it is set. */
function candidates(): string[] {
  const asked = process.env.CHROMIUM_PATH;
  if (asked) return [asked];
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return [...known, ...folders.flatMap((folder) => names.map((name) => join(folder, name)))].filter(
    existsSync,
  );
}

/**
 * The first Chromium that starts: CHROMIUM_PATH, the system's, then the one packed in @sparticuz/chromium (Linux).
 *
 * @returns null when there is none; the reason each one failed goes to stderr.
 */
export async function launchBrowser(): Promise<Browser | null> {
  for (const executablePath of candidates()) {
    const browser = await tryLaunch(executablePath, []);
    if (browser) return browser;
  }
  if (process.env.CHROMIUM_PATH || process.platform !== 'linux') return null;
  try {
    const { default: packed } = await import('@sparticuz/chromium');
    return await tryLaunch(await packed.executablePath(), packed.args);
  } catch (reason) {
    console.error(`@sparticuz/chromium: ${firstLine(reason)}`);
    return null;
  }
}

async function tryLaunch(executablePath: string, args: readonly string[]): Promise<Browser | null> {
  try {
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    return await chromium.launch({ executablePath, args: [...args, ...quiet, ...sandbox], timeout: 180_000 });
  } catch (reason) {
    console.error(`${executablePath}: ${firstLine(reason)}`);
    return null;
  }
}

function firstLine(reason: unknown): string {
  return (reason instanceof Error ? reason.message : String(reason)).split('\n')[0] ?? '';
}
