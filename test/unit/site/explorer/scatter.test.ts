import { describe, expect, it } from 'vitest';
import { MOST_PANELS, nearest, step } from '../../../../site/explorer/scatter.ts';
import { pictureView } from '../../../../site/explorer/scatter-view.ts';
import { columnsFrom, view, withIntervals } from './sample.ts';

const rows = [
  { name: 'A', l0: 20, loss: 0.9 },
  { name: 'B', l0: 40, loss: 0.95, architecture: 'relu' },
  { name: 'C', l0: 80, loss: 0.94, architecture: 'relu' },
  { name: 'D', l0: 160, loss: 0.99 },
  { name: 'E', model: 'other/model', l0: 50, loss: 0.5 },
  { name: 'F', model: 'other/model', l0: 60 },
];
const columns = columnsFrom(rows);

describe('the picture', () => {
  it('has a panel for each model, and counts what it cannot draw', () => {
    const { panels } = view(columns).picture();
    expect(panels.map(({ title, points, left }) => [title, points.length, left])).toEqual([
      ['lab/model', 4, 0],
      ['other/model', 1, 1],
    ]);
  });

  it('draws transcoders apart from SAEs, whatever the panels are by', () => {
    const sites = ['resid_post', 'mlp_out', 'mlp.hook_in > mlp_out', 'resid_mid > mlp_out, cross-layer'];
    const mixed = columnsFrom(sites.map((site, i) => ({ name: `s${i}`, site, l0: 10, loss: 0.5 })));
    const titles = (panels: string) =>
      view(mixed, { panels })
        .picture()
        .panels.map(({ title, points }) => [title, points.length]);
    expect(titles('model')).toEqual([
      ['lab/model', 2],
      ['lab/model, mlp.hook_in > mlp_out', 1],
      ['lab/model, resid_mid > mlp_out, cross-layer', 1],
    ]);
    expect(titles('none')).toEqual([
      ['', 2],
      [sites[2], 1],
      [sites[3], 1],
    ]);
    expect(titles('site')).toEqual(sites.map((site) => [site, 1]));
    const nouns = view(mixed)
      .picture()
      .panels.map(({ noun }) => noun);
    expect(nouns).toEqual(['SAE', 'transcoder', 'transcoder']);
  });

  it('places points in the order of their values, logarithmic where L0 is', () => {
    const [panel] = view(columns).picture().panels;
    const xs = panel!.points.map(({ x }) => x);
    // Doublings are equally far apart.
    expect(xs[1]! - xs[0]!).toBeCloseTo(xs[3]! - xs[2]!, 2);
    const y = new Map(panel!.points.map((point) => [point.row, point.y]));
    expect(y.get(3)!).toBeLessThan(y.get(1)!);
    const [linear] = view(columns, { xScale: 'linear' }).picture().panels;
    const at = linear!.points.map((point) => point.x);
    expect(at[3]! - at[2]!).toBeCloseTo(2 * (at[2]! - at[1]!), 2);
  });

  it('stays within the frame, whiskers and what is untrained included', () => {
    const loaded = new Map([
      [
        'loss_recovered@saebench-core',
        withIntervals(
          rows.map(({ loss }) => loss ?? null),
          0.2,
        ),
      ],
    ]);
    loaded.get('loss_recovered@saebench-core')!.untrained.fill(0.1, 0, 4);
    loaded.set(
      'loss_recovered@pooled-v1',
      withIntervals(
        rows.map(() => null),
        0,
      ),
    );
    const [panel, other] = view(columns, {}, { loaded }).picture().panels;
    expect(other!.untrained.y).toBeNull();
    expect(panel!.whiskers.map(({ path }) => path.split('M').length - 1)).toEqual([2, 2]);
    const ys = [...pictureYs(panel!.whiskers.map(({ path }) => path).join('')), panel!.untrained.y!];
    for (const y of ys) {
      expect(y).toBeGreaterThanOrEqual(panel!.frame.top);
      expect(y).toBeLessThanOrEqual(panel!.frame.height - panel!.frame.bottom);
    }
    const off = view(columns, { whiskers: false }, { loaded }).picture().panels[0]!;
    expect(off.whiskers).toEqual([]);
  });

  it('draws the frontier in steps through what no other beats', () => {
    const [panel] = view(columns).picture().panels;
    const at = new Map(panel!.points.map((point) => [point.row, point]));
    const [path] = panel!.frontiers;
    const short = (value: number): number => Math.round(value * 10) / 10;
    expect(path).toBe(
      `M${short(at.get(0)!.x)} ${short(at.get(0)!.y)}${[1, 3]
        .map((row) => `H${short(at.get(row)!.x)}V${short(at.get(row)!.y)}`)
        .join('')}`,
    );
    expect(view(columns, { frontier: false }).picture().panels[0]!.frontiers).toEqual([]);
    // Neither end of a layer is better.
    expect(view(columns, { x: 'layer' }).picture().better).toBeNull();
  });

  it('joins no frontier over texts or definitions', () => {
    const mixed = columnsFrom([
      { name: 'A', l0: 20, loss: 0.9 },
      { name: 'B', l0: 40, loss: 0.95, text: 'books' },
      { name: 'C', l0: 80, loss: 0.96, lossDefinition: 'loss_recovered@pooled-v1' },
    ]);
    const [panel] = view(mixed).picture().panels;
    expect(panel!.frontiers).toEqual([]);
    expect(panel!.definitions[0]!.by).toEqual([
      { id: 'loss_recovered@saebench-core', rows: 2 },
      { id: 'loss_recovered@pooled-v1', rows: 1 },
    ]);
    expect(pictureText(mixed)).toContain('which are not one scale');
    // Nor has what untrained SAEs score by them one line.
    const untrained = (of: typeof mixed) => {
      const column = { ...withIntervals([null, null, null], 0), untrained: [0.1, 0.2, 0.3] };
      const ids = ['loss_recovered@saebench-core', 'loss_recovered@pooled-v1'];
      return view(of, {}, { loaded: new Map(ids.map((id) => [id, column])) }).picture().panels[0]!.untrained
        .y;
    };
    expect(untrained(mixed)).toBeNull();
    expect(untrained(columnsFrom(rows.slice(0, 3)))).not.toBeNull();
  });

  it('keeps a colour through filters', () => {
    const colourOf = (change: Parameters<typeof view>[1]): number[] =>
      view(columns, { shape: 'none', ...change })
        .picture()
        .panels[0]!.series.map(({ colour }) => colour);
    const facets = { ...view(columns).state.facets, architecture: ['topk'] };
    expect(colourOf({}).toSorted()).toEqual([0, 1]);
    expect(colourOf({ facets })).toEqual([1]);
  });

  it('shares its axes where asked', () => {
    const ticks = (shared: boolean): string[][] =>
      view(columns, { shared })
        .picture()
        .panels.map(({ yTicks }) => yTicks.map(({ label }) => label));
    expect(ticks(true)[0]).toEqual(ticks(true)[1]);
    expect(ticks(false)[0]).not.toEqual(ticks(false)[1]);
  });

  it('leaves out what a logarithmic axis cannot show, and says how many', () => {
    const zero = columnsFrom([{ name: 'A', l0: 0, loss: 0.1 }, ...rows.slice(0, 2)]);
    const [panel] = view(zero).picture().panels;
    expect([panel!.points.length, panel!.left]).toEqual([2, 1]);
  });

  it('draws the fullest of many panels, in the order of the records', () => {
    const many = columnsFrom(
      Array.from({ length: 40 }, (_, i) => ({ name: `S${i}`, model: `m${i % 13}`, l0: 10 + i, loss: 0.5 })),
    );
    const { panels, more } = view(many).picture();
    expect([panels.length, more]).toEqual([MOST_PANELS, 1]);
    expect(panels.map(({ title }) => title)).toEqual(Array.from({ length: 12 }, (_, i) => `m${i}`));
    expect(view(many, { panels: 'none' }).picture().panels).toHaveLength(1);
  });
});

function pictureText(of: ReturnType<typeof columnsFrom>): string {
  const shown = view(of);
  return pictureView({ picture: shown.picture(), state: shown.state, x: shown.x, y: shown.y }).text;
}

function pictureYs(path: string): number[] {
  return [...path.matchAll(/M[\d.]+ ([\d.]+)V([\d.]+)/g)].flatMap(([, from, to]) => [
    Number(from),
    Number(to),
  ]);
}

describe('walking the points', () => {
  const points = [
    { row: 0, x: 10, y: 90 },
    { row: 1, x: 20, y: 10 },
    { row: 2, x: 30, y: 50 },
  ];

  it('finds the nearest within reach', () => {
    expect(nearest(points, 18, 14, 20)?.row).toBe(1);
    expect(nearest(points, 18, 14, 3)).toBeNull();
    expect(nearest([], 0, 0, 99)).toBeNull();
  });

  it('steps right and left by x, up and down by y, and holds at the ends', () => {
    const from = (row: number, key: Parameters<typeof step>[2]) => step(points, points[row]!, key)?.row;
    expect([from(0, 'ArrowRight'), from(1, 'ArrowLeft'), from(2, 'ArrowRight')]).toEqual([1, 0, 2]);
    expect([from(0, 'ArrowUp'), from(2, 'ArrowUp'), from(1, 'ArrowUp'), from(1, 'ArrowDown')]).toEqual([
      2, 1, 1, 2,
    ]);
    expect([from(1, 'Home'), from(1, 'End')]).toEqual([0, 2]);
    expect(step(points, null, 'ArrowLeft')?.row).toBe(0);
    expect(step([], null, 'End')).toBeNull();
  });
});
