/** State that a run left in its repository: taken whole, or refused in one line; what lies there may be anybody's. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import type { RunConfig } from '../../../../runner/config/run-config.ts';
import { trainedHooks } from '../../../../runner/config/trained-hooks.ts';
import { demoModelFolder } from '../../../../runner/demo/index.ts';
import { MalformedError, UserError } from '../../../../runner/errors.ts';
import { hookLabel } from '../../../../runner/hook.ts';
import type { HubReference } from '../../../../runner/hub/reference.ts';
import { type Fetching, fetchResume, findResume } from '../../../../runner/job/release/hub-resume.ts';
import { checkStamp, type ResumeStamp, STAMP, stampOf } from '../../../../runner/job/release/resume-stamp.ts';
import { limitsOfCheckpoint } from '../../../../runner/job/run/hub-state.ts';
import { trainedSaes, withWidths } from '../../../../runner/job/shared/planned-saes.ts';
import { random } from '../../../../runner/math/random.ts';
import { checkpointStore } from '../../../../runner/train/checkpoint.ts';
import { newTrainingState } from '../../../../runner/train/sae-trainer.ts';
import { withBench } from '../../../hub/open.ts';
import type { Contents } from '../../../hub/repositories.ts';
import type { StandIn } from '../../../hub/stand-in.ts';

const D_IN = 128;
const model = { folder: demoModelFolder, revision: null };
const identity = { config: 'c'.repeat(64), model: 'a'.repeat(64) };
const repository: HubReference = {
  kind: 'hub',
  type: 'model',
  repo: 'lab/saes',
  revision: 'main',
  path: null,
};

let base: string;
let config: RunConfig;
let stamp: ResumeStamp;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'hub-resume-'));
  const set = ['layers=[0,2]', 'sae.dSae=16', 'sae.k=4', 'sae.kAux=4', 'sae.biasInitSamples=32'];
  config = await resolveRun(['small-world-quick'], { set });
  stamp = { ...stampOf(config, identity, '2026-01-01T00:00:00.000Z'), tokens: 0, seconds: 1.5 };
});
afterEach(() => rm(base, { recursive: true }));

/** A checkpoint's files as an upload sends them. */
async function resumeFiles(): Promise<Record<string, Contents>> {
  const plans = withWidths(
    trainedSaes(config),
    new Map(trainedHooks(config).map((hook) => [hookLabel(hook), D_IN])),
  );
  const stream = random('hub-resume');
  const samples = Float32Array.from({ length: 32 * D_IN }, () => stream.gaussian());
  const saes = new Map(plans.map((plan) => [plan.id, newTrainingState(plan, samples)]));
  const folder = join(base, 'written');
  await rm(folder, { recursive: true, force: true });
  const generation = await checkpointStore(folder).save(
    { state: { plans, saes }, position: null },
    new Map([[STAMP, [Buffer.from(JSON.stringify(stamp))]]]),
  );
  const names = await readdir(generation);
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => {
        const bytes = await readFile(join(generation, name));
        return [`resume/${name}`, { text: bytes, lfs: bytes.length > 10_000 }] as const;
      }),
    ),
  );
}

interface Place extends Fetching {
  server: StandIn;
}

function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  return withBench(({ hub, server }) => use({ hub, server, folder: join(base, 'run') }));
}

async function take(place: Place): Promise<void> {
  const found = await findResume(place, repository);
  if (found === undefined) throw new Error('nothing was found');
  await fetchResume(place, found, await limitsOfCheckpoint(config, model, null));
}

const nothing = async (): Promise<string[]> => readdir(join(base, 'run', 'checkpoints')).catch(() => []);

test('becomes the only checkpoint of the run, as it was written', () =>
  withPlace(async (place) => {
    place.server.put('lab/saes', { ...(await resumeFiles()), 'README.md': { text: 'words' } });
    const found = await findResume(place, repository);
    expect(found?.stamp).toEqual(stamp);
    await fetchResume(place, found!, await limitsOfCheckpoint(config, model, null));
    const here = await checkpointStore(join(base, 'run', 'checkpoints')).load();
    const there = await checkpointStore(join(base, 'written')).load();
    expect(here?.checkpoint).toEqual(there?.checkpoint);
    expect(here?.damaged).toEqual([]);
    expect(await readdir(join(base, 'run'))).toEqual(['checkpoints']);
    // Nothing of it in the cache that other programs share.
    expect(await readdir(join(place.hub.settings.cacheFolder, 'models--lab--saes'))).toEqual(['trees']);
  }));

test('is not there: no repository, an empty one, one with SAEs alone', () =>
  withPlace(async (place) => {
    expect(await findResume(place, repository)).toBeUndefined();
    place.server.put('lab/saes', {});
    expect(await findResume(place, repository)).toBeUndefined();
    place.server.put('lab/saes', { 'sae_L0_latest.safetensors': { text: 'weights' } });
    expect(await findResume(place, repository)).toBeUndefined();
    expect(await readdir(base)).toEqual([]);
  }));

test('goes on where it was cut off, and forgets what the branch has left', () =>
  withPlace(async (place) => {
    place.server.lfsFrom = 1;
    place.server.put('lab/saes', await resumeFiles());
    place.server.faults.push({
      on: 'cdn/',
      times: Number.POSITIVE_INFINITY,
      does: { kind: 'cut', after: 9_000 },
    });
    const cut = {
      ...place,
      hub: { ...place.hub, rangeBytes: 20_000, retryPolicy: { ...place.hub.retryPolicy, attempts: 1 } },
    };
    await expect(take(cut)).rejects.toThrow(/L0\.safetensors/);
    expect(await nothing()).toEqual([]);
    const [commit] = await readdir(join(base, 'run', 'resuming'));
    const parts = await readdir(join(base, 'run', 'resuming', commit!));
    expect(parts.some((name) => name.endsWith('.incomplete'))).toBe(true);
    place.server.faults.length = 0;
    place.server.requests.length = 0;
    await take(place);
    expect(
      place.server.requests.some(({ host, range }) => host === 'cdn' && range?.startsWith('bytes=9000-')),
    ).toBe(true);

    await rm(join(base, 'run'), { recursive: true });
    place.server.faults.push({
      on: 'cdn/',
      times: Number.POSITIVE_INFINITY,
      does: { kind: 'cut', after: 9_000 },
    });
    await expect(take(cut)).rejects.toThrow();
    place.server.faults.length = 0;
    stamp = { ...stamp, tokens: 7 };
    place.server.put('lab/saes', await resumeFiles());
    await take(place);
    expect(await readdir(join(base, 'run'))).toEqual(['checkpoints']);
    const { files } = (await checkpointStore(join(base, 'run', 'checkpoints')).load())!;
    expect(JSON.parse(await readFile(files.get(STAMP)!, 'utf8'))).toEqual(stamp);
  }));

describe('of another run is refused by what differs', () => {
  const own = async (...set: string[]) =>
    stampOf(
      await resolveRun(['small-world-quick'], {
        set: ['layers=[0,2]', 'sae.dSae=16', 'sae.k=4', 'sae.kAux=4', 'sae.biasInitSamples=32', ...set],
      }),
      identity,
      '2026-02-02T00:00:00.000Z',
    );
  const check = async (...set: string[]) => checkStamp(stamp, await own(...set), 'resume/ of lab/saes');

  test('settings, by name', async () => {
    await expect(check('sae.k=8', 'corpus.trainSeed=7')).rejects.toThrow(
      /^resume\/ of lab\/saes: found the state of a run with other settings \(corpus, sae\); expected/,
    );
    await expect(check('sae.k=8')).rejects.toBeInstanceOf(UserError);
  });
  test('the model’s files', async () => {
    const other = { ...(await own()), model: 'b'.repeat(64) };
    expect(() => checkStamp(stamp, other, 'resume/')).toThrow(/a run on other model files/);
  });
  test('not by where it is sent, where its model lies, or when it began', async () => {
    await check('upload.repository=lab/saes', 'upload.everyTokens=5', 'model.reference=/elsewhere/model');
    await check(
      'evaluation.tokens=8192',
      'probing.sets=[]',
      'corpus.heldoutSeed=9',
      'validation.tokens=4096',
    );
  });
});

describe('that breaks its limits is refused before it is fetched', () => {
  const edit = (files: Record<string, Contents>, name: string, change: (value: never) => unknown): void => {
    const path = `resume/${name}`;
    files[path] = { text: JSON.stringify(change(JSON.parse(String(files[path]!.text)) as never)) };
  };
  type Manifest = { files: Record<string, { bytes: number; sha256: string }> };

  const cases: [string, (files: Record<string, Contents>) => void, RegExp][] = [
    [
      'a run.json that is no JSON',
      (files) => (files['resume/run.json'] = { text: '{' }),
      /run\.json that is no JSON/,
    ],
    [
      'a field that this version does not know',
      (files) => edit(files, 'run.json', (value: object) => ({ ...value, also: 'this' })),
      /run\.json: .*[Uu]nrecognized/,
    ],
    [
      'a run.json larger than any',
      (files) => (files['resume/run.json'] = { text: ' '.repeat(2 ** 20 + 1), lfs: true }),
      /run\.json of 1048577 bytes/,
    ],
    ['no run.json', (files) => delete files['resume/run.json'], /no run\.json/],
    [
      'text of another repository under the name of the run’s',
      (files) =>
        edit(files, 'run.json', (value: object) => ({
          ...value,
          text: [{ given: 'datasets/lab/mine', data: `datasets/lab/theirs@${'0'.repeat(40)}` }],
        })),
      /theirs/,
    ],
    [
      'text of this machine',
      (files) =>
        edit(files, 'run.json', (value: object) => ({
          ...value,
          text: [{ given: 'datasets/lab/mine', data: '/etc/passwd' }],
        })),
      /etc\/passwd/,
    ],
    [
      'a manifest that is none',
      (files) => (files['resume/manifest.json'] = { text: '[]' }),
      /manifest\.json: /,
    ],
    [
      'a file that no checkpoint of this run has',
      (files) =>
        edit(files, 'manifest.json', ({ files }: Manifest) => ({
          files: { ...files, '../../evil': { bytes: 1, sha256: '' } },
        })),
      /a file "\.\.\/\.\.\/evil"/,
    ],
    [
      'no SAE',
      (files) =>
        edit(files, 'manifest.json', ({ files: { 'L2.safetensors': _, ...rest } }: Manifest) => ({
          files: rest,
        })),
      /no L2\.safetensors/,
    ],
    [
      'another size than listed',
      (files) =>
        edit(files, 'manifest.json', ({ files }: Manifest) => ({
          files: { ...files, 'state.json': { ...files['state.json'], bytes: 3 } },
        })),
      /state\.json of \d+ bytes, in its list 3/,
    ],
    [
      'weights larger than the run’s',
      (files) => {
        const bytes = 3 * 2 ** 20;
        files['resume/L0.safetensors'] = { text: Buffer.alloc(bytes), lfs: true };
        edit(files, 'manifest.json', ({ files }: Manifest) => ({
          files: { ...files, 'L0.safetensors': { bytes, sha256: '' } },
        }));
      },
      /L0\.safetensors of 3145728 bytes.*at most 1099520/,
    ],
  ];
  test.each(cases)('%s', (_, spoil, message) =>
    withPlace(async (place) => {
      const files = await resumeFiles();
      spoil(files);
      place.server.put('lab/saes', files);
      const failed = await take(place).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(MalformedError);
      expect(String(failed)).toMatch(message);
      expect(await nothing()).toEqual([]);
      const asked = place.server.requests.filter(({ address }) => address.includes('/resolve/'));
      expect(asked.filter(({ address }) => !/\/(run|manifest)\.json$/.test(address))).toEqual([]);
    }),
  );
});

test('whose contents are other than its list says is noticed when it is read', () =>
  withPlace(async (place) => {
    const files = await resumeFiles();
    const weights = Buffer.from(files['resume/L0.safetensors']!.text);
    weights[weights.length - 9] = weights[weights.length - 9]! ^ 1;
    place.server.put('lab/saes', { ...files, 'resume/L0.safetensors': { text: weights, lfs: true } });
    await take(place);
    await expect(checkpointStore(join(base, 'run', 'checkpoints')).load()).rejects.toThrow(
      /none intact.*other contents/,
    );
  }));
