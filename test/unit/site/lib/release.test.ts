import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import type { EvaluationRecord } from '../../../../runner/report/schema.ts';
import { notInSaeLens } from '../../../../runner/sae/checkpoints/sae-lens-export.ts';
import type { SaeVectors } from '../../../../runner/sae/sae.ts';
import { drawChart } from '../../../../site/charts/figure.ts';
import { citationOf } from '../../../../site/lib/citation.ts';
import { deadStory, loggedTable } from '../../../../site/lib/dead-latents.ts';
import { architectureNames } from '../../../../site/lib/kinds.ts';
import { layerCharts, layerLines, needsKey } from '../../../../site/lib/layer-charts.ts';
import { loadingSnippets, placeOf, repeatSnippets } from '../../../../site/lib/loading.ts';
import { recipeOf } from '../../../../site/lib/recipe.ts';
import { headlines, releaseFiles, releaseSummary, saeLabel } from '../../../../site/lib/release-text.ts';
import { releasesOf } from '../../../../site/lib/releases.ts';
import { fixture, fixtures } from '../fixtures.ts';

const reference = releasesOf(publishedRecords()).find(({ id }) => id.includes('papergrade'))!;

/** A record of a run as the runner writes it. */
function ofRun(
  id: string,
  change: (sae: EvaluationRecord['sae']) => Partial<EvaluationRecord['sae']> = () => ({}),
) {
  const entry = fixture(id);
  return {
    ...entry,
    sae: { ...entry.sae, ...change(entry.sae) },
    provenance: { ...entry.provenance, config: { name: 'mine' } },
  };
}

describe('releases', () => {
  it('put the SAEs of a repository and of a run together, by layer, and light checkpoints with their own', () => {
    expect(reference.records.map(({ sae }) => sae.layer)).toEqual([11, 31, 55]);
    const light = {
      ...fixture('small-world-l4'),
      id: 'light',
      sae: {
        ...fixture('small-world-l4').sae,
        source: {
          format: 'reference-release',
          revision: null,
          path: null,
          registry: null,
          model_name: null,
          hook_name: null,
          conversions: [],
          self_test: null,
          light_checkpoint: { of: 'small-world', id: 'L4', step: 10 },
        },
      },
    };
    const [run, ...others] = releasesOf([ofRun('small-world-l4'), light, ofRun('small-world-l0')]);
    expect(others).toEqual([]);
    expect(run).toMatchObject({ id: 'mine', title: 'mine' });
    expect(run!.records.map(({ id }) => id)).toEqual(['small-world-l0', 'small-world-l4']);
    expect(run!.lights).toEqual([light]);
    // A record that says nothing of where it is from has no such page.
    expect(releasesOf(fixtures).flatMap(({ records }) => records.map(({ id }) => id))).not.toContain(
      'small-world-l0',
    );
  });

  it('say what they are and what they come to', () => {
    expect(releaseSummary(reference.records)).toBe(
      'Three TopK SAEs on the residual stream of Qwen/Qwen3.6-27B, layers 11, 31, 55; 65,536 latents; k\u00a0128; 200\u00a0M training tokens each'.replaceAll(
        'k\u00a0128',
        'k 128',
      ),
    );
    const [score, variance] = headlines(reference.records);
    expect(score).toMatchObject({ text: '0.7507–0.7788', ends: 'L55 to L11' });
    expect(variance).toMatchObject({ definition: 'var_exp@chunk-v1', ends: 'L31 to L11' });
  });

  it('name SAEs of a sweep by what sets them apart in their layer', () => {
    const swept = [16, 32].flatMap((k) =>
      ['small-world-l0', 'small-world-l4'].map((id) => ({ ...ofRun(id, () => ({ k })), id: `${id}-k${k}` })),
    );
    expect(swept.map((entry) => saeLabel(entry, swept))).toEqual(['L0 k16', 'L4 k16', 'L0 k32', 'L4 k32']);
    // Another k at another layer alone sets nothing apart.
    const deep = [ofRun('small-world-l0', () => ({ k: 8 })), ofRun('small-world-l4')];
    expect(deep.map((entry) => saeLabel(entry, deep))).toEqual(['L0', 'L4']);
    expect(
      layerLines([{ label: 'mine', records: swept }]).map(({ label, records }) => [label, records.length]),
    ).toEqual([
      ['k16', 2],
      ['k32', 2],
    ]);
  });

  it('keep lines apart whose names differ beyond what is shown of them', () => {
    const swept = (seeds: readonly number[], long = '') =>
      [16, 32].flatMap((k) =>
        seeds.flatMap((seed) =>
          ['small-world-l0', 'small-world-l4'].map((id) => ({
            ...ofRun(id, (sae) => ({
              k,
              d_sae: k * 1024,
              architecture: k === 16 ? ('topk' as const) : ('batchtopk' as const),
              training: { ...sae.training, learningRate: k * 1e-5, seed, auxVariant: `${long}aux` },
            })),
            id: `${id}-${k}-${seed}`,
          })),
        ),
      );
    const linesOf = (records: EvaluationRecord[]) =>
      layerLines([{ label: 'mine', records }]).map(({ label, records: line }) => [
        label,
        line.map(({ id }) => id.replace('small-world-', '')),
      ]);
    expect(linesOf(swept([0, 1]))).toEqual([
      ['… k16 lr0.00016 s0', ['l0-16-0', 'l4-16-0']],
      ['… k16 lr0.00016 s1', ['l0-16-1', 'l4-16-1']],
      ['… k32 lr0.00032 s0', ['l0-32-0', 'l4-32-0']],
      ['… k32 lr0.00032 s1', ['l0-32-1', 'l4-32-1']],
    ]);
    // Neither their heads nor their ends tell these apart.
    const far = swept([1, 2]).map((entry) => ({
      ...entry,
      sae: { ...entry.sae, training: { ...entry.sae.training, note: 'x'.repeat(entry.sae.k!) } },
    }));
    const labels = linesOf(far).map(([label]) => label);
    expect(labels).toHaveLength(4);
    expect(new Set(labels).size).toBe(4);
    for (const label of labels) expect(label!.length).toBeLessThanOrEqual(22);
  });

  it('say what is read, where that is not the residual stream after a block', () => {
    const of = (...hooks: string[]) =>
      releaseSummary(hooks.map((hook) => ofRun('small-world-l4', () => ({ hook }))));
    expect(of('blocks.4.hook_mlp_out')).toContain(
      ' SAE on the MLP output of interpboard/small-world, layer 4',
    );
    expect(of('model.layers.4', 'blocks.4.hook_resid_post')).toContain(' SAEs on the residual stream of ');
    expect(of('blocks.4.hook_mlp_out', 'blocks.4.attn.hook_q')).toContain(
      ' on the MLP output, attn.hook_q of ',
    );
  });
});

describe('metrics by layer', () => {
  it('are named by a key where their ends have no room, and say that k changes along a line', () => {
    const run = (ks: readonly number[], label = '') => ({
      label,
      records: ['small-world-l0', 'small-world-l4'].map((id, i) => ofRun(id, () => ({ k: ks[i]! }))),
    });
    expect(layerLines([run([8, 64])]).map(({ label }) => label)).toEqual(['k 8–64']);
    const few = layerLines([run([8, 8], 'a'), run([8, 8], 'b')]);
    const many = layerLines(['a', 'b', 'c', 'd', 'e'].map((label) => run([8, 8], label)));
    const long = layerLines([run([8, 8], 'a'), run([8, 8], 'a name of a release')]);
    expect([few, many, long].map(needsKey)).toEqual([false, true, false]);
    expect(needsKey(layerLines([run([8, 8], 'a'), run([8, 8], 'a name of a release b')]))).toBe(true);
    const drawn = (lines: typeof few) => drawChart(layerCharts(lines, 'mine', 'l')[0]!.spec).text;
    expect(drawn(few).match(/class="end-label"/g)).toHaveLength(2);
    expect(drawn(many)).not.toContain('end-label');
    expect(drawn(many).match(/data-label="[a-e]"/g)).toHaveLength(5);
  });

  const charts = layerCharts(layerLines([{ label: 'mine', records: fixtures }]), 'mine', 'l');

  it('draw every definition that two layers have, with the intervals of the records', () => {
    const { spec } = charts.find(({ definition }) => definition === 'var_exp@pooled-v1')!;
    const layers = fixtures.filter(({ metrics }) => metrics['var_exp@pooled-v1']?.value != null);
    expect(spec.series[0]!.x).toEqual(layers.map(({ sae }) => sae.layer));
    expect(spec.series[0]!.low).toEqual(
      layers.map(({ metrics }) => {
        const found = metrics['var_exp@pooled-v1'];
        return found?.value == null ? null : (found.interval?.low ?? null);
      }),
    );
    expect(charts.find(({ definition }) => definition === 'l0_score@interpscore-0.0.1')?.flat).toBe(true);
    const one = layerCharts(layerLines([{ label: 'one', records: [fixture('small-world-l4')] }]), 'one', 'l');
    expect(one).toEqual([]);
  });

  it('draw what an untrained SAE scores beside it', () => {
    const controlled = fixtures.filter(({ controls }) => controls !== undefined);
    const found = controlled
      .flatMap(({ controls }) => controls!.values)
      .find(({ control }) => control === 'untrained');
    if (found === undefined) throw new Error('no fixture has controls');
    const chart = charts.find(({ definition }) => definition === found.id)!;
    expect(chart.spec.series.at(-1)).toMatchObject({ label: 'untrained', loose: true });
  });
});

describe('dead latents', () => {
  it('tell peak, recovery and growth', () => {
    const [l11, , l55] = reference.records;
    expect(deadStory(l11!)).toMatchObject({ peak: { dead: 227, tokens: 90e6 }, recovered: 197 });
    expect(deadStory(l55!)?.sentence).toMatch(/^Still growing at the end: 4,465 \(6\.81 %\)/);
    expect(deadStory(l11!)?.sentence).toMatch(/: 197 fewer than at the peak\.$/);
    const even = structuredClone(l11!);
    for (const point of even.trajectory!.points) point.dead = 30;
    expect(deadStory(even)?.sentence).toMatch(/at the end 30 \(0\.05 %\)\.$/);
    expect(deadStory(fixture('awkward-import'))).toBeNull();
    const none = structuredClone(l11!);
    for (const point of none.trajectory!.points) point.dead = 0;
    expect(deadStory(none)?.sentence).toMatch(/^No latent was dead/);
  });

  it('stand in a table at points that all SAEs have', () => {
    expect(loggedTable(reference.records, 'dead')?.tokens).toEqual([40e6, 70e6, 90e6, 200e6]);
    const odd = structuredClone(reference.records);
    for (const point of odd[0]!.trajectory!.points) point.tokens += 1;
    expect(loggedTable(odd, 'dead')).toBeNull();
  });
});

describe('how to use an SAE', () => {
  it('names the very SAE, in each of three ways', () => {
    const [first] = reference.records;
    expect(placeOf(first!)).toBe('caiovicentino1/qwen36-27b-sae-papergrade#layer=11');
    const [own, lens, torch] = loadingSnippets(first!);
    expect(own!.code).toContain('getSae("caiovicentino1/qwen36-27b-sae-papergrade#layer=11")');
    expect(lens!.code).toContain('TopKSAEConfig(d_in=5120, d_sae=65536, k=128)');
    expect(torch!.code).toContain('pre.topk(128, dim=-1)');
    expect(repeatSnippets(first!)[0]!.code).toBe(
      'npx interpboard eval --model Qwen/Qwen3.6-27B --sae caiovicentino1/qwen36-27b-sae-papergrade#layer=11',
    );
    expect(placeOf(ofRun('small-world-l4'))).toBe('runs/mine#layer=4');
    expect(placeOf(ofRun('small-world-l4'), true)).toBe('runs/mine/sae_L4_latest.safetensors');
    expect(repeatSnippets(ofRun('small-world-l4')).at(-1)!.code).toBe(
      'npx interpboard verify content/measured/mine/small-world-l4.json',
    );
    expect(loadingSnippets(fixture('awkward-import'))).toEqual([]);
    // What SAELens' layout has no place for is not said to be exported; where its registry has it, it is.
    const titles = (changes: Partial<EvaluationRecord['sae']>) =>
      loadingSnippets({ ...first!, sae: { ...first!.sae, ...changes } }).map(({ title }) => title);
    // The site's rule and the exporter's are one.
    for (const each of Object.keys(architectureNames) as (keyof typeof architectureNames)[])
      for (const reads of [undefined, 'blocks.11.mlp.hook_in'])
        for (const variant of [undefined, 'temporal']) {
          const vectors = { architecture: each, ...(reads && { d_out: 8 }), ...(variant && { context: {} }) };
          const isThere = notInSaeLens(vectors as SaeVectors) === null;
          expect(titles({ architecture: each, reads, variant }).includes('SAELens')).toBe(isThere);
        }
    expect(titles({ architecture: 'groupmax' }).join()).not.toContain('SAELens');
    expect(titles({ architecture: 'matching_pursuit' })).toContain('SAELens');
    const reads = 'blocks.11.mlp.hook_in';
    expect(titles({ architecture: 'topk', k: null, reads }).join()).not.toContain('SAELens');
    expect(titles({ architecture: 'jumprelu', reads })).toContain('SAELens');
    expect(titles({ architecture: 'relu', variant: 'temporal' }).join()).not.toContain('SAELens');
    const temporal = { ...first!, sae: { ...first!.sae, variant: 'temporal' } };
    expect(loadingSnippets(temporal)[0]!.code).toContain('await sae.encode(x, tokens, length);');
    const other = ofRun('small-world-l4', () => ({ hook: 'blocks.4.hook_mlp_out' }));
    expect(placeOf(other)).toBe('runs/mine/sae_L4_latest.safetensors');
    expect(loadingSnippets(other)[2]!.code).toContain('read at "blocks.4.hook_mlp_out", float32');
  });

  it('names no place of an SAE that lay in a folder of its evaluator', () => {
    const unsaid = { revision: null, path: null, registry: null, model_name: null, hook_name: null };
    const source = { format: 'saelens', ...unsaid, conversions: [], self_test: null };
    const local = ofRun('small-world-l4', () => ({ source, repo: null }));
    expect([placeOf(local), placeOf(local, true)]).toEqual([null, null]);
    expect(loadingSnippets(local)).toEqual([]);
    expect(repeatSnippets(local).map(({ title }) => title)).toEqual([
      'Make it again',
      'Hold it to this record',
    ]);
  });

  it('says of what lay on the machine of a record that its place has to be filled in', () => {
    const entry = ofRun('small-world-l4');
    const given = (saes: string[], from: string[] = []) => {
      const config = { ...entry.provenance.config, saes, training: { from } };
      return repeatSnippets({ ...entry, provenance: { ...entry.provenance, config } });
    };
    const [again, verify] = given(['clt', 'wh#layer=2', 'owner/sae'], ['my start']);
    expect(again!.note).toMatch(/^clt, wh#layer=2, my start: on the machine that made the record\./);
    expect(verify!.code).toMatch(
      / --sae PATH\/TO\/clt --sae PATH\/TO\/wh#layer=2 --sae owner\/sae --from 'PATH\/TO\/my start'$/,
    );
    expect(verify!.note).toContain('PATH/TO');
    const [hub, plain] = given(['owner/sae']);
    expect(hub!.note).toBeUndefined();
    expect(plain!.code).not.toContain('--sae');
  });

  it('quotes for a shell what a record says', () => {
    const run = { ...ofRun('small-world-l4', () => ({ architecture: 'jumprelu' })) };
    const hostile = { ...run, provenance: { ...run.provenance, config: { name: "a; rm -rf '$HOME'" } } };
    const quoted = String.raw`'runs/a; rm -rf '\''$HOME'\''#layer=4'`;
    expect(loadingSnippets(hostile)[1]!.note).toContain(`npx interpboard export ${quoted} --to saelens`);
    expect(repeatSnippets(hostile).at(-1)!.code).toBe(
      String.raw`npx interpboard verify 'content/measured/a; rm -rf '\''$HOME'\''/small-world-l4.json'`,
    );
  });

  it('gives no few lines for what needs more of them', () => {
    const titles = (entry: EvaluationRecord) => loadingSnippets(entry).map(({ title }) => title);
    expect(titles(ofRun('small-world-l4'))).toContain('Plain PyTorch');
    const changes: Partial<EvaluationRecord['sae']>[] = [
      { architecture: 'jumprelu' },
      { training: { normalisation: 'layer_norm' } },
      { training: { applyBDecToInput: false } },
    ];
    for (const change of changes) {
      const entry = ofRun('small-world-l4', () => change);
      expect(titles(entry)).toEqual(['Interpboard’s library (Node)', 'SAELens']);
      expect(loadingSnippets(entry)[1]!.note).toContain(
        'npx interpboard export runs/mine#layer=4 --to saelens',
      );
    }
    const registered = ofRun('small-world-l4', () => ({
      source: {
        format: 'gemma-scope',
        revision: 'abc',
        path: 'p',
        model_name: null,
        hook_name: null,
        self_test: null,
        conversions: [],
        registry: { release: 'gemma-scope-2b-pt-res', id: 'layer_12/x', sha256: 'a'.repeat(64) },
      },
    }));
    expect(loadingSnippets(registered)[1]!.code).toContain(
      'SAE.from_pretrained("gemma-scope-2b-pt-res", "layer_12/x")',
    );
  });

  it('is cited as its authors ask, or as the run that made it', () => {
    expect(citationOf(reference)).toMatch(/^@misc\{vicentino2026/);
    const [run] = releasesOf([ofRun('small-world-l4')]);
    expect(citationOf(run!)).toMatch(
      /^@misc\{mine,\n {2}title {8}= \{Sparse autoencoders for interpboard\/small-world, layer 4\},\n {2}year/,
    );
    expect(
      citationOf(releasesOf(publishedRecords()).find(({ id }) => id.includes('gemma-scope-2b'))!),
    ).toBeNull();
  });
});

describe('files of a release', () => {
  const of = (name: string, sha256: string | null, id: string, repo: string | null = null) => ({
    entry: { ...ofRun('small-world-l4', () => ({ repo, files: [{ name, sha256, bytes: 1 }] })), id },
    label: id,
  });
  const listed = (...records: ReturnType<typeof of>[]) => {
    const { files, repeated } = releaseFiles(records);
    return [files.map(({ file, labels }) => [file.name, file.sha256, labels]), repeated];
  };
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];

  it('are all there though they have one name, each with its SAE', () => {
    expect(listed(of('params.npz', a, 'L1'), of('params.npz', b, 'L2'))).toEqual([
      [
        ['params.npz', a, ['L1']],
        ['params.npz', b, ['L2']],
      ],
      true,
    ]);
    // Without hashes their places tell them apart.
    expect(listed(of('params.npz', null, 'L1', 'lab/a'), of('params.npz', null, 'L2', 'lab/b'))[1]).toBe(
      true,
    );
  });

  it('stand once where several SAEs share one', () => {
    expect(listed(of('all.safetensors', a, 'L1'), of('all.safetensors', a, 'L2'))).toEqual([
      [['all.safetensors', a, ['L1', 'L2']]],
      false,
    ]);
  });
});

describe('recipe', () => {
  it('says once what is common, and side by side what differs', () => {
    const { common, differing } = recipeOf(reference.records);
    expect(common).toContainEqual({ name: 'Latents for each dimension', value: '12.8' });
    expect(differing.map(({ name }) => name)).toEqual(['Layer', 'Hook']);
    expect(differing[0]!.values).toEqual(['11', '31', '55']);
  });
});
