import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './pages.ts';

it('the newest section of the changelog is the version that both packages would have', async () => {
  const changes = await readFile(join(root, 'CHANGELOG.md'), 'utf8');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [, newest] = /^## (.*)$/m.exec(changes) ?? [];
  expect(newest).toBe(version);
  const [section = ''] = changes.split(/^## .*$/m).slice(1);
  expect(section.trim().length).toBeGreaterThan(0);
});
