/** Serves a folder on 127.0.0.1 under a base path, the way Pages does: index.html for folders, 404.html for the rest, text compressed. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const types: Readonly<Record<string, string>> = {
  '.bin': 'application/octet-stream',
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

export interface StaticServer {
  /** Address of the site's root, ending in a slash. */
  url: string;
  close: () => Promise<void>;
}

export async function serveFolder(folder: string, base = '/'): Promise<StaticServer> {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const inside = path.startsWith(base) ? normalize(path.slice(base.length)) : null;
    const found = inside === null || inside.startsWith('..') ? null : await readPage(join(folder, inside));
    const page = found ?? { body: await readFile(join(folder, '404.html')), type: '.html' };
    const zipped = page.type !== '.bin' && /\bgzip\b/.test(String(request.headers['accept-encoding']));
    response.writeHead(found ? 200 : 404, {
      'Content-Type': types[page.type] ?? 'application/octet-stream',
      ...(zipped ? { 'Content-Encoding': 'gzip' } : {}),
    });
    response.end(zipped ? await promisify(gzip)(page.body) : page.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${base}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function readPage(path: string): Promise<{ body: Buffer; type: string } | null> {
  for (const file of extname(path) in types ? [path] : [join(path, 'index.html')]) {
    const body = await readFile(file).catch(() => null);
    if (body) return { body, type: extname(file) };
  }
  return null;
}
