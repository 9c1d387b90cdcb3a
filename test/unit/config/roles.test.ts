import { beforeAll, describe, expect, it } from 'vitest';
import { describeFields } from '../../../runner/config/describe-fields.ts';
import { resolveRun } from '../../../runner/config/resolve.ts';
import {
  differingSettings,
  recordedSettings,
  roleOf,
  trainingSettings,
} from '../../../runner/config/roles.ts';
import { type RunConfig, runConfig } from '../../../runner/config/run-config.ts';

let config: RunConfig;
beforeAll(async () => {
  config = await resolveRun(['small-world-quick'], {});
});

/** The configuration with another value of one setting, whatever the schema thinks of it. */
function changed(path: string): RunConfig {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  let at = copy;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  at[last] = typeof at[last] === 'boolean' ? !at[last] : 'another value';
  return copy as unknown as RunConfig;
}

describe('every setting of the schema', () => {
  const settings = describeFields(runConfig).map(({ path }) => path);

  it.each(settings.filter((path) => path !== 'train'))(
    '%s has a role, and counts where that says',
    (path) => {
      const role = roleOf(path);
      const other = changed(path);
      const isTraining = JSON.stringify(trainingSettings(other)) !== JSON.stringify(trainingSettings(config));
      const isRecorded = JSON.stringify(recordedSettings(other)) !== JSON.stringify(recordedSettings(config));
      const decidesWeights = role === 'training' || role === 'both';
      expect({ isTraining, isRecorded }).toEqual({
        isTraining: decidesWeights,
        isRecorded: decidesWeights || role === 'evaluation',
      });
      expect(differingSettings(config, other)).toEqual(decidesWeights ? [path] : []);
    },
  );

  it.each([
    ['sae.k', 'training'],
    ['layers', 'training'],
    ['corpus.trainSeed', 'training'],
    ['training.tokens', 'training'],
    ['corpus.heldoutSeed', 'evaluation'],
    ['validation.tokens', 'evaluation'],
    ['probing.tasks', 'evaluation'],
    ['evaluation.kValues', 'evaluation'],
    ['saes', 'evaluation'],
    ['sae.batchTokens', 'both'],
    ['device', 'both'],
    ['upload.everyTokens', 'along-training'],
    ['upload.private', 'beside'],
  ])('%s decides the %s', (path, role) => expect(roleOf(path)).toBe(role));

  it('is known by its name alone', () => {
    expect(() => roleOf('training.policy.nothing.deeper')).not.toThrow();
    expect(() => roleOf('corpus.nothing')).toThrow(RangeError);
    expect(() => roleOf('corpus')).toThrow(RangeError);
  });
});

it('a run that trains nothing has no setting of training', () => {
  const measuring = { ...config, train: false };
  expect(trainingSettings(measuring)).toEqual(trainingSettings({ ...measuring, layers: [5] }));
  expect(recordedSettings(measuring)).not.toEqual(recordedSettings({ ...measuring, layers: [5] }));
});
