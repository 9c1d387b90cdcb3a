import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mutations } from '../mutation/mutations.ts';

const root = new URL('../../', import.meta.url);

it('what each mutation changes stands once in its file', () => {
  const times = mutations.map(({ file, from }) => ({
    file,
    from,
    times: readFileSync(fileURLToPath(new URL(file, root)), 'utf8').split(from).length - 1,
  }));
  expect(times.filter((each) => each.times !== 1)).toEqual([]);
});
