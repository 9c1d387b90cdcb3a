import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { shownHashes } from '../../../runner/commands/hashing.ts';
import { progressView } from '../../../runner/commands/progress.ts';

afterEach(() => void vi.unstubAllEnvs());

test('reading a large file for its hash is a stage that is shown; a small one is not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-hashing-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
  try {
    const [small, large] = [join(folder, 'small'), join(folder, 'large')];
    await writeFile(small, 'small');
    const file = await open(large, 'w');
    await file.truncate(80 << 20);
    await file.close();
    let shown = '';
    const view = progressView({ write: (text) => (shown += text), isTTY: true, columns: 120 });
    const hash = shownHashes(view);
    await hash([small]);
    expect(shown).toBe('');
    const [hashed] = await hash([large]);
    // Of 80 MiB of zeros, by sha256sum.
    expect(hashed).toEqual({
      bytes: 80 << 20,
      sha256: '33a3a11d54de8ede604c243cedfde1ef4b534d5ea3279c9dd57df314045c23df',
    });
    expect(shown).toMatch(/hashing {5}\d % · [\d.]+M\/83\.9M B/);
    expect(shown).toMatch(/hashing {3}100 % · 83\.9M\/83\.9M B/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
