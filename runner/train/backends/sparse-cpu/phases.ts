/** The parts of a step that threads share. Each is a number of chunks; every thread takes the next one until none is left. */
import type { StepRecipe } from '../../recipe.ts';
import type { Kernels } from './kernels.ts';
import { CHUNK_LATENTS, CHUNK_TOKENS, controlNames, type Layout } from './layout.ts';

export const phases = ['centre', 'decode', 'keep', 'collect', 'update'] as const;
export type Phase = (typeof phases)[number];

export type Settings = Pick<
  StepRecipe,
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
    case 'centre':
    case 'decode':
    case 'keep':
      return Math.ceil(tokens / CHUNK_TOKENS);
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
  const { width, k, tokens, latents, parameters, strides } = layout;
  const results = new Float64Array(memory.buffer, layout.results);
  const controls = new Float64Array(memory.buffer, layout.controls, controlNames.length);
  const [clip, step, epsilon, deadWidth, keep] = controls as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const row = width * 4;
  const chunks = chunksOf(phase, layout);
  for (let chunk = claim(); chunk < chunks; chunk = claim()) {
    switch (phase) {
      case 'centre': {
        const from = chunk * CHUNK_TOKENS;
        const count = Math.min(CHUNK_TOKENS, tokens - from);
        kernels.centre(
          layout.centred + from * row,
          parameters.b_dec,
          layout.tokenSums + chunk * row,
          count,
          width,
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
        );
        break;
      }
      default:
        phase satisfies never;
    }
  }
}
