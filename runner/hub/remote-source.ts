import { MalformedError } from '../errors.ts';
import type { FileSource } from '../io/byte-source.ts';
import { readBody } from './body.ts';
import { formatReference } from './reference.ts';
import { fileAddress, type PinnedReference, pinnedSubject, type RepositoryFile } from './repository.ts';
import { Transient, withRetries } from './retry.ts';
import { type Hub, request } from './transport.ts';

/**
 * A file of a repository by ranged reads, without downloading it. Every answer has to be exactly the bytes asked for,
 * out of a file of the listed size at the pinned commit; a cut or refused one is asked for again. What a range holds
 * cannot be checked against the file's hash: readers check the format.
 */
export function remoteSource(
  hub: Hub,
  reference: PinnedReference,
  file: RepositoryFile,
  signal?: AbortSignal,
): FileSource {
  const subject = pinnedSubject(reference, file.path);
  const name = formatReference(subject);
  const url = fileAddress(hub, reference, file.path);

  async function attempt(start: number, end: number): Promise<Uint8Array> {
    const headers = { range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'identity' };
    const response = await request(hub, subject, url, { headers, signal: signal ?? null });
    const commit = response.headers.get('x-repo-commit');
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
    const [, first, last, total] = (range ?? []).map(Number);
    const whole = response.status === 200 && start === 0 && end === file.size;
    const fits = first === start && last === end - 1 && total === file.size;
    if (commit !== null && commit !== reference.commit) {
      await response.body?.cancel();
      throw new MalformedError({
        thing: name,
        found: `an answer from commit ${commit.slice(0, 40)}`,
        expected: `commit ${reference.commit}`,
        next: 'Check HF_ENDPOINT: a mirror that serves another commit cannot be pinned.',
      });
    }
    if (!whole && !(response.status === 206 && fits)) {
      await response.body?.cancel();
      const found = range ? range[0] : 'no range';
      const asked = `bytes ${start}-${end - 1}/${file.size}`;
      throw new Transient(`HTTP ${response.status} with ${found} where ${asked} was asked for`, {
        wrongBytes: true,
      });
    }
    const bytes = await readBody(response, hub.timeouts.stallMs, end - start, name);
    if (bytes.byteLength !== end - start)
      throw new Transient(`${bytes.byteLength} bytes where ${end - start} were asked for`);
    return bytes;
  }

  return {
    name,
    byteLength: file.size,
    async slice(start, end) {
      if (end <= start) return new Uint8Array(0);
      return withRetries({ ...hub, signal }, name, () => attempt(start, end));
    },
    close: async () => undefined,
  };
}
