/** Every program that is built for a device: of each family, of SAEs, of training steps. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cosineProgram } from '../../../runner/evaluation/matching.ts';
import { activate, activationNames } from '../../../runner/lm/blocks/mlp.ts';
import { startBuild } from '../../../runner/lm/build.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import { familyOf } from '../../../runner/lm/families/index.ts';
import { readoutProgram } from '../../../runner/lm/readout.ts';
import { buildDivergence, buildSegments, segmentsOf } from '../../../runner/lm/segments.ts';
import { squareSumProgram } from '../../../runner/lm/square-sums.ts';
import type { Device } from '../../../runner/onnx/devices.ts';
import { Graph, type Precision, type Program } from '../../../runner/onnx/graph.ts';
import { type AttentionKernels, allKernels } from '../../../runner/onnx/kernels.ts';
import { contextProgram } from '../../../runner/sae/context-program.ts';
import { productProgram } from '../../../runner/sae/decoder-similarity.ts';
import { nearestProgram } from '../../../runner/sae/nearest-rows.ts';
import {
  centredProgram,
  decodeProgram,
  encodeProgram,
  inMemory,
  preProgram,
  pursuitProgram,
} from '../../../runner/sae/programs.ts';
import { type Sae, topKSae } from '../../../runner/sae/sae.ts';
import { rowsProgram } from '../../../runner/train/device-rows.ts';
import { squaresProgram } from '../../../runner/train/held-norms.ts';
import { emptyProgram, putProgram } from '../../../runner/train/held-rows.ts';
import { stepProgram } from '../../../runner/train/step-program.ts';
import { exportedSaes } from '../../fixtures/sae/exported-cases.ts';
import { conformanceCases } from '../train/conformance.ts';
import type { TableProvider } from './node-signatures.ts';

export interface BuiltProgram {
  name: string;
  program: Program;
}

const fixtures = fileURLToPath(new URL('../../fixtures/lm/', import.meta.url));

/** A vocabulary of more than one tile. */
const TILE = 20;

/** Of a device that has no attention of its own. */
export const noKernels: AttentionKernels = { full: false, windowed: false, softCapped: false };

/** @param kernels attention kernels that the device has right */
export async function languageModelPrograms(
  provider: TableProvider,
  kernels: AttentionKernels,
  precision: Precision = 'float32',
): Promise<BuiltProgram[]> {
  const device: Device = provider === 'cuda' ? 'cuda:0' : provider;
  const found: BuiltProgram[] = [];
  for (const name of readdirSync(fixtures)) {
    if (!existsSync(`${fixtures}${name}/config.json`)) continue;
    const checkpoint = await openCheckpoint(`${fixtures}${name}`);
    const family = familyOf(checkpoint);
    const hooks = Array.from({ length: family.blocks }, (_, layer) => ({
      layer,
      site: 'resid_post' as const,
    }));
    const segments = segmentsOf(family.blocks, hooks).map((segment) => ({ ...segment, device, kernels }));
    const options = { maxTokens: 64, tile: TILE, precision };
    const programs = [
      ...buildSegments(checkpoint, family, { ...options, segments, logits: true }),
      buildDivergence(checkpoint, family, { ...options, device }),
      readoutProgram(checkpoint, family, { most: 4, width: family.vocabulary, number: 0, provider }),
    ];
    programs.forEach((program, i) => {
      found.push({ name: `${name}, part ${i}`, program });
    });
  }
  const anywhere = await openCheckpoint(`${fixtures}tiny-f32`);
  for (const activation of activationNames) {
    const graph = new Graph('', { provider, precision });
    const build = startBuild(graph, anywhere, graph.int64s([1, 1]), 1, allKernels);
    const x = graph.input('x', precision, ['n', 8]);
    graph.output(activate(build, x, activation), 'y', precision, ['n', 8]);
    found.push({ name: `activation ${activation}`, program: graph.program() });
  }
  return found;
}

const square = (side: number) => ({ weight: new Float32Array(side * side), bias: new Float32Array(side) });
const temporalSae: Sae = {
  ...topKSae({
    d_in: 4,
    d_sae: 6,
    k: 2,
    W_enc: new Float32Array(24),
    W_dec: new Float32Array(24),
    b_enc: new Float32Array(6),
    b_dec: new Float32Array(4),
  }),
  context: { heads: 2, layers: [{ k: square(6), q: square(6), v: square(6), o: square(6) }] },
};

export function saePrograms(provider: TableProvider): BuiltProgram[] {
  const found = [...exportedSaes()].flatMap(([name, sae]): BuiltProgram[] =>
    Object.entries({
      ...(sae.architecture === 'matching_pursuit'
        ? { centred: centredProgram, step: pursuitProgram }
        : { encode: encodeProgram, pre: preProgram }),
      decode: decodeProgram,
    }).map(([what, make]) => ({
      name: `${name}, ${what}`,
      program: make(sae, inMemory(sae), provider),
    })),
  );
  const others = {
    'prediction of a temporal SAE': contextProgram(temporalSae, inMemory(temporalSae), provider),
    'nearest rows': nearestProgram(3, provider),
    'similar decoders': productProgram(provider),
    matching: cosineProgram(new Float32Array(8), 2, 4, provider),
  };
  return [...found, ...Object.entries(others).map(([name, program]) => ({ name, program }))];
}

/** Steps in the order of their cases, and then what brings activations to them. */
export function trainingPrograms(provider: TableProvider): BuiltProgram[] {
  const steps = conformanceCases.map(({ title, recipe, d_in }) => ({
    name: `step: ${title}`,
    program: stepProgram(recipe, d_in, provider),
  }));
  return [
    ...steps,
    { name: 'rows of a pass', program: rowsProgram(4, 3, true, provider) },
    { name: 'rows, empty', program: emptyProgram(8, 4, provider) },
    { name: 'rows, of a pass', program: putProgram(4, 3, provider) },
    { name: 'squares of tokens', program: squaresProgram(4, provider) },
    { name: 'sums of squares', program: squareSumProgram(4, provider) },
  ];
}
