import { afterEach, describe, expect, it, vi } from 'vitest';
import { random } from '../../../../runner/math/random.ts';
import { packDraws } from '../../../../runner/report/paired-draws.ts';
import { answering, type Question } from '../../../../site/explorer/answering.ts';
import { presets } from '../../../../site/explorer/composite.ts';
import { type Answerer, judgeOf } from '../../../../site/explorer/judge.ts';
import { resamplesOf } from '../../../../site/explorer/resamples.ts';
import { startOf } from '../../../../site/explorer/state.ts';
import { openStore } from '../../../../site/explorer/store.ts';
import { needsDraws, viewOf } from '../../../../site/explorer/view.ts';
import { type Columns, type ModelDraws, modelSlug } from '../../../../site/lib/columns.ts';
import { columnsFrom, view } from './sample.ts';

const models = ['lab/model', 'lab/other'] as const;
const columns: Columns = {
  ...columnsFrom(
    models.flatMap((model, group) =>
      [0.7, 0.8].map((value, i) => ({
        name: `${model} ${i}`,
        model,
        l0: 20,
        loss: value,
        score: value,
        parts: [value, value, value, value, value],
        rank: [group, 1, 2] as const,
      })),
    ),
  ),
  draws: models.map(modelSlug),
};

function drawsFile(rows: readonly number[]): ModelDraws {
  const draws = rows.map((row) => {
    const stream = random('draws', row);
    return Array.from({ length: 5 }, () =>
      packDraws(Float64Array.from({ length: 50 }, () => 0.7 + 0.1 * (row % 2) + 0.01 * stream.gaussian())),
    );
  });
  return { rows: [...rows], over: rows.map(() => [0, 0, 0, 0, 0]), components: [], draws };
}

const files: Readonly<Record<string, unknown>> = {
  'data/explorer.json': columns,
  ...Object.fromEntries(
    models.map((model, i) => [`data/draws/${modelSlug(model)}.json`, drawsFile([2 * i, 2 * i + 1])]),
  ),
};

/** A server that has the files, but for those that are out of reach. */
function serve(): Set<string> {
  const away = new Set<string>();
  vi.stubGlobal('fetch', async (address: string) =>
    away.has(address) ? new Response('', { status: 503 }) : Response.json(files[address]),
  );
  return away;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

const weights = presets[2].weights;

/** Answers in this thread, a turn later, what would be a worker; fails where it is told to. */
function here(failing = () => false): Answerer {
  const answer = answering();
  const worker: Answerer = {
    onmessage: null,
    onerror: null,
    terminate: () => {},
    postMessage: (question: Question) => {
      setTimeout(() => {
        if (failing()) worker.onerror?.call(worker as Worker, { message: 'out of memory' } as ErrorEvent);
        else {
          const data = structuredClone(answer(structuredClone(question)));
          worker.onmessage?.call(worker as Worker, { data } as MessageEvent);
        }
      });
    },
  };
  return worker;
}

describe('resamples', () => {
  it('that could not be fetched are said to be, are no answer, and are asked for again', async () => {
    const away = serve();
    const resamples = resamplesOf(
      await openStore('data/'),
      judgeOf(columns, () => here()),
    );
    const asks = view(columns, { weights });
    const file = `data/draws/${modelSlug(models[0])}.json`;
    for (const model of models) away.add(`data/draws/${modelSlug(model)}.json`);
    const failed = await resamples.fill(asks, true);
    expect(failed.changed).toBe(false);
    expect(failed.failures).toHaveLength(2);
    expect(failed.failures[0]).toContain(`${file}: the server answered 503`);
    expect(resamples.found(weights).resampled).toBeNull();
    away.clear();
    expect(await resamples.fill(asks, true)).toEqual({ changed: true, failures: [] });
    expect(resamples.found(weights).resampled!.low.every((end) => end !== null)).toBe(true);
  });

  it('are asked for where ranks are shown by other weights than the published', () => {
    const start = startOf(columns);
    expect(start.columns).toContain('composite');
    expect(needsDraws(start)).toBe(false);
    expect(needsDraws({ ...start, weights })).toBe(true);
    const without = { ...start, weights, columns: ['l0@v1'], sort: 'l0@v1' };
    expect(needsDraws(without)).toBe(false);
    for (const place of [{ sort: 'composite' }, { x: 'composite' }, { y: 'composite' }])
      expect(needsDraws({ ...without, ...place })).toBe(true);
    expect(needsDraws({ ...start, columns: ['first_resamples'] })).toBe(true);
  });

  it('that no record shown has are an answer, until some are asked for and fail', async () => {
    const away = serve();
    const none = view({ ...columns, draws: [] }, { weights });
    const store = await openStore('data/');
    const resamples = resamplesOf(
      { ...store, columns: { ...columns, draws: [] } },
      judgeOf(columns, () => here()),
    );
    expect(await resamples.fill(none, true)).toEqual({ changed: true, failures: [] });
    expect(resamples.found(weights).resampled!.first.every((share) => share === null)).toBe(true);

    const some = resamplesOf(
      store,
      judgeOf(columns, () => here()),
    );
    expect((await some.fill({ ...none, rows: [] }, true)).changed).toBe(true);
    for (const model of models) away.add(`data/draws/${modelSlug(model)}.json`);
    expect((await some.fill(view(columns, { weights }), true)).changed).toBe(true);
    expect(some.found(weights).resampled).toBeNull();
  });

  it('are judged for the latest weights alone while a slider is dragged', async () => {
    serve();
    const asked: Question[] = [];
    const worker = here();
    const { postMessage } = worker;
    worker.postMessage = (question: Question) => {
      asked.push(question);
      postMessage(question);
    };
    const resamples = resamplesOf(
      await openStore('data/'),
      judgeOf(columns, () => worker),
    );
    const dragged = [[97, 0, 0, 0, 3], [99, 0, 0, 0, 1], [98, 0, 0, 0, 2], weights] as const;
    const first = resamples.fill(view(columns, { weights: dragged[0] }), true);
    // The first is begun before the others come.
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    const later = dragged.slice(1).map((each) => resamples.fill(view(columns, { weights: each }), true));
    expect((await first).changed).toBe(true);
    expect((await Promise.all(later)).map(({ changed }) => changed)).toEqual([false, false, true]);
    expect(asked.map((question) => question.weights)).toEqual([dragged[0], weights]);
    // Columns and files are told once.
    expect(asked.map((question) => question.columns !== undefined)).toEqual([true, false]);
    expect(asked.map((question) => question.files.length)).toEqual([2, 0]);
    expect(resamples.found(weights).resampled).not.toBeNull();
  });

  it('that could not be judged are said to be, and asked for again with all that is needed', async () => {
    serve();
    let fails = true;
    const judge = judgeOf(columns, () => here(() => fails));
    const resamples = resamplesOf(await openStore('data/'), judge);
    const asks = view(columns, { weights });
    expect(await resamples.fill(asks, true)).toEqual({
      changed: false,
      failures: ['The resamples could not be judged: out of memory.'],
    });
    fails = false;
    expect(await resamples.fill(asks, true)).toEqual({ changed: true, failures: [] });
    expect(resamples.found(weights).resampled!.low.every((end) => end !== null)).toBe(true);
  });

  it('of another model change a picture that shows what follows from them', async () => {
    serve();
    const resamples = resamplesOf(
      await openStore('data/'),
      judgeOf(columns, () => here()),
    );
    const state = { ...startOf(columns), weights, y: 'composite' };
    const drawn = (before: ReturnType<typeof viewOf> | null) =>
      viewOf(columns, state, { loaded: new Map(), ...resamples.found(weights) }, false, before);
    await resamples.fill({ ...drawn(null), rows: [0, 1] }, true);
    const one = drawn(null);
    const whiskers = (all: typeof one) => all.picture().panels.flatMap((panel) => panel.whiskers).length;
    await resamples.fill({ ...one, rows: [0, 1, 2, 3] }, true);
    const both = drawn(one);
    expect(whiskers(both)).toBeGreaterThan(whiskers(one));
    // What has not changed is not drawn again.
    expect(drawn(both).picture).toBe(both.picture);
  });
});
