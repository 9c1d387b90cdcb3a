import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MalformedError, UnavailableError } from '../../../runner/errors.ts';
import type { Fetcher } from '../../../runner/hub/outside.ts';
import { downloadPinned } from '../../../runner/hub/pinned-download.ts';
import { RETRY_POLICY } from '../../../runner/hub/retry.ts';
import { wheelAddress } from '../../../runner/hub/wheel-index.ts';

const contents = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
const sha256 = createHash('sha256').update(contents).digest('hex');
const fetcher: Fetcher = {
  fetch: globalThis.fetch,
  clock: { wait: async () => undefined, random: () => 1, now: Date.now },
  retryPolicy: { ...RETRY_POLICY, attempts: 3 },
  timeouts: { answerMs: 30_000, stallMs: 30_000 },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-'));
});
afterAll(() => rm(folder, { recursive: true }));

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: RequestListener): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((done) => server!.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ranges: (string | undefined)[] = [];

/** The file, by ranges where they are asked for. @param cut bytes after which an answer's connection is cut */
function file(cut = contents.length, honest = true): RequestListener {
  return (request, response) => {
    ranges.push(request.headers.range);
    const from = honest ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    const rest = contents.subarray(from);
    response.writeHead(from === 0 ? 200 : 206, {
      'content-length': rest.length,
      ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${contents.length - 1}/${contents.length}` }),
    });
    if (rest.length <= cut) response.end(rest);
    // What came before is read first: a client may drop what it has not read when the connection ends.
    else response.write(rest.subarray(0, cut), () => setTimeout(() => response.destroy(), 100));
  };
}

let names = 0;
function wanted(address: string, more = {}) {
  const path = join(folder, `${names++}.whl`);
  return {
    thing: 'a.whl',
    address: async () => address,
    size: contents.length,
    sha256,
    path,
    next: 'Try --index.',
    ...more,
  };
}

describe('a large file at a fixed address', () => {
  it('comes whole, and once', async () => {
    ranges.length = 0;
    const want = wanted(await serve(file()));
    const seen: number[] = [];
    await downloadPinned(fetcher, want, { onBytes: (bytes) => seen.push(bytes) });
    expect(seen.at(-1)).toBe(contents.length);
    expect(await readFile(want.path)).toEqual(contents);
    await downloadPinned(fetcher, want);
    expect(ranges).toEqual([undefined]);
  });

  it('goes on where a connection was cut, in this process or before', async () => {
    ranges.length = 0;
    const want = wanted(await serve(file(30_000)));
    await writeFile(`${want.path}.incomplete`, contents.subarray(0, 5_000));
    await downloadPinned(fetcher, want);
    expect(ranges[0]).toBe('bytes=5000-');
    expect(ranges.length).toBeGreaterThan(2);
    expect(await readFile(want.path)).toEqual(contents);
  });

  it('begins anew where a server knows no ranges, or what was kept is wrong', async () => {
    const want = wanted(await serve(file(contents.length, false)));
    await writeFile(`${want.path}.incomplete`, contents.subarray(0, 5_000));
    await downloadPinned(fetcher, want);
    expect(await readFile(want.path)).toEqual(contents);
    const other = wanted(await serve(file()));
    await writeFile(`${other.path}.incomplete`, Buffer.alloc(5_000, 7));
    await downloadPinned(fetcher, other);
    expect(await readFile(other.path)).toEqual(contents);
  });

  it('is refused with other bytes, more bytes, or none', async () => {
    const address = await serve(file());
    const wrong = await downloadPinned(fetcher, wanted(address, { sha256: '0'.repeat(64) })).catch(
      (error: unknown) => error,
    );
    expect(wrong).toBeInstanceOf(MalformedError);
    expect((wrong as Error).message).toMatch(/^a.whl: found contents with SHA-256 .*Try --index\.$/);
    const longer = downloadPinned(fetcher, wanted(address, { size: 500 }));
    await expect(longer).rejects.toThrow(MalformedError);
    const missing = downloadPinned(
      fetcher,
      wanted(await serve((_, response) => response.writeHead(404).end())),
    );
    await expect(missing).rejects.toThrow(UnavailableError);
  });
});

describe('an index of packages', () => {
  const wheel = { project: 'some-project', file: 'some_project-1.0-py3-none-any.whl' };

  it('is read as JSON and as a page', async () => {
    const paths: string[] = [];
    const answer = (type: string, body: string): RequestListener => {
      return (request, response) => {
        paths.push(request.url!);
        response.writeHead(200, { 'content-type': type }).end(body);
      };
    };
    const listing = {
      files: [
        { filename: 'other.whl', url: 'x' },
        { filename: wheel.file, url: '../../a/b.whl#sha256=1' },
      ],
    };
    const json = await serve(answer('application/vnd.pypi.simple.v1+json', JSON.stringify(listing)));
    expect(await wheelAddress(fetcher, `${json}/simple/`, wheel)).toBe(`${json}/a/b.whl`);
    const links = `<a href="x/other.whl">other</a> <a data-x="1"\nhref='/c/${wheel.file}?a=1&amp;b=2#sha256=1'>it</a>`;
    const page = await serve(answer('text/html', links));
    expect(await wheelAddress(fetcher, `${page}/simple`, wheel)).toBe(`${page}/c/${wheel.file}?a=1&b=2`);
    expect(paths).toEqual(['/simple/some-project/', '/simple/some-project/']);
  });

  it('that lacks the file, the project, or is none says so', async () => {
    const said = async (answer: RequestListener): Promise<string> =>
      wheelAddress(fetcher, await serve(answer), wheel).then(
        () => '',
        (error: Error) => error.message,
      );
    expect(await said((_, response) => response.end('<a href="other.whl">'))).toContain(`no ${wheel.file}`);
    expect(await said((_, response) => response.writeHead(404).end())).toContain('HTTP 404 for some-project');
    expect(await said((_, response) => response.writeHead(503).end())).toMatch(/HTTP 503.*--wheels/);
    expect(
      await said((_, response) => response.setHeader('content-type', 'application/json').end('{}')),
    ).toContain('no list of files');
  });
});
