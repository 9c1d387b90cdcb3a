import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../runner/onnx/graph.ts';
import { allKernels } from '../../../runner/onnx/kernels.ts';
import { shapeOperators } from '../../../runner/onnx/shape-operators.ts';
import { conformanceCases } from '../train/conformance.ts';
import {
  type BuiltProgram,
  languageModelPrograms,
  noKernels,
  saePrograms,
  trainingPrograms,
} from './built-programs.ts';
import { kernelTable } from './kernel-table.ts';
import { nodesOf, type TableProvider, tableProviders } from './node-signatures.ts';

const table = kernelTable.parse(
  JSON.parse(readFileSync(new URL('../../fixtures/kernels/kernels.json', import.meta.url), 'utf8')),
);

/** What a device may leave to the CPU; and Identity, which is taken out of programs when a session is made. */
const exempt = new Set([...shapeOperators, 'Identity']);

/** Of each operator that would fall to the CPU its signature and the first program that has it. */
function fallen(provider: TableProvider, programs: readonly BuiltProgram[]): string[] {
  const found = new Map<string, string>();
  for (const { name, program } of programs) {
    for (const { signature, operator } of nodesOf(program)) {
      const there = table[provider][signature];
      if (there === undefined)
        throw new RangeError(`${signature} (${name}): not asked yet; test/fixtures/kernels/make.ts asks`);
      if (!there && !exempt.has(operator) && !found.has(signature)) found.set(signature, name);
    }
  }
  return [...found].map(([signature, name]) => `${signature} (${name})`);
}

describe('of every program that is built for a device, no operator falls to the CPU', () => {
  it('the table is of the runtime that is used', () => {
    const { dependencies } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    ) as { dependencies: Record<string, string> };
    for (const provider of tableProviders)
      expect(table.onnxruntime[provider]).toBe(dependencies['onnxruntime-node']);
  });

  it('language models, on CUDA in float32: attention of plain operators, as the runtime’s own is not there', async () => {
    expect(fallen('cuda', await languageModelPrograms('cuda', noKernels))).toEqual([]);
    const own = fallen('cuda', await languageModelPrograms('cuda', allKernels));
    expect(own.length).toBeGreaterThan(0);
    expect(own.every((each) => each.includes('GroupQueryAttention('))).toBe(true);
  });

  it('language models, on WebGPU with the runtime’s attention and with plain operators', async () => {
    for (const kernels of [allKernels, noKernels])
      expect(fallen('webgpu', await languageModelPrograms('webgpu', kernels))).toEqual([]);
  });

  it.each(['bfloat16', 'float16'] as const)('language models, on CUDA in %s', async (precision) => {
    for (const kernels of [allKernels, noKernels])
      expect(fallen('cuda', await languageModelPrograms('cuda', kernels, precision))).toEqual([]);
  });

  it('language models, on WebGPU in float16; of bfloat16 it has nothing', async () => {
    expect(fallen('webgpu', await languageModelPrograms('webgpu', noKernels, 'float16'))).toEqual([]);
    const programs = await languageModelPrograms('webgpu', noKernels, 'float16');
    expect(programs.length).toBeGreaterThan(50);
    const halves = Object.entries(table.webgpu).filter(([signature]) => signature.includes('bfloat16'));
    expect(halves.some(([, there]) => there)).toBe(false);
  });

  it.each(tableProviders)('SAEs, on %s', (provider) => {
    expect(fallen(provider, saePrograms(provider))).toEqual([]);
  });

  it('training steps, on CUDA', () => {
    expect(fallen('cuda', trainingPrograms('cuda'))).toEqual([]);
  });

  it('training steps, on WebGPU, but for dead latents that are counted with the step, which are refused there', () => {
    const programs = trainingPrograms('webgpu');
    const counted = (i: number): boolean => {
      const recipe = conformanceCases[i]?.recipe ?? {};
      return 'deadCounting' in recipe && recipe.deadCounting === 'with-step';
    };
    expect(
      fallen(
        'webgpu',
        programs.filter((_, i) => !counted(i)),
      ),
    ).toEqual([]);
    expect(
      fallen(
        'webgpu',
        programs.filter((_, i) => counted(i)),
      ).length,
    ).toBeGreaterThan(0);
  });

  it('no reduction is left to cuDNN, which is not fetched', async () => {
    const programs = [
      ...(await languageModelPrograms('cuda', noKernels)),
      ...saePrograms('cuda'),
      ...trainingPrograms('cuda'),
    ];
    const operators = new Set(programs.flatMap(({ program }) => nodesOf(program).map((use) => use.operator)));
    expect(operators.has('ReduceSum')).toBe(true);
    for (const name of ['ReduceMax', 'ReduceMin', 'ReduceL2', 'ReduceLogSumExp', 'ReduceProd'])
      expect(operators.has(name)).toBe(false);
  });

  it('no training step on CUDA adds all of a matrix at once, which it does in another order each time', () => {
    const added = trainingPrograms('cuda')
      .filter(({ name }) => name.startsWith('step: '))
      .flatMap(({ program }) => nodesOf(program))
      .filter(({ operator }) => operator.startsWith('Reduce'));
    expect(added.length).toBeGreaterThan(0);
    for (const { operator, constants } of added)
      expect([operator, constants[1]?.dims]).toEqual([operator, [1]]);
  });

  it('indices as many as the numbers of a matrix are of 32 bits in training steps: of 64 they outgrow it', () => {
    const added = trainingPrograms('cuda')
      .flatMap(({ program }) => nodesOf(program))
      .filter(
        ({ operator, attributes }) =>
          operator === 'ScatterElements' &&
          attributes.some(({ name }) => name === 'reduction') &&
          attributes.some(({ name, i }) => name === 'axis' && i === 1),
      );
    expect(added.length).toBeGreaterThan(0);
    expect(new Set(added.map(({ inputs }) => inputs[1]))).toEqual(new Set(['int32']));
  });

  it('what CUDA computes of 16 bits step by step, rounding each, is computed in float32', async () => {
    // By activations_impl.cu of the provider; PyTorch computes each in float32.
    const stepwise = [
      'Elu',
      'Gelu',
      'HardSigmoid',
      'Mish',
      'Selu',
      'Sigmoid',
      'Softplus',
      'Softsign',
      'Swish',
    ];
    const programs = (
      await Promise.all(
        [allKernels, noKernels].map((kernels) => languageModelPrograms('cuda', kernels, 'bfloat16')),
      )
    ).flat();
    const uses = programs
      .flatMap(({ program }) => nodesOf(program))
      .filter((use) => stepwise.includes(use.operator));
    expect(new Set(uses.map(({ operator }) => operator))).toEqual(
      new Set(['Gelu', 'HardSigmoid', 'Sigmoid', 'Softplus']),
    );
    expect(new Set(uses.map(({ inputs }) => inputs[0]))).toEqual(new Set(['float32']));
  });

  it('an operator that no provider was asked for is an error', () => {
    const graph = new Graph();
    const x = graph.input('x', 'int32', ['n']);
    const clipped = graph.node('Clip', [x, graph.int32s([0], []), graph.int32s([3], [])]);
    graph.output(clipped, 'y', 'int32', ['n']);
    expect(() => fallen('cuda', [{ name: 'clip', program: graph.program() }])).toThrow(
      /Clip\(int32, int32, int32\) \(clip\): not asked/,
    );
  });
});
