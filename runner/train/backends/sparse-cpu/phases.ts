/** The parts of a step that threads share. Each is a number of chunks; every thread takes the next one until none is left. */
import type { Recipe } from '../../recipe.ts';
import type { Kernels } from './kernels.ts';
import {
  BIAS_COLUMNS,
  CHUNK_LATENTS,
  CHUNK_TOKENS,
  controlNames,
  type Layout,
  SCORE_LATENTS,
  SCREEN_CHUNKS,
  SCREEN_TOKENS,
  type ScreenLayout,
} from './layout.ts';

export const phases = [
  'centre',
  'quantise-tokens',
  'quantise-latents',
  'nominate',
  'score',
  'choose',
  'refine',
  'decode',
  'keep',
  'collect',
  'update',
] as const;
export type Phase = (typeof phases)[number];

export type Settings = Pick<
  Recipe,
  'adamBeta1' | 'adamBeta2' | 'unitNormDecoder' | 'removeParallelGradient'
> & {
  /** What ‖error‖² summed over the batch is multiplied by in the loss. */
  lossWeight: number;
};

/** One SAE as a thread sees it. */
export interface Workplace {
  kernels: Kernels;
  memory: WebAssembly.Memory;
  layout: Layout;
  settings: Settings;
}

export function chunksOf(phase: Phase, { tokens, latents }: Layout): number {
  switch (phase) {
    case 'nominate':
    case 'choose':
      return SCREEN_CHUNKS;
    case 'score':
      return Math.ceil(latents / SCORE_LATENTS);
    case 'centre':
    case 'quantise-tokens':
    case 'refine':
    case 'decode':
    case 'keep':
      return Math.ceil(tokens / CHUNK_TOKENS);
    case 'quantise-latents':
    case 'collect':
    case 'update':
      return Math.ceil(latents / CHUNK_LATENTS);
    default:
      return phase satisfies never;
  }
}

/** @param claim gives every chunk's number to one thread, then numbers past the last */
export function work(phase: Phase, place: Workplace, claim: () => number): void {
  const { kernels, memory, layout, settings } = place;
  const { width, k, tokens, latents, parameters, strides, momentBytes } = layout;
  const results = new Float64Array(memory.buffer, layout.results);
  const { clip, step, epsilon, seed, deadWidth, keep, ...screening } = controlsOf(place);
  const row = width * 4;
  const chunks = chunksOf(phase, layout);
  for (let chunk = claim(); chunk < chunks; chunk = claim()) {
    switch (phase) {
      case 'centre': {
        const from = chunk * CHUNK_TOKENS;
        const count = Math.min(CHUNK_TOKENS, tokens - from);
        results[chunk] = kernels.centre(
          layout.centred + from * row,
          parameters.b_dec,
          layout.tokenSums + chunk * row,
          count,
          width,
        );
        break;
      }
      case 'quantise-tokens': {
        const { tokenCopies, tokenFacts, copyWidth } = screenOf(layout);
        const from = chunk * CHUNK_TOKENS;
        results[chunk] = kernels.quantiseTokens(
          layout.centred + from * row,
          Math.min(CHUNK_TOKENS, tokens - from),
          width,
          screening.reach,
          tokenCopies + from * copyWidth,
          tokenFacts + from * 16,
        );
        break;
      }
      case 'quantise-latents': {
        const screen = screenOf(layout);
        const from = chunk * CHUNK_LATENTS;
        results[chunk] = kernels.quantiseLatents(
          from,
          Math.min(from + CHUNK_LATENTS, latents),
          width,
          parameters.W_enc,
          parameters.b_enc,
          1 / (BIAS_COLUMNS * screening.reach),
          screen.limit,
          screen.latentCopies,
          screen.copyStride,
          screen.latentScales,
          screen.latentNorms,
          screen.latentLefts,
        );
        break;
      }
      case 'nominate': {
        const screen = screenOf(layout);
        const inBlock = chunk * CHUNK_TOKENS;
        const from = screening.blockStart + inBlock;
        kernels.nominate(
          Math.max(0, Math.min(CHUNK_TOKENS, tokens - from)),
          latents,
          k,
          width,
          screen.levels + inBlock * screen.copyStride,
          screen.copyStride,
          screen.tokenFacts + from * 16,
          screen.latentNorms,
          screen.latentLefts,
          screening.most,
          screening.mostLeft,
          screening.levelStep,
          screening.levelZero,
          screening.guess,
          screen.room,
          screen.counts + inBlock * 4,
          screen.candidates + inBlock * screen.candidateBytes,
          screen.scratch + chunk * screen.scratchBytes,
        );
        break;
      }
      case 'score': {
        const screen = screenOf(layout);
        const from = chunk * SCORE_LATENTS;
        kernels.score(
          from,
          Math.min(from + SCORE_LATENTS, latents),
          Math.min(SCREEN_TOKENS, tokens - screening.blockStart),
          width,
          layout.centred + screening.blockStart * row,
          parameters.W_enc,
          parameters.b_enc,
          screen.room,
          screen.counts,
          screen.candidates,
          screen.keys,
          screen.orders + chunk * screen.orderBytes,
        );
        break;
      }
      case 'choose': {
        const screen = screenOf(layout);
        const inBlock = chunk * CHUNK_TOKENS;
        const from = screening.blockStart + inBlock;
        results[chunk] = kernels.choose(
          Math.max(0, Math.min(CHUNK_TOKENS, tokens - from)),
          latents,
          k,
          width,
          screen.levels + inBlock * screen.copyStride,
          screen.copyStride,
          layout.centred + from * row,
          screen.tokenFacts + from * 16,
          parameters.W_enc,
          parameters.b_enc,
          screen.latentNorms,
          screen.latentLefts,
          screening.most,
          screening.mostLeft,
          screening.levelStep,
          screening.levelZero,
          screening.guess,
          screen.room,
          screen.counts + inBlock * 4,
          screen.candidates + inBlock * screen.candidateBytes,
          screen.keys + inBlock * screen.candidateBytes,
          screen.scratch + chunk * screen.scratchBytes,
          layout.at + from * k * 4,
          layout.pre + from * k * 4,
        );
        break;
      }
      case 'refine': {
        const screen = screenOf(layout);
        const from = chunk * CHUNK_TOKENS;
        kernels.refine(
          Math.min(CHUNK_TOKENS, tokens - from),
          latents,
          k,
          width,
          screen.offered,
          screen.offeredAt + from * screen.offered * 4,
          screen.offeredPre + from * screen.offered * 4,
          layout.centred + from * row,
          screen.tokenFacts + from * 16,
          parameters.W_enc,
          parameters.b_enc,
          screening.most,
          screen.scratch + chunk * screen.scratchBytes,
          layout.at + from * k * 4,
          layout.pre + from * k * 4,
        );
        break;
      }
      case 'decode': {
        const from = chunk * CHUNK_TOKENS;
        results[chunk] = kernels.decode(
          from,
          Math.min(from + CHUNK_TOKENS, tokens),
          k,
          width,
          layout.at,
          layout.pre,
          parameters.W_dec,
          layout.centred,
          layout.mean,
          layout.error,
          layout.tokenSums + chunk * row,
          layout.squares,
          layout.decoderShare,
          layout.encoderShare,
          layout.fired,
          2 * settings.lossWeight,
        );
        break;
      }
      case 'keep': {
        const from = chunk * CHUNK_TOKENS;
        const count = Math.min(CHUNK_TOKENS, tokens - from);
        kernels.keepLargest(layout.bytes + from * deadWidth * 4, count, deadWidth, keep);
        break;
      }
      case 'collect': {
        const from = chunk * CHUNK_LATENTS;
        results[chunk] = kernels.collect(
          from,
          Math.min(from + CHUNK_LATENTS, latents),
          k,
          width,
          layout.starts,
          layout.order,
          layout.decoderShare,
          layout.encoderShare,
          layout.error,
          layout.centred,
          parameters.W_dec,
          parameters.W_enc,
          layout.auxiliary,
          layout.decoderGradient,
          layout.encoderGradient,
          layout.biasGradient,
          layout.latentSums + chunk * row,
          settings.removeParallelGradient ? 1 : 0,
        );
        break;
      }
      case 'update': {
        const from = chunk * CHUNK_LATENTS;
        kernels.update(
          from,
          Math.min(from + CHUNK_LATENTS, latents),
          width,
          layout.starts,
          layout.auxiliary,
          parameters.W_dec,
          parameters.W_enc,
          parameters.b_enc,
          strides.W_dec,
          strides.b_enc,
          layout.decoderGradient,
          layout.encoderGradient,
          layout.biasGradient,
          settings.unitNormDecoder ? 1 : 0,
          clip,
          settings.adamBeta1,
          1 - settings.adamBeta1,
          settings.adamBeta2,
          1 - settings.adamBeta2,
          step,
          epsilon,
          momentBytes === 2 ? 1 : 0,
          seed,
        );
        break;
      }
      default:
        phase satisfies never;
    }
  }
}

/** What the current step is computed with, by name. */
function controlsOf({ memory, layout }: Workplace): Record<(typeof controlNames)[number], number> {
  const values = new Float64Array(memory.buffer, layout.controls, controlNames.length);
  return Object.fromEntries(controlNames.map((name, i) => [name, values[i]!])) as ReturnType<
    typeof controlsOf
  >;
}

function screenOf({ screen }: Layout): ScreenLayout {
  if (screen === null) throw new RangeError('this SAE has no room for a screen');
  return screen;
}
