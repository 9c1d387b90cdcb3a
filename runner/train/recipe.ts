import { z } from 'zod';
import { architectureNames, architectureOf, architectures, ownSettings } from './architectures/index.ts';
import { commonSettings } from './common-settings.ts';

const summaries = architectures.map(({ name, summary }) => `${name}: ${summary}`).join('; ');

/**
 * How one SAE is trained. The defaults are those of the reference release for a residual stream of 5,120 dimensions,
 * as it was run: its 2,048 tokens a step, and a cosine that reaches its floor after 48,828 steps. Settings that mean
 * nothing to the architecture stand at their defaults.
 */
export const recipe = z
  .strictObject({
    architecture: z.enum(architectureNames).default('topk').describe(`architecture; ${summaries}`),
    ...ownSettings,
    ...commonSettings,
  })
  .superRefine((value, context) => {
    const complain = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
    const bound = (field: 'learningRateFloor' | 'warmupSteps', limit: number, name: string): void => {
      if (value[field] > limit) complain(field, `expected at most ${name} (${limit})`);
    };
    for (const { setting, message } of architectureOf(value).check?.(value) ?? []) complain(setting, message);
    bound('learningRateFloor', value.learningRate, 'learningRate');
    bound('warmupSteps', value.scheduleSteps, 'scheduleSteps');
    if (value.unitNormDecoder && value.decoderInitNorm !== 1)
      complain('decoderInitNorm', 'expected 1 where unitNormDecoder scales rows to norm 1');
    if (value.adamMoments === 'bfloat16' && value.architecture !== 'topk')
      complain(
        'adamMoments',
        `expected float32: ${value.architecture} is trained by the graph, which keeps no others`,
      );
    const start = value.decayStartStep;
    if (start !== null && (start < value.warmupSteps || start >= value.scheduleSteps)) {
      complain(
        'decayStartStep',
        `expected a step from warmupSteps (${value.warmupSteps}) on, before scheduleSteps (${value.scheduleSteps})`,
      );
    }
  });

export type Recipe = z.infer<typeof recipe>;
