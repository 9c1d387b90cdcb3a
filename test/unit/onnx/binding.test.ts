import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../runner/errors.ts';
import { bindingNames, type NativeTensor, plainSettings } from '../../../runner/onnx/binding/binding.ts';
import { bindingOf } from '../../../runner/onnx/binding/choose.ts';
import { type ElementType, Graph, type Program } from '../../../runner/onnx/graph.ts';
import {
  float32,
  floatsOf,
  type HeldTensor,
  type HostTensor,
  int32,
  openHoldingSession,
  openSession,
} from '../../../runner/onnx/session.ts';

const available = `${process.platform}-${process.arch}` === 'linux-x64';

/** y = x, and for numbers y = x + 1. */
function program(type: ElementType, add: boolean): Program {
  const graph = new Graph();
  const x = graph.input('x', type, ['n', 2]);
  graph.output(add ? graph.node('Add', [x, graph.scalar(1)]) : x, 'y', type, ['n', 2]);
  return graph.program();
}

const tensors: HostTensor[] = [
  { type: 'float32', dims: [2, 2], data: Float32Array.of(1.5, -0, Number.NaN, Number.NEGATIVE_INFINITY) },
  { type: 'int32', dims: [2, 2], data: Int32Array.of(1, -1, 2 ** 31 - 1, -(2 ** 31)) },
  { type: 'int64', dims: [2, 2], data: BigInt64Array.of(1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)) },
  { type: 'bool', dims: [2, 2], data: Uint8Array.of(1, 0, 0, 1) },
  { type: 'uint8', dims: [2, 2], data: Uint8Array.of(0, 1, 128, 255) },
  { type: 'int8', dims: [2, 2], data: Int8Array.of(0, 1, -128, 127) },
  { type: 'float16', dims: [2, 2], data: Uint16Array.of(0x3c00, 0x8000, 0x7c00, 0x0001) },
  { type: 'bfloat16', dims: [2, 2], data: Uint16Array.of(0x3f80, 0x8000, 0x7f80, 0x0001) },
];

/** Runs aside, as those on CUDA are, are tried on the CPU. */
const ways = [
  ...bindingNames.map((binding) => ({ way: `${binding}`, binding, aside: false })),
  { way: 'c-api, aside', binding: 'c-api', aside: true },
] as const;

describe.each(ways)('the runtime by $way', ({ binding, aside }) => {
  const there = binding === 'package' || available;
  if (!there) console.info('the C API is tried on Linux x64 alone');

  describe.skipIf(!there)('gives', () => {
    it.each(tensors)('$type as it was, by the host and by what it holds', async (x) => {
      const asked = openHoldingSession(program(x.type, false), { binding, aside }, ['y']);
      if (binding === 'package' && x.data instanceof Uint16Array) {
        await expect(asked).rejects.toThrow(UnavailableError);
        return;
      }
      const [holding, plain] = [await asked, await openSession(program(x.type, false), { binding, aside })];
      const { host, held } = await holding.run({ x });
      expect(host).toEqual({});
      expect(held.y!.description()).toEqual({ elements: x.type, dims: [2, 2] });
      expect(await held.y!.read()).toEqual(x);
      const { y } = await plain.run({ x: held.y! });
      expect(y).toEqual(x);
      await plain.close();
      await holding.close();
    });

    it('empty tensors, and parts of an array', async () => {
      const session = await openSession(program('float32', true), { binding, aside });
      const y = floatsOf(await session.run({ x: float32(new Float32Array(0), [0, 2]) }), 'y');
      expect(y).toEqual(new Float32Array(0));
      const long = Float32Array.of(1, 2, 3, 4, 5, 6);
      const part = await session.run({ x: float32(long.subarray(2, 4), [1, 2]) });
      expect(part.y).toEqual(float32(Float32Array.of(4, 5), [1, 2]));
      expect([...long]).toEqual([1, 2, 3, 4, 5, 6]);
      await session.close();
    });

    it('memory that threads share: read from it, and written to it', async () => {
      const session = await openSession(program('float32', true), { binding });
      const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
      const all = new Float32Array(buffer, 0, 8).fill(5);
      const y = float32(all.subarray(4, 6), [1, 2]);
      const outputs = await session.run({ x: float32(all.subarray(0, 2), [1, 2]) }, undefined, { y });
      expect(outputs.y).toBe(y);
      expect([...all]).toEqual([5, 5, 5, 5, 6, 6, 5, 5]);
      await session.close();
    });

    it('no output where there is too little room for it, of another shape or of another type', async () => {
      const session = await openSession(program('float32', true), { binding });
      const x = float32(new Float32Array(2), [1, 2]);
      const into = (y: HostTensor) => session.run({ x }, undefined, { y });
      await expect(into(float32(new Float32Array(1), [1, 2]))).rejects.toThrow(
        'output y: 1 numbers, expected [1, 2]',
      );
      const four = new Float32Array(4).fill(7);
      await expect(into(float32(four, [2, 2]))).rejects.toThrow();
      expect([...four]).toEqual([7, 7, 7, 7]);
      await expect(into(int32(new Int32Array(2), [1, 2]))).rejects.toThrow();
      await session.close();
    });

    it('arrays that are the host’s own: given away, or changed, they change nothing', async () => {
      const session = await openHoldingSession(program('float32', true), { binding, aside }, ['y']);
      const x = Float32Array.of(1, 2);
      const { held } = await session.run({ x: float32(x, [1, 2]) });
      x.fill(9);
      const first = floatsOf({ y: await held.y!.read() }, 'y');
      expect([...first]).toEqual([2, 3]);
      held.y!.dispose();
      await session.close();
      expect([...first]).toEqual([2, 3]);
      expect(structuredClone(first, { transfer: [first.buffer] })).toHaveLength(2);
    });

    it('a tensor that it holds, some of whose rows are written anew', async () => {
      const graph = new Graph();
      const x = graph.input('x', 'float32', [3, 2]);
      const rows = graph.input('rows', 'int64', ['n', 1]);
      const written = graph.node('ScatterND', [x, rows, graph.input('values', 'float32', ['n', 2])]);
      graph.output(written, 'y', 'float32', [3, 2]);
      const session = await openHoldingSession(graph.program(), { binding, aside }, ['y']);
      const put = (row: number, values: number[]) => ({
        rows: { type: 'int64', dims: [1, 1], data: BigInt64Array.of(BigInt(row)) } as const,
        values: float32(Float32Array.from(values), [1, 2]),
      });
      const first = await session.run({ ...put(1, [1, 2]), x: float32(new Float32Array(6), [3, 2]) });
      const all = first.held.y!;
      for (const [row, values] of [
        [2, [3, 4]],
        [1, [5, 6]],
      ] as const) {
        const { held } = await session.run({ ...put(row, [...values]), x: all }, undefined, { y: all });
        expect(held.y).toBe(all);
      }
      expect([...floatsOf({ y: await all.read() }, 'y')]).toEqual([0, 0, 5, 6, 3, 4]);
      const plain = await openSession(program('float32', false), { binding, aside });
      expect([...floatsOf(await plain.run({ x: all }), 'y')]).toEqual([0, 0, 5, 6, 3, 4]);
      await plain.close();
      all.dispose();
      await expect(
        session.run({ ...put(0, [1, 1]), x: float32(new Float32Array(6), [3, 2]) }, undefined, { y: all }),
      ).rejects.toThrow('tensor y: used after its release');
      await session.close();
    });

    it('of several outputs those that are asked for', async () => {
      const graph = new Graph();
      const x = graph.input('x', 'float32', [2]);
      for (const [i, name] of ['a', 'b', 'c'].entries())
        graph.output(graph.node('Mul', [x, graph.scalar(i)]), name, 'float32', [2]);
      const session = await openHoldingSession(graph.program(), { binding, aside }, ['b']);
      const feeds = { x: float32(Float32Array.of(3, 4), [2]) };
      const some = await session.run(feeds, ['c', 'b']);
      expect(Object.keys(some.host)).toEqual(['c']);
      expect([...floatsOf(some.host, 'c')]).toEqual([6, 8]);
      expect([...floatsOf({ b: await some.held.b!.read() }, 'b')]).toEqual([3, 4]);
      const all = await session.run(feeds);
      expect(Object.keys(all.host)).toEqual(['a', 'c']);
      await session.close();
    });

    it('the same from several sessions at once', async () => {
      const sessions = await Promise.all(
        Array.from({ length: 8 }, () =>
          openSession(program('float32', true), { binding, aside, threads: 2 }),
        ),
      );
      const found = await Promise.all(
        sessions.flatMap((session, i) =>
          Array.from({ length: 20 }, (_, j) =>
            session.run({ x: float32(Float32Array.of(i, j), [1, 2]) }).then((all) => floatsOf(all, 'y')),
          ),
        ),
      );
      expect(found.map((each) => [...each])).toEqual(
        sessions.flatMap((_, i) => Array.from({ length: 20 }, (_, j) => [i + 1, j + 1])),
      );
      await Promise.all(sessions.map((session) => session.close()));
    });

    it('the same in worker threads, which may end with sessions open', async () => {
      const body = new URL('./binding-worker.ts', import.meta.url);
      const ended = Array.from(
        { length: 3 },
        (_, seed) =>
          new Promise<number[]>((resolve, reject) => {
            let found: number[] = [];
            const worker = new Worker(body, { workerData: { binding, aside, seed } });
            worker.on('message', (message: number[]) => {
              found = message;
            });
            worker.on('error', reject);
            worker.on('exit', () => resolve(found));
          }),
      );
      expect(await Promise.all(ended)).toEqual([0, 1, 2].map((seed) => [seed + 50, seed + 51]));
    });

    it('its state from step to step, and frees each one', async () => {
      const session = await openHoldingSession(program('float32', true), { binding, aside }, ['y']);
      let x: HostTensor | HeldTensor = float32(new Float32Array(2), [1, 2]);
      for (let step = 0; step < 100; step++) {
        const { y }: Record<string, HeldTensor> = (await session.run({ x })).held;
        if (x.type === 'held') x.dispose();
        x = y!;
      }
      expect([...floatsOf({ y: await (x as HeldTensor).read() }, 'y')]).toEqual([100, 100]);
      await session.close();
    });
  });

  describe.skipIf(!there)('refuses', () => {
    const wrong = async (x: HostTensor | HeldTensor): Promise<Error> => {
      const session = await openSession(program('float32', true), { binding, aside });
      const error = await session.run({ x }).then(
        () => new Error('it ran'),
        (caught: Error) => caught,
      );
      // It is still of use.
      expect(floatsOf(await session.run({ x: float32(Float32Array.of(1, 2), [1, 2]) }), 'y')[1]).toBe(3);
      await session.close();
      return error;
    };

    it('a program that is none, or has an operator that is none', async () => {
      const graph = new Graph();
      graph.output(graph.node('NoSuchOperator', [graph.input('x', 'float32', [])]), 'y', 'float32', []);
      for (const each of [{ bytes: new Uint8Array(20), inputs: [], outputs: [] }, graph.program()]) {
        const error = await openSession(each, { binding, aside }).catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(UnavailableError);
        expect((error as Error).message).not.toContain('\n');
      }
      await expect(openSession(graph.program(), { binding, aside })).rejects.toThrow(/NoSuchOperator/);
    });

    it('another type, and dimensions that the program does not have', async () => {
      expect((await wrong(int32(new Int32Array(2), [1, 2]))).message).toMatch(
        /tensor\(int32\).*tensor\(float\)/,
      );
      expect((await wrong(float32(new Float32Array(3), [1, 3]))).message).toMatch(
        /index: 1 Got: 3 Expected: 2/,
      );
      expect((await wrong(float32(new Float32Array(2), [2]))).message).toMatch(/rank.*Got: 1 Expected: 2/i);
    });

    it('numbers that are not as many as the dimensions say, and an array that was given away', async () => {
      expect((await wrong(float32(new Float32Array(1), [1, 2]))).message).toContain(
        '1 numbers, expected [1, 2]',
      );
      const gone = new Float32Array(2);
      gone.buffer.transfer(0);
      expect((await wrong(float32(gone, [1, 2]))).message).toContain('0 numbers, expected [1, 2]');
      const other = { type: 'float32', dims: [1, 2], data: new Int32Array(2) } as unknown as HostTensor;
      expect((await wrong(other)).message).toBe('input x: not an array of float32');
    });

    it('names that the program does not have', async () => {
      const session = await openSession(program('float32', true), { binding, aside });
      const x = float32(new Float32Array(2), [1, 2]);
      await expect(session.run({ z: x })).rejects.toThrow('input x: not given');
      await expect(session.run({ x }, ['z'])).rejects.toThrow('output z: not of this program, which has y');
      await session.close();
    });

    it('what has been released: a tensor, those of a session that is closed, and the session', async () => {
      const session = await openHoldingSession(program('float32', true), { binding, aside }, ['y']);
      const x = float32(new Float32Array(2), [1, 2]);
      const [first, second] = [(await session.run({ x })).held.y!, (await session.run({ x })).held.y!];
      first.dispose();
      first.dispose();
      await expect(session.run({ x: first })).rejects.toThrow('tensor y: used after its release');
      await expect(first.read()).rejects.toThrow('tensor y: used after its release');
      // Asked for and released before it runs.
      const late = session.run({ x: second });
      second.dispose();
      await expect(late).rejects.toThrow('tensor y: used after its release');
      const third = (await session.run({ x })).held.y!;
      const going = session.run({ x });
      const closing = session.close();
      await expect(going).rejects.toThrow('after it was closed');
      await closing;
      await session.close();
      await expect(third.read()).rejects.toThrow('tensor y: used after its release');
      await expect(session.run({ x })).rejects.toThrow('after it was closed');
      expect((await wrong(third)).message).toBe('tensor y: used after its release');
    });
  });
});

/** A product of matrices that takes some milliseconds. */
function slowProgram(): Program {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [512, 512]);
  let y = x;
  for (let i = 0; i < 8; i++) y = graph.node('MatMul', [y, x]);
  graph.output(y, 'y', 'float32', [512, 512]);
  return graph.program();
}

describe.skipIf(!available)('a run aside', () => {
  const x = float32(new Float32Array(512 * 512).fill(1 / 512), [512, 512]);

  it('leaves its thread to others, gives the same bits, and its session one run at a time', async () => {
    const [plain, away] = [
      await openSession(slowProgram(), { binding: 'c-api', threads: 1 }),
      await openSession(slowProgram(), { binding: 'c-api', threads: 1, aside: true }),
    ];
    const expected = await plain.run({ x });
    let [turns, going] = [0, true];
    const turn = (): void => {
      turns++;
      if (going) setImmediate(turn);
    };
    const runs = Promise.all([1, 2, 3].map(() => away.run({ x })));
    // After the turn that every run begins with.
    setTimeout(turn, 1);
    const found = await runs;
    going = false;
    expect(found).toEqual([expected, expected, expected]);
    // One for each run is what there is where runs keep the thread.
    expect(turns).toBeGreaterThan(20);
    await plain.close();
    await away.close();
  });

  it('goes on to its end where its thread ends meanwhile', async () => {
    const body = new URL('./aside-worker.ts', import.meta.url);
    const codes = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise((resolve, reject) => {
            const worker = new Worker(body);
            worker.on('error', reject);
            worker.on('exit', resolve);
          }),
      ),
    );
    expect(codes).toEqual([7, 7, 7]);
  });
});

it.skipIf(!available)(
  'parts of what is held are its memory in another shape, from any number on',
  async () => {
    const binding = await bindingOf('c-api');
    const session = await binding.open(program('float32', true), { ...plainSettings, held: ['y'] });
    const x = float32(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    const y = (await session.run(() => new Map([['x', x]]), ['y'])).get('y') as NativeTensor;
    const [all, some] = [y.part!(0, [2, 3])!, y.part!(2, [1, 2])!];
    expect(all.read()).toEqual(float32(Float32Array.of(2, 3, 4, 5, 6, 7), [2, 3]));
    expect(some.read()).toEqual(float32(Float32Array.of(4, 5), [1, 2]));
    const again = await session.run(() => new Map([['x', some]]), ['y']);
    const next = again.get('y') as NativeTensor;
    expect(next.read()).toEqual(float32(Float32Array.of(5, 6), [1, 2]));
    for (const each of [all, some, next, y]) each.release();
    await session.close();
  },
);
