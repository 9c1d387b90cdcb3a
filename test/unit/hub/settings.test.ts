import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readHubSettings, Secret } from '../../../runner/hub/settings.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'interpboard-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe('readHubSettings', () => {
  const empty = {
    HF_ENDPOINT: '',
    HF_HOME: '',
    HF_HUB_CACHE: '',
    HUGGINGFACE_HUB_CACHE: '',
    XDG_CACHE_HOME: '',
    HF_TOKEN: '',
    HF_TOKEN_PATH: '',
    HF_HUB_OFFLINE: '',
  };
  test.each([{}, empty])(
    'without variables: the public hub, the usual cache, no token: %o',
    async (given) => {
      expect(await readHubSettings(given, home)).toEqual({
        endpoint: 'https://huggingface.co',
        token: null,
        cacheFolder: join(home, '.cache/huggingface/hub'),
        offline: false,
        symlinks: true,
      });
    },
  );

  test.each([
    [{ HF_HOME: '/data/hf' }, '/data/hf/hub'],
    [{ HF_HOME: '/data/hf', HF_HUB_CACHE: '/fast' }, '/fast'],
    [{ HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ XDG_CACHE_HOME: '/xdg' }, '/xdg/huggingface/hub'],
    [{ HF_HOME: '$BASE/hf', BASE: '/b' }, '/b/hf/hub'],
  ])('cache folder of %o', async (environment, folder) => {
    expect((await readHubSettings(environment, home)).cacheFolder).toBe(resolve(folder));
  });

  test('~ is the home folder', async () => {
    expect((await readHubSettings({ HF_HOME: '~/hf' }, home)).cacheFolder).toBe(join(home, 'hf/hub'));
  });

  test('the token comes from HF_TOKEN, else from the file in HF_HOME', async () => {
    await mkdir(join(home, 'hf'));
    await writeFile(join(home, 'hf/token'), 'hf_fromFile\n');
    const at = { HF_HOME: join(home, 'hf') };
    expect((await readHubSettings(at, home)).token?.reveal()).toBe('hf_fromFile');
    expect((await readHubSettings({ ...at, HF_TOKEN: ' hf_fromVariable\n' }, home)).token?.reveal()).toBe(
      'hf_fromVariable',
    );
    expect((await readHubSettings({ ...at, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }, home)).token).toBeNull();
  });

  test.each(['ftp://hub', 'nonsense', 'https://user:pa55@hub.example', 'https://hub.example/?x=pa55'])(
    'endpoint %s is refused without being quoted',
    async (endpoint) => {
      const error = await readHubSettings({ HF_ENDPOINT: endpoint }, home).catch((each: unknown) => each);
      expect(String(error)).toMatch(/HF_ENDPOINT.*expected an http/);
      expect(String(error)).not.toContain('pa55');
    },
  );

  test('a mirror under a path; offline; no links', async () => {
    const environment = { HF_ENDPOINT: 'http://mirror.example/hf/', HF_HUB_OFFLINE: 'yes' };
    expect(await readHubSettings({ ...environment, HF_HUB_DISABLE_SYMLINKS: '1' }, home)).toMatchObject({
      endpoint: 'http://mirror.example/hf',
      offline: true,
      symlinks: false,
    });
  });

  test('a token that cannot be a header is refused without being quoted', async () => {
    const error = await readHubSettings({ HF_TOKEN: 'hf_two words' }, home).catch((each: unknown) => each);
    expect(String(error)).toMatch(/HF_TOKEN: found spaces/);
    expect(String(error)).not.toContain('two words');
  });
});

test('a secret is not printed by String, JSON or inspect', () => {
  const settings = { token: new Secret('hf_abc') };
  const prints = [String(settings.token), `${settings.token}`, JSON.stringify(settings)];
  for (const shown of [...prints, inspect(settings, { depth: 9, showHidden: true })]) {
    expect(shown).not.toContain('hf_abc');
    expect(shown).toContain('[token]');
  }
});
