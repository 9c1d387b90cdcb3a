import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { locateModel } from '../../../runner/commands/locate-model.ts';
import { startStandIn } from '../../hub/stand-in.ts';

afterEach(() => vi.unstubAllEnvs());

test('a model comes with its chat template, and without files that nothing reads', async () => {
  const server = await startStandIn();
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-model-'));
  vi.stubEnv('HF_ENDPOINT', server.url);
  vi.stubEnv('HF_HOME', folder);
  vi.stubEnv('HF_TOKEN', '');
  try {
    const names = [
      'config.json',
      'tokenizer.json',
      'chat_template.jinja',
      'model.safetensors',
      'README.md',
      'pytorch_model.bin',
    ];
    server.put('owner/name', Object.fromEntries(names.map((name) => [name, { text: name }])));
    const place = await locateModel('owner/name', { show: () => {}, line: () => {}, end: () => {} });
    expect((await readdir(place.folder)).sort()).toEqual([
      'chat_template.jinja',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
