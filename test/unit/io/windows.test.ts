/** Windows' rules of paths and names, which hold for the functions here whatever the system is. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { UserError } from '../../../runner/errors.ts';
import { checkNameHere } from '../../../runner/hub/reference.ts';
import { splitPattern } from '../../../runner/io/local-files.ts';
import { isDeviceName, isNoWindowsName } from '../../../runner/io/windows-names.ts';

it.each([
  ['C:\\*.txt', 'C:\\', '*.txt'],
  ['C:\\texts\\**\\*.jsonl', 'C:\\texts', '**/*.jsonl'],
  ['\\\\server\\share\\a?\\x.txt', '\\\\server\\share\\', 'a?/x.txt'],
])('the pattern %s is looked for in %s', (whole, folder, names) => {
  expect(splitPattern(whole, path.win32)).toEqual({ folder, names });
});

it.each([
  ['/*.txt', '/', '*.txt'],
  ['/data/a/*.gz', '/data/a', '*.gz'],
])('and %s in %s', (whole, folder, names) => {
  expect(splitPattern(whole, path.posix)).toEqual({ folder, names });
});

it('names that would be another file, or none', () => {
  const refused = ['ab:c', 'aux.txt', 'CON', 'nul', 'com1.tar.gz', 'LPT9', 'x.', 'x ', 'a*b', 'a"b', '<x>'];
  const kept = [
    'console.log',
    'auxiliary',
    'com10',
    'null',
    '.gitattributes',
    'a.b',
    'layer_12',
    'x y.txt',
    'con-1',
  ];
  expect(refused.filter((name) => !isNoWindowsName(name))).toEqual([]);
  expect(kept.filter(isNoWindowsName)).toEqual([]);
  expect(['con', 'nul.json', 'x.con'].map(isDeviceName)).toEqual([true, true, false]);
});

it('a file of a repository is refused by its name on Windows alone', () => {
  expect(() => checkNameHere('res/aux.txt', 'o/n', 'win32')).toThrow(UserError);
  expect(() => checkNameHere('res/aux.txt', 'o/n', 'win32')).toThrow(/o\/n: file name: found "res\/aux.txt"/);
  expect(() => checkNameHere('res/aux.txt', 'o/n', 'linux')).not.toThrow();
  expect(() => checkNameHere('res/a.txt', 'o/n', 'win32')).not.toThrow();
});
