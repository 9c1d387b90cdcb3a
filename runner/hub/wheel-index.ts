/** Where an index of Python packages has a file: PEP 503 (a page of links) and PEP 691 (the same as JSON). */
import { z } from 'zod';
import { MalformedError, UnavailableError } from '../errors.ts';
import { readBody } from './body.ts';
import { type Fetcher, fetchOutside } from './outside.ts';
import { withRetries } from './retry.ts';

/** Bytes of a project's listing; that of onnxruntime-gpu has 160 kB. */
const LIMIT = 16 << 20;

const listing = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) });

/**
 * @param index as pip takes it, such as https://pypi.org/simple
 * @throws UnavailableError when the index does not answer, or does not have the file
 * @throws MalformedError when its answer is neither
 */
export async function wheelAddress(
  fetcher: Fetcher,
  index: string,
  { project, file }: { project: string; file: string },
  signal?: AbortSignal,
): Promise<string> {
  const page = new URL(`${index.replace(/\/+$/, '')}/${project}/`);
  const thing = `package index ${page.host}`;
  const next = 'Name another with --index, or a folder of wheels with --wheels.';
  const { body, type, at } = await withRetries({ ...fetcher, signal }, thing, async () => {
    const headers = { accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5' };
    const refused = `for ${project}`;
    const asked = { address: page, thing, refused, expected: 'a list of its files', next };
    const response = await fetchOutside(fetcher, asked, { headers, signal });
    const bytes = await readBody(response, fetcher.timeouts.stallMs, LIMIT, thing);
    return {
      body: Buffer.from(bytes).toString(),
      type: response.headers.get('content-type') ?? '',
      at: response.url || page.href,
    };
  }).catch((error: unknown) => {
    if (!(error instanceof UnavailableError)) throw error;
    throw new UnavailableError({ ...error.complaint, expected: 'a list of files', next }, { cause: error });
  });
  const link = /json/.test(type) ? ofJson(body, file, thing) : ofPage(body, file);
  if (link === undefined) {
    throw new UnavailableError({ thing, found: `no ${file}`, expected: 'that file', next });
  }
  const address = new URL(link, at);
  address.hash = '';
  return address.href;
}

function ofJson(body: string, file: string, thing: string): string | undefined {
  try {
    return listing.parse(JSON.parse(body)).files.find(({ filename }) => filename === file)?.url;
  } catch (cause) {
    throw new MalformedError(
      {
        thing,
        found: 'JSON that is no list of files',
        expected: 'a listing by PEP 691',
        next: 'Check --index.',
      },
      { cause },
    );
  }
}

function ofPage(body: string, file: string): string | undefined {
  for (const [, link] of body.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["']/gi)) {
    const plain = link!.replaceAll('&amp;', '&');
    if (plain.split(/[?#]/, 1)[0]!.split('/').at(-1) === file) return plain;
  }
  return undefined;
}
