import { readdirSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoModelFolder } from '../../runner/demo/index.ts';
import { readFloats, readSafetensors } from '../../runner/formats/safetensors.ts';
import { withFile } from '../../runner/io/byte-source.ts';
import { componentNames } from '../../runner/report/definitions.ts';
import { interpScoreOf, measureOf } from '../../runner/report/measures.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { demoModelFiles } from '../hub/demo-model.ts';
import { startStandIn } from '../hub/stand-in.ts';
import { slowTest } from '../sample.ts';
import {
  canInterrupt,
  NO_SUITES,
  type Program,
  readRecords,
  settingWords,
  startProgram,
  until,
} from './program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-eval-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts the program at a reduced size, with its folders inside a temporary one. */
function start(place: string, ...args: string[]): Program {
  return startWith({}, place, ...args);
}

function startWith(environment: Record<string, string>, place: string, ...args: string[]): Program {
  const places = { runs: 'runs', content: 'content', out: 'dist' };
  const words = Object.entries(places).map(([name, at]) => `--${name}=${join(folder, place, at)}`);
  return startProgram(['eval', quick, ...words, ...args], {
    INTERPBOARD_CACHE: join(folder, place, 'astro'),
    ...environment,
  });
}

const quick = 'small-world-quick';

function runFolder(place: string): string {
  return join(folder, place, 'runs', quick);
}

function records(place: string): Promise<EvaluationRecord[]> {
  return readRecords(join(folder, place, 'content', 'measured', quick));
}

/** Everything of a record that a repeated run must give again. */
function repeatable(each: EvaluationRecord): unknown {
  const { provenance, trajectory, ...rest } = each;
  const points = trajectory?.points.map(({ tokens_per_second: _, ...point }) => point);
  return { ...rest, points, seeds: provenance.seeds, config: provenance.config_sha256 };
}

describe('eval', () => {
  it('trains, evaluates, writes records and exports, builds the site, prints the scores', async () => {
    const { code, out, err } = await start('whole').outcome;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('InterpScore');
    expect(out).toMatch(/report .*dist/);
    const found = await records('whole');
    expect(found.map((each) => each.sae.layer)).toEqual([0, 2, 4]);
    for (const each of found) {
      expect(each.kind).toBe('measured');
      expect(each.metrics['var_exp@pooled-v1']?.value).toBeGreaterThan(0.2);
      const { score, components, weights } = interpScoreOf(each)!;
      expect(components.loss_recovered.value).toBeGreaterThan(0.3);
      const sum = componentNames.reduce((total, name) => total + weights[name] * components[name].value!, 0);
      expect(score.value).toBeCloseTo(sum, 12);
      expect(score.value !== null && score.interval).toBeTruthy();
      expect(each.trajectory?.points.length).toBeGreaterThan(3);
      const recovered = measureOf(each, 'kl_recovered@saebench-core');
      expect(recovered).toMatchObject({ value: expect.any(Number), interval: { low: expect.any(Number) } });
      const { suites } = each;
      expect(suites.core?.tables?.text?.[0]?.cells).toMatchObject({ rows: 8, row_tokens: 128 });
      const probing = suites['k-sparse']!.curves!.accuracy!;
      expect(probing.points.map(({ at }) => at)).toEqual([1, 2, 5, 10, 20, 50]);
      // Latents chosen well leave chance behind, and nothing beats the whole residual by much.
      expect(probing.points[5]!.values.sae!.value).toBeGreaterThan(0.6);
      expect(suites.tpp?.curves?.tpp?.points.at(-1)?.values.tpp).toEqual({
        value: null,
        reason: '500 of 256 latents cannot be ablated',
      });
      expect(suites.scr?.tables?.pairs).toHaveLength(2);
    }
    const files = await readdir(runFolder('whole'));
    for (const layer of [0, 2, 4]) {
      expect(files).toContain(`interpscore_L${layer}.json`);
      expect(files).toContain(`sae_L${layer}_latest.safetensors`);
      expect(files).toContain(`sae_L${layer}_cfg.json`);
    }
    expect(files).toEqual(
      expect.arrayContaining(['val_report.json', `interpscore_${quick}.json`, 'run.json', 'records']),
    );
    expect(files).not.toContain('lock');
    const page = await readFile(join(folder, 'whole', 'dist', 'index.html'), 'utf8');
    expect(page).toContain(found[0]!.model.id);
  });

  it('says that it is up to date the second time, and puts back what is missing', async () => {
    const before = await records('whole');
    await rm(join(folder, 'whole', 'content'), { recursive: true });
    const again = await start('whole', '--no-site').outcome;
    expect(again.code).toBe(0);
    expect(again.out).toContain('up to date');
    expect(await records('whole')).toEqual(before);
  });

  it('refuses other settings under the same name', async () => {
    const { code, err } = await start('whole', '--no-site', '--set=sae.k=4').outcome;
    expect(code).toBe(2);
    expect(err).toMatch(/^error: run folder .*--fresh\.\n$/);
    // Layers that no run of the model can have are no reason to start over.
    const { err: layers } = await start('whole', '--no-site', '--layers=9').outcome;
    expect(layers).toMatch(/^error: hook layer: found 9; expected a block between 0 and 5\. .*\n$/);
  });

  it.runIf(canInterrupt)(
    'stops at Ctrl-C with its state saved, and resumes to the same numbers',
    async () => {
      const stopped = start('cut', '--no-site');
      await until(() => generations('cut') >= 1, stopped);
      stopped.child.kill('SIGINT');
      const first = await stopped.outcome;
      expect({ code: first.code, err: first.err }).toEqual({ code: 130, err: '' });
      expect(await readdir(runFolder('cut'))).not.toContain('lock');
      const second = await start('cut', '--no-site').outcome;
      expect({ code: second.code, err: second.err }).toEqual({ code: 0, err: '' });
      expect(second.out).toContain('resumes training');
      expect((await records('cut')).map(repeatable)).toEqual((await records('whole')).map(repeatable));
      // Not only the figures: the weights are the same bits.
      const [a, b] = await Promise.all(['whole', 'cut'].map((place) => weights(place, 2)));
      expect(a).toEqual(b);
    },
  );

  slowTest('survives kill -9 at any moment', async () => {
    const killed = start('killed', '--no-site');
    await until(() => generations('killed') >= 2, killed);
    killed.child.kill('SIGKILL');
    await killed.outcome;
    const second = await start('killed', '--no-site').outcome;
    expect({ code: second.code, err: second.err }).toEqual({ code: 0, err: '' });
    expect((await records('killed')).map(repeatable)).toEqual((await records('whole')).map(repeatable));
  });
});

describe('a model on the hub', () => {
  const little = ['--layers=2', ...settingWords(NO_SUITES)];

  it('is downloaded once, pinned in the record, and found again offline', async () => {
    const hub = await startStandIn();
    try {
      const files = await demoModelFiles();
      files['README.md'] = { text: 'not needed' };
      const commit = hub.put('lab/tiny', files);
      const environment = { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'hub', 'home'), HF_TOKEN: '' };
      const args = ['hub', '--no-site', '--model=lab/tiny', '--set=training.tokens=4096', ...little] as const;
      const online = await startWith(environment, ...args).outcome;
      expect({ code: online.code, err: online.err }).toEqual({ code: 0, err: '' });
      const [first] = await records('hub');
      expect(first?.model).toMatchObject({ id: 'lab/tiny', revision: commit, family: 'qwen3' });
      expect(first?.provenance.source).toContain('--model=lab/tiny');
      expect(hub.requests.some(({ address }) => address.includes('README'))).toBe(false);
      const asked = hub.requests.length;
      const offline = await startWith({ ...environment, HF_HUB_OFFLINE: '1' }, ...args).outcome;
      expect({ code: offline.code, err: offline.err }).toEqual({ code: 0, err: '' });
      expect(offline.out).toContain('up to date');
      expect(hub.requests).toHaveLength(asked);
    } finally {
      await hub.close();
    }
  });

  it.runIf(canInterrupt)(
    'whose download is stopped by Ctrl-C is no defect, and goes on from the part that came',
    async () => {
      const hub = await startStandIn();
      try {
        const files = await demoModelFiles();
        hub.put('lab/slow', files);
        hub.faults.push({ on: 'cdn', method: 'GET', times: 1, does: { kind: 'stall', after: 100_000 } });
        const environment = { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'slow', 'home'), HF_TOKEN: '' };
        const args = [
          'slow',
          '--no-site',
          '--model=lab/slow',
          '--set=training.tokens=2048',
          ...little,
        ] as const;
        const stopped = startWith(environment, ...args);
        await until(
          () => hub.requests.some(({ host, method }) => host === 'cdn' && method === 'GET'),
          stopped,
        );
        await new Promise((resolve) => setTimeout(resolve, 500));
        stopped.child.kill('SIGINT');
        const first = await stopped.outcome;
        expect({ code: first.code, err: first.err }).toEqual({ code: 130, err: '' });
        expect(first.out).toContain('goes on from there');
        const second = await startWith(environment, ...args).outcome;
        expect({ code: second.code, err: second.err }).toEqual({ code: 0, err: '' });
        expect(hub.requests.at(-1)?.range).toMatch(/^bytes=[1-9]/);
      } finally {
        await hub.close();
      }
    },
  );

  it('that is not there is one line with the next step', async () => {
    const hub = await startStandIn();
    try {
      const environment = { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'missing', 'home'), HF_TOKEN: '' };
      const outcome = await startWith(environment, 'missing', '--no-site', '--model=lab/nothing').outcome;
      expect(outcome.err).toMatch(/^error: .*lab\/nothing.*\n$/);
      expect(outcome.code).toBe(2);
    } finally {
      await hub.close();
    }
  });
});

describe('bad input is one line and an exit code by its class', () => {
  const cases: [string, string[], number, RegExp][] = [
    ['an unknown option', ['--frsh'], 2, /options of eval.*--frsh/],
    ['an unknown setting', ['--set=sae.kk=3'], 2, /settings of sae: found "kk"; expected one of/],
    ['a setting of the wrong kind', ['--set=sae.k=many'], 2, /setting sae\.k/],
    ['an unknown device', ['--device=tpu'], 2, /device: found "tpu"; expected one of cpu/],
    ['a layer the model lacks', ['--layers=0,6'], 2, /hook layer: found 6; expected a block between 0 and 5/],
    ['a model folder that is not there', ['--model=/nowhere'], 2, /found no config\.json/],
    ['a config file that is not there', ['--config=/nowhere.json'], 2, /config file .*no such file/],
  ];
  it.each(cases)('%s', async (name, args, code, message) => {
    const place = `bad-${name.replaceAll(' ', '-')}`;
    const outcome = await start(place, '--no-site', ...args).outcome;
    expect(outcome.err).toMatch(message);
    expect(outcome.err.trim().split('\n')).toHaveLength(1);
    expect(outcome.code).toBe(code);
    expect(await readdir(join(folder, place, 'content')).catch(() => [])).toEqual([]);
  });

  it('a truncated model file', async () => {
    const model = join(folder, 'model');
    await cp(demoModelFolder, model, { recursive: true });
    await truncate(join(model, 'model.safetensors'), 100_000);
    const outcome = await start('truncated', '--no-site', `--model=${model}`).outcome;
    expect(outcome.err).toMatch(/^error: safetensors .*cut short.*\n$/);
    expect(outcome.code).toBe(3);
  });

  it('a malformed config file', async () => {
    const path = join(folder, 'config.json');
    await writeFile(path, '{"training": ');
    const outcome = await start('config', '--no-site', `--config=${path}`).outcome;
    expect(outcome.err).toMatch(/^error: config file .*\n$/);
    expect(outcome.code).toBe(2);
  });
});

async function weights(place: string, layer: number): Promise<Float32Array> {
  return withFile(join(runFolder(place), `sae_L${layer}_latest.safetensors`), async (source) =>
    readFloats(source, await readSafetensors(source), 'W_dec'),
  );
}

/** Number of the newest saved state of a run in training. */
function generations(place: string): number {
  try {
    const names = readdirSync(join(runFolder(place), 'checkpoints'));
    return Math.max(0, ...names.map((name) => Number(/^generation-(\d+)$/.exec(name)?.[1] ?? 0)));
  } catch {
    return 0;
  }
}
