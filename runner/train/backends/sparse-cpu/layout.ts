import { UnavailableError } from '../../../errors.ts';
import { type TensorName, tensorNames } from '../../../sae/sae.ts';
import type { Recipe } from '../../recipe.ts';

/** Rows are padded with zeros to a multiple of so many float32, so that no kernel has a tail. */
const ROW_MULTIPLE = 16;
/** Tokens, and latents, that are worked on as one: who does it may vary, how it is summed does not. */
export const CHUNK_TOKENS = 32;
export const CHUNK_LATENTS = 64;
/** Tokens whose product with the int8 encoder is made at once: as uint8 it stays in a cache. */
export const SCREEN_TOKENS = 512;
export const SCREEN_CHUNKS = SCREEN_TOKENS / CHUNK_TOKENS;
/** Latents whose candidates are computed as one. */
export const SCORE_LATENTS = 256;
/** Latents more than k that the float32 product is asked for at least: rounding can put some into another order. */
const MORE_OFFERED = 16;
/** What kernels/block.as.ts keeps behind a token's candidates. */
const SPARE_CANDIDATES = 4;
/** Columns of the int8 copies that hold the bias; kernels/quantise.as.ts counts on it. */
export const BIAS_COLUMNS = 16;
/** What WebAssembly's 32-bit addresses reach. */
const ADDRESSABLE = 2 ** 32;
const PAGE = 65_536;

/** The sizes of one SAE's step. */
export interface Sizes {
  tokens: number;
  latents: number;
  /** Of a token's row, padded. */
  width: number;
  /** Of a token's row in the outside world. */
  d_in: number;
  k: number;
  /** Of a value of Adam's moments of W_enc and W_dec: bfloat16 or float32. Those of the biases are float32. */
  momentBytes: 2 | 4;
}

/** Of int8 in full, and what pairs of products with uint8 can be of without leaving 16 bits: 2 · 255 · 64 < 2¹⁵. */
export const screenLimits = [127, 64] as const;
export type ScreenLimit = (typeof screenLimits)[number];

/** Where the screen's parts lie (kernels/quantise.as.ts, block.as.ts and select.as.ts say what they are): byte offsets. */
export interface ScreenLayout {
  /** uint8 [tokens, copyWidth] */
  tokenCopies: number;
  /** float32 [tokens, 4] */
  tokenFacts: number;
  /** int8 [copyWidth, copyStride], a column per latent */
  latentCopies: number;
  copyWidth: number;
  copyStride: number;
  /** Largest absolute value of the latents' integers. */
  limit: ScreenLimit;
  /** float32 [copyStride], 0 behind the latents */
  latentScales: number;
  /** float32 [latents] */
  latentNorms: number;
  latentLefts: number;
  /** uint8 [SCREEN_TOKENS, copyStride] */
  levels: number;
  /** Of one chunk of tokens, `scratchBytes` each. */
  scratch: number;
  scratchBytes: number;
  /** Of each token, the latents that the float32 product finds, and their values: int32 and float32 [tokens, offered]. */
  offered: number;
  offeredAt: number;
  offeredPre: number;
  /** Candidates that a token of a block has place for. */
  room: number;
  /** int32 [SCREEN_TOKENS] */
  counts: number;
  /** int32 [SCREEN_TOKENS, candidateBytes / 4]: latents, and their values. */
  candidates: number;
  keys: number;
  candidateBytes: number;
  /** Of one chunk of SCORE_LATENTS, `orderBytes` each. */
  orders: number;
  orderBytes: number;
}

/** Where everything of one SAE lies in its shared memory: byte offsets. Tensors are [rows, width]. */
export interface Layout extends Sizes {
  /** Each, of `strides` bytes, with its first and second moments behind it, of `momentStrides` each. W_enc lies transposed. */
  parameters: Record<TensorName, number>;
  strides: Record<TensorName, number>;
  momentStrides: Record<TensorName, number>;
  decoderGradient: number;
  encoderGradient: number;
  biasGradient: number;
  /** float32 [tokens, width] */
  centred: number;
  error: number;
  /** float32 [width] */
  mean: number;
  decoderBiasGradient: number;
  /** A row a chunk of tokens: of centred, later of error. */
  tokenSums: number;
  /** A row a chunk of latents: what b_dec's gradient gets through the encoder. */
  latentSums: number;
  /** float32 [tokens, 2]: ‖error‖², ‖centred − mean‖². */
  squares: number;
  /** [tokens, k]: int32 and float32. */
  at: number;
  pre: number;
  decoderShare: number;
  encoderShare: number;
  /** int32 [tokens · k] */
  order: number;
  /** int32 [latents + 1] */
  starts: number;
  /** A byte a latent: selected in this step; touched by AuxK in this step. */
  fired: number;
  auxiliary: number;
  /** float64, one a chunk. */
  results: number;
  /** float64 [controlNames]: what the current step is computed with. */
  controls: number;
  /** Null where addresses are short: the float32 product's latents are taken as they are. */
  screen: ScreenLayout | null;
  /** What is always there. Behind it AuxK has float32 [tokens, deadWidth], made when it is needed. */
  bytes: number;
}

/**
 * Of the current step: factor of the gradients, Adam's, seed of its moments' rounding; AuxK's row width and latents kept; of the screen what
 * kernels/select.as.ts calls so, and the first token of its block.
 */
export const controlNames = [
  'clip',
  'step',
  'epsilon',
  'seed',
  'deadWidth',
  'keep',
  'reach',
  'most',
  'mostLeft',
  'levelStep',
  'levelZero',
  'guess',
  'blockStart',
] as const;

export function sizesOf(
  { batchTokens, dSae, k, adamMoments }: Pick<Recipe, 'batchTokens' | 'dSae' | 'k' | 'adamMoments'>,
  d_in: number,
): Sizes {
  const momentBytes = adamMoments === 'bfloat16' ? 2 : 4;
  return { tokens: batchTokens, latents: dSae, width: padded(d_in), d_in, k, momentBytes };
}

/** Whether 32-bit addresses reach all of an SAE's state, AuxK over half of its latents included. */
export function addressable(recipe: Parameters<typeof sizesOf>[0], d_in: number): boolean {
  const sizes = sizesOf(recipe, d_in);
  return placed(sizes, null).bytes + 2 * sizes.tokens * padded(sizes.latents) <= ADDRESSABLE;
}

/**
 * @param limit of the screen's integers, null where no room is to be taken for it; it gives way where addresses are short
 * @throws UnavailableError when the SAE is too large for 32-bit addresses
 */
export function layoutOf(sizes: Sizes, limit: ScreenLimit | null): Layout {
  const wished = placed(sizes, limit);
  const layout = wished.bytes > ADDRESSABLE ? placed(sizes, null) : wished;
  if (layout.bytes > ADDRESSABLE) {
    throw new UnavailableError({
      thing: `training ${sizes.latents} latents of ${sizes.d_in} dimensions on backend sparse-cpu`,
      found: `${(layout.bytes / 2 ** 30).toFixed(1)} GiB of state`,
      expected: 'at most 4 GiB, what WebAssembly addresses',
      next: 'Use --backend graph.',
    });
  }
  return layout;
}

function placed(sizes: Sizes, limit: ScreenLimit | null): Layout {
  const { tokens, latents, width, k, momentBytes } = sizes;
  let bytes = 0;
  const take = (size: number): number => {
    const at = bytes;
    bytes += Math.ceil(size / 64) * 64;
    return at;
  };
  const rows = latents * width * 4;
  const strides = {
    W_enc: rows,
    W_dec: rows,
    b_enc: padded(latents) * 4,
    b_dec: width * 4,
  };
  const ofRows = (rows * momentBytes) / 4;
  const momentStrides = { ...strides, W_enc: ofRows, W_dec: ofRows };
  const tokenChunks = Math.ceil(tokens / CHUNK_TOKENS);
  const latentChunks = Math.ceil(latents / CHUNK_LATENTS);
  const parameters = Object.fromEntries(
    tensorNames.map((name) => [name, take(strides[name] + 2 * momentStrides[name])]),
  ) as Layout['parameters'];
  const layout: Layout = {
    ...sizes,
    parameters,
    strides,
    momentStrides,
    decoderGradient: take(rows),
    encoderGradient: take(rows),
    biasGradient: take(latents * 4),
    centred: take(tokens * width * 4),
    error: take(tokens * width * 4),
    mean: take(width * 4),
    decoderBiasGradient: take(width * 4),
    tokenSums: take(tokenChunks * width * 4),
    latentSums: take(latentChunks * width * 4),
    squares: take(tokens * 8),
    at: take(tokens * k * 4),
    pre: take(tokens * k * 4),
    decoderShare: take(tokens * k * 4),
    encoderShare: take(tokens * k * 4),
    order: take(tokens * k * 4),
    starts: take((latents + 1) * 4),
    fired: take(latents),
    auxiliary: take(latents),
    results: take(Math.max(tokenChunks, latentChunks, SCREEN_CHUNKS) * 8),
    controls: take(controlNames.length * 8),
    screen: limit === null ? null : screenPlaced(sizes, limit, take),
    bytes: 0,
  };
  layout.bytes = Math.ceil(bytes / PAGE) * PAGE;
  return layout;
}

function screenPlaced(sizes: Sizes, limit: ScreenLimit, take: (size: number) => number): ScreenLayout {
  const { tokens, latents, width } = sizes;
  const copyWidth = width + BIAS_COLUMNS;
  // A line of the cache more than a multiple of one, so that a column does not fall into one set. The int8 product computes
  // the padding's columns too.
  const copyStride = (Math.ceil(latents / 64) + 1) * 64;
  const scratchBytes = Math.ceil((3 * (latents + 8) + 256) / 16) * 64;
  const offered = Math.min(latents, sizes.k + Math.max(MORE_OFFERED, Math.ceil(sizes.k / 4)));
  const room = Math.min(latents, 2 * Math.ceil(mostComputed(sizes)));
  const candidateBytes = 4 * (room + SPARE_CANDIDATES);
  const orderBytes = 4 * (SCORE_LATENTS + 16 + SCREEN_TOKENS * (1 + Math.min(room, SCORE_LATENTS)));
  return {
    tokenCopies: take(tokens * copyWidth),
    tokenFacts: take(tokens * 16),
    latentCopies: take(copyWidth * copyStride),
    copyWidth,
    copyStride,
    limit,
    latentScales: take(copyStride * 4),
    latentNorms: take(latents * 4),
    latentLefts: take(latents * 4),
    levels: take(SCREEN_TOKENS * copyStride),
    scratch: take(Math.max(SCREEN_CHUNKS, Math.ceil(tokens / CHUNK_TOKENS)) * scratchBytes),
    scratchBytes,
    offered,
    offeredAt: take(tokens * offered * 4),
    offeredPre: take(tokens * offered * 4),
    room,
    counts: take(SCREEN_TOKENS * 4),
    candidates: take(SCREEN_TOKENS * candidateBytes),
    keys: take(SCREEN_TOKENS * candidateBytes),
    candidateBytes,
    orders: take(Math.ceil(latents / SCORE_LATENTS) * orderBytes),
    orderBytes,
  };
}

/**
 * Latents computed again for a token up to which screening is the cheaper way: fitted to the times of seven shapes on one
 * machine. It decides the cost alone.
 */
export function mostComputed({ latents, k }: Pick<Sizes, 'latents' | 'k'>): number {
  return 3 * k + latents / 24;
}

export function memoryFor({ bytes, tokens, latents }: Layout): WebAssembly.Memory {
  const most = bytes + 4 * tokens * padded(latents);
  return new WebAssembly.Memory({
    initial: bytes / PAGE,
    maximum: Math.ceil(Math.min(most, ADDRESSABLE) / PAGE),
    shared: true,
  });
}

/**
 * Room for AuxK over rows of `deadWidth`.
 *
 * @throws UnavailableError when 32-bit addresses do not reach so far
 */
export function makeRoom(memory: WebAssembly.Memory, { bytes, tokens }: Layout, deadWidth: number): void {
  const lacking = bytes + 4 * tokens * deadWidth - memory.buffer.byteLength;
  if (lacking <= 0) return;
  try {
    memory.grow(Math.ceil(lacking / PAGE));
  } catch (cause) {
    throw new UnavailableError(
      {
        thing: 'AuxK on backend sparse-cpu',
        found: `${((bytes + 4 * tokens * deadWidth) / 2 ** 30).toFixed(1)} GiB needed with its dead latents`,
        expected: 'at most 4 GiB, and that much free memory',
        next: 'Use --backend graph, or a smaller batch; the last checkpoint is intact.',
      },
      { cause },
    );
  }
}

/** The width of rows of so many values. */
export function padded(values: number): number {
  return Math.ceil(values / ROW_MULTIPLE) * ROW_MULTIPLE;
}
