import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  checkRepositoryPath,
  formatReference,
  parseReference,
  type Reference,
} from '../../../runner/hub/reference.ts';

const here = new Set(['models/mine', 'data/text.jsonl', 'owner/both', 'word']);
const parse = (text: string): Reference =>
  parseReference(text, { exists: (path) => here.has(path), home: '/home/user' });
const hub = (type: string, repo: string, revision = 'main', path: string | null = null) => ({
  kind: 'hub',
  type,
  repo,
  revision,
  path,
});
const SHA = '0123456789abcdef0123456789abcdef01234567';

describe('parseReference', () => {
  test.each([
    ['owner/name', hub('model', 'owner/name')],
    ['owner/name@v1.0', hub('model', 'owner/name', 'v1.0')],
    [`owner/name@${SHA}`, hub('model', 'owner/name', SHA)],
    ['owner/name@refs/pr/3:a/b.json', hub('model', 'owner/name', 'refs/pr/3', 'a/b.json')],
    ['owner/name:folder/', hub('model', 'owner/name', 'main', 'folder')],
    ['owner/name:odd@name:x', hub('model', 'owner/name', 'main', 'odd@name:x')],
    ['datasets/owner/name@rev:path', hub('dataset', 'owner/name', 'rev', 'path')],
    ['datasets/imdb', hub('dataset', 'imdb')],
    ['models/gpt2', hub('model', 'gpt2')],
    ['models/owner/name', hub('model', 'owner/name')],
    ['spaces/owner/app', hub('space', 'owner/app')],
    ['hf://owner/both', hub('model', 'owner/both')],
    ['hf://gpt2', hub('model', 'gpt2')],
    ['Qwen/Qwen2.5-0.5B_x', hub('model', 'Qwen/Qwen2.5-0.5B_x')],
  ])('%s is on the hub', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  test.each([
    ['./owner/name', './owner/name'],
    ['../x', '../x'],
    ['.', '.'],
    ['/abs/x@y:z', '/abs/x@y:z'],
    ['~/x', join('/home/user/x')],
    ['~', join('/home/user')],
    ['C:\\models\\x', 'C:\\models\\x'],
    ['data/text.jsonl', 'data/text.jsonl'],
    ['models/mine', 'models/mine'],
    ['owner/both', 'owner/both'],
    ['word', 'word'],
  ])('%s is local', (text, path) => {
    expect(parse(text)).toEqual({ kind: 'local', path });
  });

  test.each([
    '',
    'gpt2',
    'a/b/c',
    'owner/na me',
    'owner/name@',
    'owner/name:',
    'owner/name@a..b',
    'owner/name@../../x',
    'owner/name@/x',
    'owner/name@x/.y',
    'owner/na--me',
    'owner/..',
    '-owner/name',
    'owner/name:../x',
    'owner/name:/etc/passwd',
    'owner/name:a//b',
    'owner/name:a\\b',
    'owner/name:a/C:b',
    `owner/${'n'.repeat(97)}`,
    'hf://',
  ])('%s is refused', (text) => {
    expect(() => parse(text)).toThrow(/expected/);
  });

  test('a bare name that is nowhere says how to write either', () => {
    expect(() => parse('gpt2')).toThrow(/models\/gpt2 or datasets\/gpt2/);
  });

  test('formatting and parsing are inverse', () => {
    for (const text of [
      'owner/name@main',
      'datasets/owner/name@v1:a/b.txt',
      `spaces/o/n@${SHA}`,
      'datasets/imdb@main',
    ]) {
      const reference = parse(text);
      expect(reference.kind === 'hub' && formatReference(reference)).toBe(text);
    }
  });
});

test('control characters in a file name are escaped in the error', () => {
  expect(() => checkRepositoryPath('a\u001b[2Jb', 'o/n')).toThrow(/\\u001b/);
});
