import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { whole } from '../sample.ts';
import { conformanceCases, TOLERANCE } from '../unit/train/conformance.ts';
import {
  howToEnable,
  isSoftware,
  runWithDevice,
  testedDevice,
  webgpuEnvironment,
} from './software-vulkan.ts';

const answer = z.record(
  z.string(),
  z.union([z.object({ worst: z.number(), where: z.string() }), z.object({ unsupported: z.string() })]),
);

/** Software devices take seconds to prepare each program, so they get these; a GPU gets all cases. */
const onSoftware = !whole
  ? ['no dead latents', 'dead below, at and above kAux']
  : [
      'no dead latents',
      'dead below, at and above kAux',
      'odd sizes: d 7, n 37, k 3, 31 tokens',
      'ties',
      'parallel gradient removed',
      'dead latents counted with the step',
      'BatchTopK',
      'Matryoshka',
    ];

if (!whole) console.info('a sample of the cases on software; all of them: npm run test:gpu');
const env = await webgpuEnvironment();
if (env === null) console.info(howToEnable);

test.skipIf(env === null)(
  'training steps on WebGPU, state resident and no operator on the CPU, follow the reference',
  async () => {
    const script = fileURLToPath(new URL('./training-device.ts', import.meta.url));
    const titles = isSoftware(env!) ? onSoftware : conformanceCases.map(({ title }) => title);
    const { stdout } = await runWithDevice(script, titles, env!);
    const found = answer.parse(JSON.parse(stdout));
    const width = Math.max(...titles.map((title) => title.length)) + 2;
    const lines = titles.map((title) => {
      const each = found[title]!;
      return title.padEnd(width) + ('worst' in each ? each.worst.toExponential(1) : 'not computed');
    });
    console.info(
      `graph on ${testedDevice}, largest relative difference from the reference\n${lines.join('\n')}`,
    );
    for (const title of titles) {
      const each = found[title]!;
      const { recipe } = conformanceCases.find((one) => one.title === title)!;
      if ('unsupported' in each) expect(recipe.deadCounting, title).toBe('with-step');
      else expect(each.worst, `${title}: ${each.where}`).toBeLessThan(TOLERANCE);
    }
  },
  1_800_000,
);
