/**
 * SAEs that others made, evaluated by the program as a user starts it: from the hub, by a registry's name, a folder. In one
 * file, as all of it is of one SAE that is trained first.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoModelFolder } from '../../runner/demo/model-folder.ts';
import { encodeSafetensors, type TensorToWrite } from '../../runner/formats/safetensors.ts';
import { pairedDifference } from '../../runner/report/paired.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { readRelease } from '../../runner/sae/checkpoints/reference-release.ts';
import { writeSaeLens } from '../../runner/sae/checkpoints/sae-lens-export.ts';
import type { Sae, TopKSae } from '../../runner/sae/sae.ts';
import type { Contents } from '../hub/repositories.ts';
import { type StandIn, startStandIn } from '../hub/stand-in.ts';
import { LITTLE_TEXT, NO_SUITES, type Outcome, readRecords, runProgram, settingWords } from './program.ts';

const fixtures = fileURLToPath(new URL('../fixtures/sae/', import.meta.url));
/** Of a tensor in a header. */
interface Entry {
  dtype: string;
  data_offsets: [number, number];
}

const hook = 'blocks.2.hook_resid_post';

let folder: string;
let hub: StandIn;
let trained: Sae;

function program(...args: string[]): Promise<Outcome> {
  return runProgram(args, {
    HF_ENDPOINT: hub.url,
    HF_HOME: join(folder, 'home'),
    HF_TOKEN: '',
    INTERPBOARD_SAE_REGISTRY: join(folder, 'registry.yaml'),
  });
}

function evaluate(name: string, ...args: string[]): Promise<Outcome> {
  const at = ['runs', 'content'].map((each) => `--${each}=${join(folder, each)}`);
  return program('eval', 'small-world-quick', `--name=${name}`, '--no-site', ...at, ...args);
}

async function records(name: string): Promise<EvaluationRecord[]> {
  const found = await readRecords(join(folder, 'content', 'measured', name));
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** An SAE of the run as SAELens would have saved it. */
async function saeLensFiles(sae: Sae, under: string): Promise<Record<string, Contents>> {
  const at = join(folder, 'saelens');
  await writeSaeLens(at, sae, { model_name: 'interpboard/small-world', hook_name: hook });
  return {
    [`${under}/cfg.json`]: { text: await readFile(join(at, 'cfg.json')) },
    [`${under}/sae_weights.safetensors`]: {
      text: await readFile(join(at, 'sae_weights.safetensors')),
      lfs: true,
    },
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'published-'));
  hub = await startStandIn();
  await writeFile(
    join(folder, 'registry.yaml'),
    'small-world-res:\n  model: small-world\n  repo_id: lab/saes\n  saes:\n  - {id: layer_2/width_256/canonical, path: second, l0: 16}\n',
  );
  const outcome = await evaluate('own', '--set=training.tokens=20480', ...settingWords(NO_SUITES));
  expect({ code: outcome.code, err: outcome.err }).toEqual({ code: 0, err: '' });
  trained = (await readRelease(join(folder, 'runs', 'own'), 2)).sae;
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

describe('SAEs of others', () => {
  it('are measured on another model than their own, and in pairs on both', async () => {
    // A fine-tune, as far as an SAE can tell: the embedded model with its last block's weights turned up a little.
    const tuned = join(folder, 'fine-tune');
    await cp(demoModelFolder, tuned, { recursive: true });
    const path = join(tuned, 'model.safetensors');
    const bytes = await readFile(path);
    const header = Number(bytes.readBigUInt64LE(0));
    const names = JSON.parse(bytes.subarray(8, 8 + header).toString()) as Record<string, Entry>;
    const [, moved] = Object.entries(names).find(([name]) => /layers\.1\..*down_proj/.test(name))!;
    expect(moved.dtype).toBe('F16');
    const [from, to] = moved.data_offsets;
    // The exponent of each number one higher: twice the number.
    for (let at = 8 + header + from; at < 8 + header + to; at += 2)
      bytes.writeUInt16LE(bytes.readUInt16LE(at) + 0x400, at);
    await writeFile(path, bytes);
    const sae = join(folder, 'runs', 'own', 'sae_L2_latest.safetensors');
    const asked = [`--sae=${sae}`, `--model=${tuned}`, ...settingWords(LITTLE_TEXT)];
    const both = await evaluate('moved', ...asked, '--transfer=interpboard/small-world');
    expect({ code: both.code, err: both.err }).toEqual({ code: 0, err: '' });
    expect(both.out).toContain('of "interpboard/small-world", evaluated on fine-tune\n');
    expect(both.out).toMatch(
      /^transfer .*\n +interpboard\/small-world +fine-tune +difference +95 %\nvar_exp/m,
    );
    const [[own], [there]] = [await records('moved-own-model'), await records('moved')];
    expect(there!.transfer).toEqual({ model: 'interpboard/small-world', record: own!.id });
    expect(own!.transfer).toBeUndefined();
    expect(there!.caveats.join()).not.toContain(folder);
    expect(there!.model.sha256).not.toBe(own!.model.sha256);
    // Every value that has an interval has that of its difference too, and it is none where the SAE is on its own model.
    for (const id of Object.keys(there!.metrics) as (keyof EvaluationRecord['metrics'])[]) {
      const measure = there!.metrics[id]!;
      if (measure.value === null || measure.interval === null) continue;
      const found = pairedDifference(there!, own!, id)!;
      expect(found, id).not.toBeNull();
      expect(found.value, id).toBeCloseTo(measure.value - own!.metrics[id]!.value!, 9);
    }
    expect(pairedDifference(there!, own!, 'var_exp@pooled-v1')).toMatchObject({ resolved: true });
    expect(pairedDifference(there!, own!, 'loss_sae@saebench-core')).not.toBeNull();
    const verified = await program(
      'verify',
      join(folder, 'content', 'measured', 'moved', `${there!.id}.json`),
      `--sae=${sae}`,
      `--model=${tuned}`,
    );
    expect(verified.out).toMatch(/(\d+) numbers made again, \1 the same/);
    const alone = await evaluate('moved-alone', ...asked);
    expect(alone.out).toContain(
      'evaluated on fine-tune (--transfer interpboard/small-world measures it there too)',
    );
    // The same folder by another path is the same model.
    for (const own of ['interpboard/small-world', join(tuned, '..', 'fine-tune')]) {
      const model = own === 'interpboard/small-world' ? [] : [`--model=${tuned}`];
      const same = await evaluate('moved-same', `--sae=${sae}`, ...model, `--transfer=${own}`);
      expect(same.code).toBe(2);
      expect(same.err).toContain('which is the model that the SAEs are measured on');
    }
    const nowhere = await evaluate('moved-nowhere', '--sae=/nowhere/sae');
    expect({ code: nowhere.code, err: nowhere.err }).toMatchObject({
      code: 2,
      err: expect.stringContaining('no such file or folder'),
    });
    const none = await evaluate('moved-none', '--transfer=interpboard/small-world');
    expect(none.err).toContain('evaluation.transferFrom');
  });

  it('are trained on from their weights, and the record says from which', async () => {
    hub.put('lab/start', await saeLensFiles(trained, 'it'));
    const asked = [
      '--from=lab/start:it',
      '--layers=2',
      '--set=training.tokens=4096',
      ...settingWords(NO_SUITES),
    ];
    const refused = await evaluate('tuned', ...asked, '--set=sae.dSae=512');
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('Add --set sae.dSae=256.');
    // Before anything is trained, from its header alone.
    expect(refused.out).not.toContain('training');
    const elsewhere = await evaluate('tuned', ...asked, '--layers=0');
    expect(elsewhere.err).toContain('found one of resid_post:2; expected one of resid_post:0');
    const tuned = await evaluate('tuned', ...asked, '--set=training.resampleTokens=256');
    expect({ code: tuned.code, err: tuned.err }).toEqual({ code: 0, err: '' });
    expect(tuned.out).toMatch(/L2 starts from L2_start-it\n.*L2: \d+ latents resampled/s);
    const [record] = await records('tuned');
    expect(record!.sae.training).toMatchObject({ from: 'lab/start:it', resampleTokens: 256 });
    const [own] = (await records('own')).filter(({ sae }) => sae.layer === 2);
    expect(record!.sae.sha256).not.toBe(own!.sae.sha256);
    // 4,096 tokens alone would leave it far behind the one that it starts from.
    const varExp = (of: EvaluationRecord) => of.metrics['var_exp@pooled-v1']!.value!;
    expect(varExp(record!)).toBeGreaterThan(varExp(own!) - 0.05);
    const again = await evaluate('tuned', ...asked, '--set=training.resampleTokens=256');
    expect(again.out).toContain('up to date');
  });

  it('are trained on from a file, and the record is made again where the file is named', async () => {
    const start = join(folder, 'runs', 'own', 'sae_L2_latest.safetensors');
    const asked = [`--from=${start}`, '--layers=2', '--set=training.tokens=4096', ...settingWords(NO_SUITES)];
    const made = await evaluate('from-file', ...asked);
    expect({ code: made.code, err: made.err }).toEqual({ code: 0, err: '' });
    const [record] = await records('from-file');
    const [own] = (await records('own')).filter(({ sae }) => sae.layer === 2);
    const tensors = own!.sae.files.find(({ name }) => name.endsWith('.safetensors'))!;
    expect(String(record!.sae.training!.fromSha256).split(', ')).toContain(tensors.sha256);
    const path = join(folder, 'content', 'measured', 'from-file', `${record!.id}.json`);
    const unknown = await program('verify', path);
    expect(unknown.code).toBe(2);
    expect(unknown.err).toMatch(/SAE "sae_L2_latest\.safetensors", a file.*Say it with --from/);
    const again = await program('verify', path, `--from=${start}`);
    expect(again.out).toMatch(/(\d+) numbers made again, \1 the same/);
    expect(again.out).not.toContain('other files');
    const other = await program('verify', path, `--from=${start.replace('L2', 'L0')}#layer=2`);
    expect(other.out).toContain('SAE that training starts from: other files');
  });

  it('are evaluated beside trained ones in one run, and score what the same SAE scores', async () => {
    const commit = hub.put('lab/saes', {
      'README.md': { text: '---\nlicense: mit\n---\n' },
      ...(await saeLensFiles(trained, 'first')),
      ...(await saeLensFiles(trained, 'second')),
    });
    const args = [
      '--sae=lab/saes:first',
      '--sae=small-world-res/layer_2/width_256/canonical',
      `--sae=${join(folder, 'runs', 'own')}#layer=4`,
      '--train',
      '--set=training.tokens=20480',
      ...settingWords(LITTLE_TEXT),
    ];
    const first = await evaluate('beside', ...args);
    expect({ code: first.code, err: first.err }).toEqual({ code: 0, err: '' });
    const all = await records('beside');
    expect(all.map(({ id }) => id)).toEqual([
      'beside-l0',
      'beside-l2',
      'beside-l2-saes-first',
      'beside-l2-small-world-res-layer-2-width-256-canonical',
      'beside-l4',
      'beside-l4-own',
    ]);
    const [, own, hubbed, registered, fourth, local] = all as [
      EvaluationRecord,
      EvaluationRecord,
      EvaluationRecord,
      EvaluationRecord,
      EvaluationRecord,
      EvaluationRecord,
    ];
    for (const other of [hubbed, registered]) {
      expect(other.metrics).toEqual(own.metrics);
      expect(other.suites).toEqual(own.suites);
      expect(other.sae.sha256).toBe(own.sae.sha256);
      expect(other.sae).toMatchObject({
        repo: 'lab/saes',
        license: 'mit',
        tokens_trained: null,
        training: null,
      });
      expect(other.sae.files.map(({ name }) => name)).toEqual(['sae_weights.safetensors', 'cfg.json']);
      expect(other.trajectory).toBeNull();
    }
    expect(local.metrics).toEqual(fourth.metrics);
    expect(own.sae.source).toBeUndefined();
    expect(hubbed.sae.source).toMatchObject({
      format: 'sae-lens',
      revision: commit,
      path: 'first',
      registry: null,
      model_name: 'interpboard/small-world',
      hook_name: hook,
      conversions: [],
    });
    expect(registered.sae.source).toMatchObject({
      path: 'second',
      registry: { release: 'small-world-res', id: 'layer_2/width_256/canonical' },
    });
    const test = hubbed.sae.source?.self_test;
    expect(test?.tokens).toBeGreaterThan(200);
    expect(test?.others.length).toBeGreaterThanOrEqual(5);
    for (const { var_exp } of test?.others ?? []) expect(var_exp).toBeLessThanOrEqual(test!.declared + 0.01);

    // Again: the files are here, nothing is downloaded and nothing computed.
    const gets = (): number => hub.requests.filter(({ address }) => address.includes('/resolve/')).length;
    const asked = gets();
    const second = await evaluate('beside', ...args);
    expect(second.out).toContain('up to date');
    expect(gets()).toBe(asked);

    // The same names, other files: what was trained stays, and all is measured again.
    hub.put(
      'lab/saes',
      await saeLensFiles({ ...trained, b_dec: trained.b_dec.map((x) => x + 1e-3) }, 'first'),
    );
    const third = await evaluate('beside', ...args);
    expect({ code: third.code, err: third.err }).toEqual({ code: 0, err: '' });
    expect(third.out).not.toContain('up to date');
    const again = new Map((await records('beside')).map((each) => [each.id, each]));
    expect(again.size).toBe(all.length);
    expect(again.get(own.id)!.sae.sha256).toBe(own.sae.sha256);
    expect(again.get(own.id)!.metrics).toEqual(own.metrics);
    expect(again.get(hubbed.id)!.sae.sha256).not.toBe(hubbed.sae.sha256);
    expect(again.get(hubbed.id)!.metrics).not.toEqual(hubbed.metrics);
  });

  it('of other kinds are evaluated too: signed latents, matching pursuit, temporal ones', async () => {
    const { d_in, d_sae, W_enc, W_dec, b_dec } = trained;
    const kinds = ['signed', 'pursuit', 'layer_2/temporal'].map((name) => join(folder, 'kinds', name));
    const [signed, pursuit, temporal] = kinds as [string, string, string];
    const metadata = { model_name: 'interpboard/small-world', hook_name: hook };
    await writeSaeLens(signed, trained, metadata);
    const config = JSON.parse(await readFile(join(signed, 'cfg.json'), 'utf8')) as object;
    await writeFile(join(signed, 'cfg.json'), JSON.stringify({ ...config, architecture: 'abstopk' }));
    await writeSaeLens(
      pursuit,
      {
        d_in,
        d_sae,
        W_enc,
        W_dec,
        b_dec,
        apply_b_dec_to_input: true,
        normalisation: { kind: 'none' },
        architecture: 'matching_pursuit',
        residual_threshold: 0,
        max_iterations: 12,
        stop_on_duplicate_support: true,
      },
      metadata,
    );
    // Attention that hands on the latents of the tokens before as they are.
    const f32 = (data: Float32Array, ...shape: number[]): TensorToWrite => ({ dtype: 'F32', shape, data });
    const same = Float32Array.from({ length: d_sae ** 2 }, (_, at) => (at % (d_sae + 1) === 0 ? 1 : 0));
    const narrow = d_sae / 8;
    const attention = Object.entries({
      k_ctx: narrow,
      q_target: narrow,
      v_ctx: d_sae,
      c_proj: d_sae,
    }).flatMap(([name, out]) => [
      [`attn_layers.0.${name}.weight`, f32(same.slice(0, out * d_sae), out, d_sae)] as const,
      [`attn_layers.0.${name}.bias`, f32(new Float32Array(out), out)] as const,
    ]);
    await mkdir(temporal, { recursive: true });
    await writeFile(
      join(temporal, 'latest_ckpt.safetensors'),
      encodeSafetensors({
        D: f32(W_dec, d_sae, d_in),
        E: f32(
          W_enc.map((value) => 4 * d_in * value),
          d_in,
          d_sae,
        ),
        b: f32(b_dec, d_in),
        ...Object.fromEntries(attention),
      }),
    );
    const said = { n_heads: 4, n_attn_layers: 1, bottleneck_factor: 8, sae_diff_type: 'topk', kval_topk: 16 };
    const sae = { exp_factor: d_sae / d_in, tied_weights: false, scaling_factor: 1, ...said };
    await writeFile(join(temporal, 'conf.yaml'), JSON.stringify({ llm: { dimin: d_in }, sae }));
    const asked = kinds.map((path) => `--sae=${path}`);
    const outcome = await evaluate('kinds', ...asked, ...settingWords(LITTLE_TEXT));
    expect({ code: outcome.code, err: outcome.err }).toEqual({ code: 0, err: '' });
    const found = await records('kinds');
    const [byPursuit, bySign, byTime] = ['matching_pursuit', 'topk', 'topk'].map(
      (architecture, i) =>
        found.filter(
          (each) => each.sae.architecture === architecture && (each.sae.variant === 'temporal') === (i === 2),
        )[0]!,
    );
    expect(bySign!.sae).toMatchObject({ d_sae: 2 * d_sae, k: 16 });
    expect(bySign!.sae.source!.conversions.join()).toContain(`each of the ${d_sae} signed latents as two`);
    expect(byPursuit!.sae).toMatchObject({ d_sae, k: null });
    expect(byTime!.sae).toMatchObject({ d_sae, k: 16, layer: 2, variant: 'temporal' });
    const [own] = (await records('own')).filter((each) => each.sae.layer === 2);
    const value = (of: EvaluationRecord, id: 'l0@v1' | 'var_exp@pooled-v1') => of.metrics[id]!.value!;
    for (const each of [byPursuit!, bySign!, byTime!]) {
      expect(value(each, 'l0@v1')).toBeLessThanOrEqual(16);
      expect(value(each, 'var_exp@pooled-v1')).toBeGreaterThan(value(own!, 'var_exp@pooled-v1') - 0.1);
      expect(Object.keys(each.suites)).toEqual(Object.keys(bySign!.suites));
      const names = each.controls!.values.map(({ control }) => control);
      expect(names).toEqual(expect.arrayContaining(['identity', 'permuted_decoder']));
    }
    expect(byTime!.metrics).not.toEqual(own!.metrics);
  });

  it('can stand in a config file; inspect prints what they are', async () => {
    const config = join(folder, 'saes.json');
    const { k: _, rescale_acts_by_decoder_norm: __, ...rest } = trained as TopKSae;
    const threshold = new Float32Array(trained.d_sae).fill(1);
    hub.put('lab/saes', await saeLensFiles({ ...rest, architecture: 'jumprelu', threshold }, 'third'));
    await writeFile(config, JSON.stringify({ train: false, saes: ['lab/saes:second', 'lab/saes:third'] }));
    const outcome = await evaluate('config', `--config=${config}`, ...settingWords(NO_SUITES));
    expect({ code: outcome.code, err: outcome.err }).toEqual({ code: 0, err: '' });
    expect((await records('config')).map(({ sae }) => [sae.layer, sae.architecture, sae.k])).toEqual([
      [2, 'topk', 16],
      [2, 'jumprelu', null],
    ]);
    const shown = await program('inspect', 'lab/saes:second', '--latents=0,7', '--hash');
    expect(shown.out).toMatch(/^format +sae-lens$/m);
    expect(shown.out).toMatch(/^contents +SHA-256 [0-9a-f]{64}$/m);
    expect(shown.out).toMatch(/^ +7: ‖encoder‖ /m);
    const found = await program('inspect', 'saes', '--model=small-world', '--layer=2');
    expect(found.out).toMatch(
      /small-world-res\/layer_2\/width_256\/canonical +resid_post:2 +256 +16 +lab\/saes/,
    );
  });
});

describe('what cannot be evaluated is one line', () => {
  it.each<[string, () => Promise<Record<string, Contents>>, number, RegExp]>([
    [
      'an SAE whose config says another convention than its weights were made for',
      () => saeLensFiles({ ...trained, apply_b_dec_to_input: false }, 'x'),
      3,
      /var_exp -?\d+\.\d{3} as declared and 0\.\d{3} with b_dec subtracted/,
    ],
    [
      'an SAE of another width',
      async () => ({
        'x/cfg.json': { text: await readFile(join(fixtures, 'sae-lens/topk/cfg.json')) },
        'x/sae_weights.safetensors': {
          text: await readFile(join(fixtures, 'sae-lens/topk/sae_weights.safetensors')),
        },
      }),
      2,
      /one of resid_post:2 and width 12; expected a block below 6 and width 128.*its files name "tiny"/,
    ],
    [
      'a transcoder of another width',
      async () => ({
        'x/cfg.json': { text: await readFile(join(fixtures, 'sae-lens/transcoder/cfg.json')) },
        'x/sae_weights.safetensors': {
          text: await readFile(join(fixtures, 'sae-lens/transcoder/sae_weights.safetensors')),
        },
      }),
      2,
      /width 12; expected a block below 6 and width 128/,
    ],
    [
      'a repository without it',
      async () => ({ 'y/cfg.json': { text: '{}' } }),
      2,
      /found no files of an SAE there/,
    ],
  ])('%s', async (name, files, code, message) => {
    const repo = `lab/${name.replaceAll(' ', '-').slice(0, 40)}`;
    hub.put(repo, await files());
    const outcome = await evaluate('bad', '--fresh', `--sae=${repo}:x`);
    expect(outcome.err).toMatch(message);
    expect(outcome.err.trim().split('\n')).toHaveLength(1);
    expect(outcome.code).toBe(code);
  });

  it('a folder of several layers, unless one is named', async () => {
    const at = join(folder, 'several');
    await cp(join(folder, 'runs', 'own'), at, { recursive: true });
    const outcome = await evaluate('bad', '--fresh', `--sae=${at}`);
    expect(outcome.err).toMatch(/found no layer; expected one of 0, 2, 4/);
    expect(outcome.code).toBe(2);
  });
});
