import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { APIRoute, GetStaticPaths } from 'astro';
import { filesOfLive } from '../../../../runner/report/live.ts';
import { liveFile } from '../../../../runner/report/live-places.ts';
import { livePages, runtimeFiles } from '../../../lib/live.ts';

/** What live pages load, and the runtime where there is such a page. */
export const getStaticPaths = (async () => {
  const pages = await livePages();
  const files = pages.length === 0 ? new Map<string, string>() : runtimeFiles();
  for (const { live, folder } of pages) {
    for (const { sha256 } of filesOfLive(live)) files.set(liveFile(sha256), join(folder, liveFile(sha256)));
  }
  return [...files].map(([file, path]) => ({ params: { file }, props: { path } }));
}) satisfies GetStaticPaths;

export const GET: APIRoute<{ path: string }> = async ({ props: { path } }) =>
  new Response(new Uint8Array(await readFile(path)), {
    headers: { 'Content-Type': types[path.slice(path.lastIndexOf('.'))] ?? 'application/octet-stream' },
  });

const types: Readonly<Record<string, string>> = { '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
