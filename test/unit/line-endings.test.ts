/** Checked-out files are the committed bytes, whatever the system's git makes of line endings. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('text is committed with LF and checked out so; what is no text is named as that', (context) => {
  let listed: string;
  try {
    listed = execFileSync('git', ['ls-files', '--eol'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  } catch {
    return context.skip('no git, or no clone: run in a clone of the repository to check line endings');
  }
  const files = [...listed.matchAll(/^i\/(\S*)\s+w\/\S*\s+attr\/(.*?)\s*\t(.*)$/gm)].map(
    ([, index, attributes, path]) => ({ index, attributes, path }),
  );
  expect(files.length).toBeGreaterThan(1_000);
  const binary = files.filter(({ index }) => index === '-text');
  expect(binary.length).toBeGreaterThan(100);
  expect(binary.filter(({ attributes }) => attributes !== '-text')).toEqual([]);
  const text = files.filter(({ index }) => index === 'lf' || index === 'none');
  expect(text.filter(({ attributes }) => !/^(?:-text|text=auto eol=lf)$/.test(attributes!))).toEqual([]);
  // crlf and mixed are neither.
  expect(binary.length + text.length).toBe(files.length);
});
