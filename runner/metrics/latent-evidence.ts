/**
 * What each latent of an SAE fires on, gathered while held-out text passes once: how often and how strongly, and stretches of
 * text around its strongest and around randomly drawn firings. Memory is bounded by the number of latents, not by the text:
 * with the contexts that the suite `features` keeps by default, 18 of 25 tokens, 65,536 latents take 0.19 GB.
 */
import { cancellationPoint } from '../math/cancellation.ts';
import type { Firings } from './firing-rate.ts';
import { type Firing, KeptContexts } from './kept-contexts.ts';

export interface EvidenceOptions {
  d_sae: number;
  /** Contexts kept of the strongest firings, one of a row of text at most. */
  top: number;
  /** Contexts kept of firings drawn at random, each row where the latent fires being as likely as any other. */
  sampled: number;
  /** Tokens shown before the token that the latent fires on, and after it, within its row. */
  before: number;
  after: number;
  /** Of the draws. */
  seed: number;
}

/** Rows of text as an SAE encoded them. */
export interface EncodedRows {
  /** [rows · tokens] */
  ids: Int32Array;
  rows: number;
  tokens: number;
  /** Number of the document that holds most of each row, [rows]; rows stand alone without it. */
  documents?: Int32Array | undefined;
  /** [rows · tokens · k], zeros being empty slots. */
  k: number;
  indices: Int32Array;
  values: Float32Array;
}

export interface LatentContext {
  /** Number of the row in the text, and of its token that the latent fires on. */
  row: number;
  position: number;
  /** What the latent is there. */
  value: number;
  /** The row's token that the stretch around it begins with, and what the latent is at each token of the stretch. */
  start: number;
  values: Float32Array;
}

export interface LatentFacts extends Firings {
  /** Documents (or rows) with tokens that it fires on, and rows. */
  documents: number;
  rows: number;
  /** Of its values where it fires. */
  mean: number;
  max: number;
}

/** Bins of a histogram cover a quarter of a power of two each: bin 0 begins at 2^-20, the last ends at 2^20. */
const PER_OCTAVE = 4;
const LOWEST = -20;
export const BINS = 40 * PER_OCTAVE;
/** Bin b begins at 2^((LOWEST_BIN + b) / 4). */
export const LOWEST_BIN = LOWEST * PER_OCTAVE;

/** The bin that a positive value falls into; those beyond the ends fall into the first and the last. */
function binOf(value: number): number {
  const bin = Math.floor((Math.log2(value) - LOWEST) * PER_OCTAVE);
  return Math.min(BINS - 1, Math.max(0, bin));
}

/** Bytes that the evidence of an SAE takes, where every latent has all its contexts. */
export function evidenceBytes({ d_sae, top, sampled, before, after }: Omit<EvidenceOptions, 'seed'>): number {
  const context = 4 * (before + 1 + after) + 8 + 3 * 4;
  const counts = 4 * 6 + 2 * 2 + 8 * 3 + 4 * BINS;
  return d_sae * (counts + (top + sampled) * context + 4 * top);
}

export class LatentEvidence {
  readonly #options: EvidenceOptions;
  readonly #fires: Uint32Array;
  readonly #documents: Uint32Array;
  readonly #rows: Uint32Array;
  readonly #sums: Float64Array;
  readonly #largest: Float32Array;
  readonly #squares: Float64Array;
  readonly #cross: Float64Array;
  /** [d_sae, BINS] */
  readonly #histograms: Uint32Array;
  readonly #top: KeptContexts;
  readonly #sampled: KeptContexts;
  /** Of each latent the last firing in the row at hand, −1 before its first: firings of a row are chained. */
  readonly #lastInRow: Int32Array;
  /** Firings in the document at hand. */
  readonly #inDocument: Uint32Array;
  #documentLatents: number[] = [];
  #document: number | undefined;
  #documentTokens = 0;
  #tokensOfRow = 0;
  /** Rows seen so far. */
  rows = 0;
  tokens = 0;
  /** Documents (or rows) seen whole, and Σ over them of their squared number of tokens. */
  documents = 0;
  squaredTokens = 0;

  get d_sae(): number {
    return this.#fires.length;
  }

  constructor(options: EvidenceOptions) {
    const { d_sae, top, sampled, before, after } = options;
    this.#options = options;
    this.#histograms = new Uint32Array(d_sae * BINS);
    const width = before + 1 + after;
    this.#top = new KeptContexts(d_sae, { most: top, width, distinct: true });
    this.#sampled = new KeptContexts(d_sae, { most: sampled, width, distinct: false });
    this.#fires = new Uint32Array(d_sae);
    this.#documents = new Uint32Array(d_sae);
    this.#rows = new Uint32Array(d_sae);
    this.#sums = new Float64Array(d_sae);
    this.#largest = new Float32Array(d_sae);
    this.#squares = new Float64Array(d_sae);
    this.#cross = new Float64Array(d_sae);
    this.#lastInRow = new Int32Array(d_sae).fill(-1);
    this.#inDocument = new Uint32Array(d_sae);
  }

  add(seen: EncodedRows): void {
    const { rows, tokens, documents } = seen;
    this.#tokensOfRow = tokens;
    for (let row = 0; row < rows; row++) {
      cancellationPoint();
      const document = documents?.[row] ?? this.rows;
      if (document !== this.#document) this.#endDocument();
      this.#document = document;
      this.#documentTokens += tokens;
      this.#addRow(seen, row);
      this.rows++;
      this.tokens += tokens;
    }
  }

  /** To be called when all text was seen. */
  end(): void {
    this.#endDocument();
  }

  /** Latents that fired at least once, ascending. */
  alive(): number[] {
    const found: number[] = [];
    this.#fires.forEach((count, latent) => {
      if (count > 0) found.push(latent);
    });
    return found;
  }

  factsOf(latent: number): LatentFacts {
    const fires = this.#fires[latent]!;
    return {
      fires,
      documents: this.#documents[latent]!,
      rows: this.#rows[latent]!,
      mean: fires === 0 ? 0 : this.#sums[latent]! / fires,
      max: this.#largest[latent]!,
      squares: this.#squares[latent]!,
      cross: this.#cross[latent]!,
    };
  }

  /** [BINS] counts of its values where it fires. */
  histogramOf(latent: number): Uint32Array {
    return this.#histograms.subarray(latent * BINS, (latent + 1) * BINS);
  }

  /** The strongest first; of equal ones the earlier in the text. */
  topOf(latent: number): LatentContext[] {
    return this.#contexts(this.#top, latent);
  }

  /** Drawn at random, without those among the strongest; the strongest first. */
  sampledOf(latent: number): LatentContext[] {
    const rows = new Set(this.topOf(latent).map(({ row }) => row));
    return this.#contexts(this.#sampled, latent)
      .filter(({ row }) => !rows.has(row))
      .sort((a, b) => b.value - a.value || a.row - b.row);
  }

  #addRow(seen: EncodedRows, row: number): void {
    const { tokens, k, indices, values } = seen;
    const from = row * tokens * k;
    const to = from + tokens * k;
    /** The firing before of the same latent, by slot of the row. */
    const before = new Int32Array(tokens * k);
    const fired: number[] = [];
    for (let slot = from; slot < to; slot++) {
      const value = values[slot]!;
      if (!(value > 0)) continue;
      const latent = indices[slot]!;
      const last = this.#lastInRow[latent]!;
      if (last < 0) fired.push(latent);
      before[slot - from] = last;
      this.#lastInRow[latent] = slot - from;
      this.#fires[latent]!++;
      this.#sums[latent]! += value;
      this.#histograms[latent * BINS + binOf(value)]!++;
    }
    for (const latent of fired) this.#endRow(seen, row, latent, before);
  }

  /** Takes the firings of one latent in a row into account, and forgets their chain. */
  #endRow(seen: EncodedRows, row: number, latent: number, before: Int32Array): void {
    const { seed, before: behind } = this.#options;
    const { k, values, tokens } = seen;
    const chain: number[] = [];
    for (let slot = this.#lastInRow[latent]!; slot >= 0; slot = before[slot]!) chain.push(slot);
    this.#lastInRow[latent] = -1;
    const valueAt = (slot: number): number => values[row * tokens * k + slot]!;
    let peak = chain[0]!;
    for (const slot of chain) if (valueAt(slot) >= valueAt(peak)) peak = slot;
    const value = valueAt(peak);
    if (value > this.#largest[latent]!) this.#largest[latent] = value;
    this.#rows[latent]!++;
    if (this.#inDocument[latent] === 0) this.#documentLatents.push(latent);
    this.#inDocument[latent]! += chain.length;

    const position = Math.floor(peak / k);
    const firing: Firing = {
      row: this.rows,
      position,
      value,
      hash: () => this.#hashOf(seen, row, position),
      copy: (into) => {
        for (const slot of chain) {
          const place = Math.floor(slot / k) - position + behind;
          if (place >= 0 && place < into.length) into[place] = valueAt(slot);
        }
      },
    };
    this.#top.offer(latent, value, firing);
    this.#sampled.offer(latent, drawn(seed, this.rows, latent), firing);
  }

  /** Equal for stretches of the same tokens. */
  #hashOf({ ids, tokens }: EncodedRows, row: number, position: number): number {
    const { before, after } = this.#options;
    let hash = 0x811c9dc5;
    for (let i = Math.max(0, position - before); i <= Math.min(tokens - 1, position + after); i++)
      hash = mixed(hash, ids[row * tokens + i]!);
    return hash;
  }

  #contexts(kept: KeptContexts, latent: number): LatentContext[] {
    const { before } = this.#options;
    return kept.of(latent).map(({ row, position, value, values }) => {
      const cut = Math.max(0, before - position);
      const length = Math.min(values.length, this.#tokensOfRow - position + before) - cut;
      return {
        row,
        position,
        value,
        start: position - before + cut,
        values: values.slice(cut, cut + length),
      };
    });
  }

  #endDocument(): void {
    for (const latent of this.#documentLatents) {
      const count = this.#inDocument[latent]!;
      this.#documents[latent]!++;
      this.#squares[latent]! += count * count;
      this.#cross[latent]! += count * this.#documentTokens;
      this.#inDocument[latent] = 0;
    }
    if (this.#document !== undefined) this.documents++;
    this.squaredTokens += this.#documentTokens ** 2;
    this.#documentTokens = 0;
    this.#documentLatents = [];
    this.#document = undefined;
  }
}

/** Not math/random.ts: a stream for each row and latent would cost more than the encoding. */
function mixed(hash: number, word: number): number {
  let next = Math.imul(hash ^ word, 0x85ebca6b);
  next ^= next >>> 13;
  next = Math.imul(next, 0xc2b2ae35);
  return (next ^ (next >>> 16)) >>> 0;
}

/** A number in [0, 1) that a row and a latent always get under one seed, whatever the rows around. */
function drawn(seed: number, row: number, latent: number): number {
  return mixed(mixed(mixed(0x9e3779b9, seed), row), latent) / 2 ** 32;
}
