import { sha256 } from '../io/hash.ts';

/** Which documents of a corpus are read: all, those for training, or those kept from it. */
export type Part = { take: 'all' } | { take: 'training' | 'heldout'; heldoutShare: number };

export const ALL: Part = { take: 'all' };

/** SHA-256 of a document with runs of white space as one space: what tells documents apart. */
export function documentHash(text: string): string {
  return sha256(text.replace(/\s+/g, ' ').trim());
}

/**
 * Whether a document belongs to a part. It depends on the document's hash alone: equal documents fall on the same side
 * wherever they stand, so that evaluation never sees a text that training may have read.
 */
export function belongs(hash: string, part: Part): boolean {
  if (part.take === 'all') return true;
  // 48 bits of the hash as a number in [0, 1).
  const point = Number.parseInt(hash.slice(0, 12), 16) / 2 ** 48;
  return point < part.heldoutShare === (part.take === 'heldout');
}
