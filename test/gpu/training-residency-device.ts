/**
 * Run in a process with a device: what passes to it and back for each token of training, with activations that stay there and with those
 * that pass through the host, and the SAEs that come of both, as JSON. Argument: a folder that runs go into.
 */
import { join } from 'node:path';
import { resolveRun } from '../../runner/config/resolve.ts';
import { demoModelFolder } from '../../runner/demo/index.ts';
import { stampOf } from '../../runner/job/release/resume-stamp.ts';
import { trainStage } from '../../runner/job/run/train-stage.ts';
import { traffic, trafficSince } from '../../runner/onnx/traffic.ts';
import { saeSha256 } from '../../runner/sae/content-hash.ts';
import { testedDevice } from './software-vulkan.ts';

const BATCH = 64;
const [root, ...set] = process.argv.slice(2);
const config = await resolveRun(['small-world-quick'], {
  set: [
    `device=${testedDevice}`,
    'layers=[0,2]',
    'corpus.rowTokens=32',
    `sae.batchTokens=${BATCH}`,
    'sae.dSae=64',
    'sae.k=4',
    // No AuxK, whose dead latents go to the device with each step.
    'sae.alphaAux=0',
    'sae.biasInitSamples=64',
    `training.tokens=${6 * BATCH}`,
    'training.checkpointTokens=100000',
    ...set,
  ],
});

async function trained(name: string, hold: boolean | undefined) {
  const notes: string[] = [];
  let from = traffic();
  let given = 0;
  let taken = 0;
  const { saes, activations } = await trainStage(
    {
      config,
      shard: null,
      from: [],
      folder: join(root!, name),
      model: { folder: demoModelFolder, revision: null },
      memory: 2 ** 33,
      ...(hold === undefined ? {} : { hold }),
      stamp: (tokens) => ({ ...stampOf(config, { model: '' }, ''), tokens, seconds: 0 }),
    },
    {
      progress(tokens) {
        // From the first step to the last but one, where nothing else is read.
        if (tokens === BATCH) from = traffic();
        if (tokens !== 5 * BATCH) return;
        const passed = trafficSince(from);
        given = passed.given.bytes / (4 * BATCH);
        taken = passed.taken.bytes / (4 * BATCH);
      },
      note: (text) => notes.push(text),
      stopRequested: () => false,
    },
  );
  return { given, taken, activations, notes, saes: saes.map(({ sae }) => saeSha256(sae)) };
}

const here = await trained('held', undefined);
const byHost = await trained('host', false);
console.log(JSON.stringify({ here, byHost }));
