import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { portable, portableWord } from '../../../runner/config/portable.ts';
import { shellWord } from '../../../runner/report/shell-word.ts';

test.each([
  ['/home/mallory/texts/a.txt', 'a.txt'],
  ['~/texts/a.txt', 'a.txt'],
  ['~mallory/a.txt', 'a.txt'],
  ['../texts/*.jsonl.gz', '*.jsonl.gz'],
  ['./a b', 'a b'],
  ['C:\\Users\\mallory\\a.txt', 'a.txt'],
  ['\\\\host\\share\\a.txt', 'a.txt'],
  ['file:///home/mallory/a.txt', 'a.txt'],
  ['/home/mallory/texts/', 'texts'],
  ['/', 'files'],
  // Of no machine.
  ['datasets/owner/name@main:data/*.parquet', 'datasets/owner/name@main:data/*.parquet'],
  ['owner/name', 'owner/name'],
  ['small-world', 'small-world'],
])('%s is published as %s', (path, name) => {
  expect(portable(path)).toBe(name);
  expect(portableWord(path)).toBe(name);
  expect(portableWord(`--sae=${path}`)).toBe(`--sae=${name}`);
  expect(portableWord(`--set=corpus.source=${path}`)).toBe(`--set=corpus.source=${name}`);
  expect(portableWord(`--set=saes=${JSON.stringify([path, 1])}`)).toBe(
    `--set=saes=${JSON.stringify([name, 1])}`,
  );
});

test('files with a fingerprint are of this machine, whatever their path begins with', () => {
  const data = { data: 'texts/a.txt', given: 'texts/a.txt', fingerprint: 'f', weight: 1 };
  expect(portable({ source: [data], name: 'texts/a.txt' })).toEqual({
    source: [{ data: 'a.txt', given: 'a.txt', fingerprint: 'f', weight: 1 }],
    name: 'texts/a.txt',
  });
});

test('what names no path stays as it was written', () => {
  for (const word of [
    '--set=sae.learningRate=1e-4',
    '--set=a=1.50',
    '--layers=2,3',
    '--set=a="b"',
    'small-world',
  ])
    expect(portableWord(word)).toBe(word);
});

test('a published command is the same words again to a shell', () => {
  const words = [
    ...['small-world', '--layers=2,3', '--set=sae.learningRate=1e-4', 'owner/name@main:data/file.parquet'],
    ...[
      '--set=sweep.k=[16,32]',
      '--set=probing.sets=[{"name":"it\'s"}]',
      '--sae=a#layer=3',
      'data/*.jsonl',
      '',
    ],
    ...['$HOME', '`id`', 'a b', '~', "'", '\\', 'a\nb'],
  ];
  expect(words.slice(0, 4).map(shellWord)).toEqual(words.slice(0, 4));
  const read = execFileSync('sh', ['-c', `printf '%s\\0' ${words.map(shellWord).join(' ')}`], {
    encoding: 'utf8',
  });
  expect(read.split('\0').slice(0, -1)).toEqual(words);
});
