import { describe, expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { hookOf } from '../../../../runner/hook.ts';
import { heldoutSamples } from '../../../../runner/job/evaluation/heldout-samples.ts';
import { sharesOf } from '../../../../runner/job/shards/shares.ts';
import { checkSource, modelFiles, modelShape } from '../../../../runner/job/shared/model-place.ts';
import { sampleActivations } from '../../../../runner/job/training-data/sample-activations.ts';
import { openSynthetic } from '../../../../runner/synthetic/model.ts';
import { packingPosition } from '../../../../runner/text/packing.ts';
import { fixture } from '../../synthetic/fixture.ts';

const place = { folder: `${fixture}model`, revision: null };
const config = await resolveRun(['synthetic-small'], { set: ['sae.batchTokens=128'] });
const voice = { stopRequested: () => false };

describe('samples as the stream of training', () => {
  it('goes on from where an earlier run stood', async () => {
    const whole = sampleActivations(config, await openSynthetic(place.folder), undefined, voice);
    const first = await whole.next();
    const second = await whole.next();
    // As it stands in a checkpoint.
    const position = packingPosition.parse(JSON.parse(JSON.stringify(first.position)));
    const later = sampleActivations(config, await openSynthetic(place.folder), position, voice);
    expect(await later.next()).toEqual(second);
    expect(second.activations.get('L0')).not.toEqual(first.activations.get('L0'));
    expect(first.activations.get('L0')).toHaveLength(128 * 16);
  });

  it('are not those of evaluation, whatever the seeds', async () => {
    const model = await openSynthetic(place.folder);
    const source = sampleActivations(config, model, undefined, voice);
    const trained = new Set<string>();
    const rows = (x: Float32Array): string[] =>
      Array.from({ length: x.length / 16 }, (_, row) => x.subarray(16 * row, 16 * (row + 1)).join());
    for (let pass = 0; pass < 8; pass++) {
      for (const row of rows((await source.next()).activations.get('L0')!)) trained.add(row);
    }
    // As good as no two samples are equal by chance: those in which nothing fires are, in either stream.
    const silent = model.parts.bias.join();
    expect(trained.size).toBeGreaterThan(800);
    for (const seed of [config.corpus.trainSeed, config.corpus.heldoutSeed]) {
      const batches = heldoutSamples(config, seed, 1_100);
      expect(batches.map((batch) => batch.rows)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 1]);
      for (const batch of batches) {
        const [x] = await model.residuals(batch);
        expect(rows(x!).filter((row) => row !== silent && trained.has(row))).toEqual([]);
      }
    }
  });
});

describe('shards of a run on samples', () => {
  it('take SAEs by what they cost alone: the model costs nothing', () => {
    const saes = [64, 64, 128, 512].map((d_sae, i) => ({
      id: String(i),
      ...hookOf(0),
      d_sae,
      trained: true,
    }));
    const shares = sharesOf({ config, suites: [], checkpoint: null }, saes, 2);
    expect(shares.map((share) => share.saes.map(({ id }) => id))).toEqual([['0', '1', '2'], ['3']]);
    expect(shares.map(({ passes }) => passes)).toEqual([0, 0]);
  });
});

describe("a synthetic model's place", () => {
  it('has its width from the configuration, and its files by name', async () => {
    const shape = await modelShape(place);
    expect(shape).toMatchObject({ dModel: 16, blocks: 1, onlyHook: 0 });
    expect(shape.widthAt({ layer: 0, site: 'resid_post', ofModule: false })).toBe(16);
    expect(await modelFiles(place)).toContain('hierarchy.json');
  });

  it('reads samples alone, and a language model none', () => {
    expect(() => checkSource(place, { source: 'samples' })).not.toThrow();
    expect(() => checkSource(place, { source: 'small-world' })).toThrow(/corpus.source=samples/);
    expect(() => checkSource({ folder: '.', revision: null }, { source: 'samples' })).toThrow(/synthetic/);
  });

  it('has no held-out text beside its samples', async () => {
    await expect(resolveRun(['synthetic-small'], { set: ['corpus.heldout=c4-validation'] })).rejects.toThrow(
      /corpus.heldout/,
    );
  });
});
