/**
 * Activations kept on disk, so that later runs and sweeps over the same text, model and hooks read them instead of running the
 * language model: an entry a pass, under a hash of all that it follows from (the program and what it computes on included).
 */
import { deserialize, serialize } from 'node:v8';
import { type FloatType, fromFloat32, toFloat32 } from '../../formats/number-types.ts';
import { openContentCache } from '../../io/content-cache.ts';
import { canonicalJson } from '../../io/hash.ts';
import { freeBytesOf, SPARE_BYTES } from '../../io/room.ts';
import { Stopped, type Voice } from '../../reporter.ts';
import type { PackingPosition } from '../../text/packing.ts';
import type { ActivationPass, ActivationSource } from './activation-source.ts';

/** Where activations are kept. */
export interface Keeping {
  folder: string;
  /** Bytes that the folder may hold; one run fills half of it at most. */
  limit: number;
  /** The program that computes them, as `programHash` names it. */
  program: string;
  /** Everything that the stream follows from, but for its position. */
  stream: string;
}

/**
 * The stream from `from` on: as far as its passes are kept they are read; from the first that is not, `open` makes it, and
 * what it makes is kept. Passes that are damaged are as good as absent.
 *
 * @param type that activations are rounded to, whether they are read or made
 */
export async function keptActivations(
  { folder, limit, program, stream }: Keeping,
  type: FloatType & ('F32' | 'BF16'),
  from: PackingPosition | undefined,
  open: (from: PackingPosition | undefined) => Promise<ActivationSource>,
  voice: Pick<Voice, 'note' | 'stopRequested'>,
): Promise<ActivationSource> {
  const cache = await openContentCache(folder, limit, program);
  let position = from;
  let source: ActivationSource | undefined;
  let [saysRead, saysKept, keeps] = [false, false, true];

  async function read(): Promise<ActivationPass | undefined> {
    const { damaged } = cache.counts;
    const bytes = await cache.get(keyOf(stream, position));
    if (cache.counts.damaged > damaged) {
      voice.note('kept activations are damaged: from there on they are made again');
    }
    if (bytes === undefined) return undefined;
    const kept = deserialize(bytes) as Kept;
    if (!saysRead) voice.note('activations that an earlier run kept are read');
    saysRead = true;
    return {
      position: kept.position,
      // A copy: what is read lies in one buffer, and each of these goes its own way.
      activations: new Map(kept.values.map(([hook, values]) => [hook, toFloat32(type, values).slice()])),
    };
  }

  /** What follows on a pass that is not kept would not be read either: it ends there. */
  function noMore(why: string): void {
    keeps = false;
    voice.note(`${why}: further activations are not kept`);
  }

  async function keep(pass: ActivationPass): Promise<void> {
    if (!keeps) return;
    // One pass is written while the next is made.
    await cache.settled();
    if (cache.counts.lost > 0) return noMore('activations could not be written');
    const bytes = serialize({
      position: pass.position,
      values: [...pass.activations].map(([hook, x]) => [hook, fromFloat32(type, x)]),
    } satisfies Kept);
    if ((await freeBytesOf(folder)) < bytes.byteLength + SPARE_BYTES)
      return noMore(`no room on the disk of ${folder}`);
    cache.put(keyOf(stream, position), bytes);
    if (cache.counts.lost > 0) return noMore('a run keeps half of training.activations.gigabytes at most');
    if (!saysKept) voice.note('activations are kept for later runs over the same text, model and hooks');
    saysKept = true;
  }

  return {
    async next() {
      if (voice.stopRequested()) throw new Stopped();
      let pass = source === undefined ? await read() : undefined;
      if (pass === undefined) {
        source ??= await open(position);
        pass = rounded(await source.next(), type);
        await keep(pass);
      }
      position = pass.position;
      return pass;
    },
    async close() {
      await cache.settled();
      await source?.close();
    },
  };
}

interface Kept {
  position: PackingPosition;
  values: [hook: string, values: Uint8Array][];
}

function keyOf(stream: string, position: PackingPosition | undefined): string {
  return canonicalJson([stream, position ?? null]);
}

/** Activations as they would be read back. */
export function rounded(pass: ActivationPass, type: 'F32' | 'BF16'): ActivationPass {
  if (type === 'F32') return pass;
  const activations = [...pass.activations].map(
    ([hook, x]) => [hook, toFloat32(type, fromFloat32(type, x))] as const,
  );
  return { ...pass, activations: new Map(activations) };
}
