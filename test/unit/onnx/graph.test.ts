import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnavailableError, UserError } from '../../../runner/errors.ts';
import { executionProvider, listedDevices, parseDevice, parseDevices } from '../../../runner/onnx/devices.ts';
import { Graph } from '../../../runner/onnx/graph.ts';
import { float32, floatsOf, openSession } from '../../../runner/onnx/session.ts';

describe('programs', () => {
  it('run arithmetic on fed and constant tensors', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['n', 2]);
    const y = graph.node('Add', [graph.node('Mul', [x, graph.scalar(3)]), graph.floats([10, 20], [2])]);
    graph.output(y, 'y', 'float32', ['n', 2]);
    const session = await openSession(graph.program());
    const out = await session.run({ x: float32(Float32Array.from([1, 2, 3, 4]), [2, 2]) });
    expect([...floatsOf(out, 'y')]).toEqual([13, 26, 19, 32]);
    await session.close();
  });

  it('read weights where they lie, at an unaligned offset', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'interpboard-'));
    const bytes = new Uint8Array(3 + 16);
    bytes.set(new Uint8Array(Float32Array.from([1, 2, 3, 4]).buffer), 3);
    await writeFile(join(folder, 'w.bin'), bytes);
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['n', 2]);
    const w = graph.external('float32', [2, 2], { file: 'w.bin', offset: 3, length: 16 });
    expect(graph.external('float32', [2, 2], { file: 'w.bin', offset: 3, length: 16 })).toBe(w);
    graph.output(graph.node('Gemm', [x, w], { attributes: { transB: 1 } }), 'y', 'float32', ['n', 2]);
    const session = await openSession(graph.program(), { folder });
    const out = await session.run({ x: float32(Float32Array.from([1, 10]), [1, 2]) });
    expect([...floatsOf(out, 'y')]).toEqual([21, 43]);
    await session.close();
    await rm(folder, { recursive: true });
  });

  it('choose a branch by a condition', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', []);
    const branch = (name: string, factor: number) => {
      const inner = new Graph(`${name}_`);
      inner.output(inner.node('Mul', [x, inner.scalar(factor)]), `${name}_out`, 'float32', []);
      return inner.body();
    };
    const positive = graph.node('Greater', [x, graph.scalar(0)]);
    const y = graph.node('If', [positive], {
      attributes: { then_branch: branch('then', 2), else_branch: branch('else', -1) },
    });
    graph.output(y, 'y', 'float32', []);
    const session = await openSession(graph.program());
    for (const [value, expected] of [
      [3, 6],
      [-3, 3],
    ] as const) {
      const out = await session.run({ x: float32(Float32Array.of(value), []) });
      expect(floatsOf(out, 'y')[0]).toBe(expected);
    }
    await session.close();
  });

  it('fail as unavailable, in one line, when they cannot be loaded', async () => {
    const error = await openSession({ bytes: new Uint8Array(20), inputs: [], outputs: [] }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as Error).message).not.toContain('\n');
  });
});

describe('devices', () => {
  it('are read from the table', () => {
    expect(parseDevice('cpu')).toBe('cpu');
    expect(executionProvider(parseDevice('cuda'))).toEqual({ name: 'cuda', deviceId: 0, tf32: false });
    expect(executionProvider(parseDevice('cuda:3'))).toEqual({ name: 'cuda', deviceId: 3, tf32: false });
  });

  it('have TF32 where it is asked for by name, on CUDA alone', () => {
    expect(parseDevices('cuda+tf32,cuda:12+tf32')).toEqual(['cuda:0+tf32', 'cuda:12+tf32']);
    expect(executionProvider('cuda:12+tf32')).toEqual({ name: 'cuda', deviceId: 12, tf32: true });
    expect(() => parseDevice('cpu+tf32')).toThrow(/found "cpu\+tf32"; expected TF32 on CUDA alone/);
    expect(() => parseDevices('cuda:1,webgpu+tf32')).toThrow(/TF32 on CUDA alone/);
    // The same card.
    expect(() => parseDevices('cuda:1,cuda:1+tf32')).toThrow(/each once/);
  });

  it('of one run round alike, and those of the doctor as each is named', () => {
    for (const mixed of ['cuda:0+tf32,cuda:1', 'cuda:0,cuda:1,cuda:2+tf32'])
      expect(() => parseDevices(mixed)).toThrow(
        /some round to TF32 and some do not; .*Put \+tf32 behind every card/,
      );
    expect(parseDevices('cuda:0+tf32,cpu')).toEqual(['cuda:0+tf32', 'cpu']);
    expect(listedDevices('cuda:0+tf32,cuda:1')).toEqual(['cuda:0+tf32', 'cuda:1']);
  });

  it('list the valid names for an unknown one', () => {
    expect(() => parseDevice('tpu')).toThrow(UserError);
    expect(() => parseDevice('tpu')).toThrow(/cpu, webgpu, coreml, dml, cuda, cuda:N or cuda:N\+tf32/);
  });
});
