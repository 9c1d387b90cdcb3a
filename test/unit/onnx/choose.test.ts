import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../runner/errors.ts';
import {
  type Circumstances,
  choose,
  type Failure,
  failureOfCheck,
} from '../../../runner/onnx/binding/choose.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpboard-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;

function circumstances(why: string | null, more: Partial<Circumstances> = {}) {
  const told = { checks: 0, lines: [] as string[] };
  const here: Circumstances = {
    asked: undefined,
    system: 'linux-x64',
    file: join(folder, `${files++}.json`),
    of: 'onnxruntime-node 1',
    async check() {
      told.checks += 1;
      return why === null ? null : { why, lasting: true };
    },
    say: (line) => told.lines.push(line),
    ...more,
  };
  return { here, told };
}

describe('the binding is', () => {
  it('the one that is asked for, without a check', async () => {
    const { here, told } = circumstances('broken', { asked: 'c-api' });
    expect(await choose(here)).toBe('c-api');
    expect(await choose({ ...here, asked: 'package' })).toBe('package');
    expect(told.checks).toBe(0);
    await expect(choose({ ...here, asked: 'other' })).rejects.toThrow(UserError);
    await expect(choose({ ...here, asked: 'other' })).rejects.toThrow('one of c-api, package');
  });

  it('the package’s where nothing has been tried', async () => {
    const { here, told } = circumstances(null, { system: 'plan9-x64' });
    expect(await choose(here)).toBe('package');
    expect(told.checks).toBe(0);
  });

  it('the C API where it passes, checked once for each version', async () => {
    const { here, told } = circumstances(null);
    expect([await choose(here), await choose(here)]).toEqual(['c-api', 'c-api']);
    expect(told).toEqual({ checks: 1, lines: [] });
    expect(await choose({ ...here, of: 'onnxruntime-node 2' })).toBe('c-api');
    expect(told.checks).toBe(2);
  });

  it('the package’s where it fails, said once in a line', async () => {
    const { here, told } = circumstances('ended by SIGSEGV');
    expect([await choose(here), await choose(here)]).toEqual(['package', 'package']);
    expect(told.checks).toBe(1);
    expect(told.lines).toEqual([expect.stringMatching(/failed its check \(ended by SIGSEGV\)/)]);
  });

  it('checked again where the check was stopped', async () => {
    const { here, told } = circumstances(null);
    const stopped = {
      ...here,
      check: async (): Promise<Failure> => ({ why: 'ended by SIGINT', lasting: false }),
    };
    expect([await choose(stopped), await choose(here)]).toEqual(['package', 'c-api']);
    expect(told.checks).toBe(1);
  });

  it('checked each time where nothing can be kept, and where what was kept is damaged', async () => {
    const { here, told } = circumstances(null);
    await writeFile(here.file, '{"of":');
    const blocked = { ...here, file: join(here.file, 'below-a-file.json') };
    expect([await choose(blocked), await choose(blocked), await choose(here)]).toEqual(
      Array(3).fill('c-api'),
    );
    expect(told.checks).toBe(3);
  });
});

describe('the check', () => {
  const outcome = async (body: string): Promise<Failure | null> => {
    const script = join(folder, `${files++}.mjs`);
    await writeFile(script, body);
    return failureOfCheck(script);
  };

  it('fails of a process that crashes, ends early, or says something else', async () => {
    expect(await outcome("console.log('right')")).toBeNull();
    expect(await outcome("console.log('wrong')")).toEqual({ why: 'its answer was "wrong"', lasting: true });
    const thrown = await outcome("throw new Error('no such library')");
    expect(thrown).toEqual({ why: expect.stringContaining('no such library'), lasting: true });
  });

  it.skipIf(process.platform === 'win32').each([
    ['SIGSEGV', true],
    ['SIGINT', false],
  ])('tells a crash from a process that was stopped: %s', async (signal, lasting) => {
    const body = `process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000)`;
    expect(await outcome(body)).toEqual({ why: `ended by ${signal}`, lasting });
  });

  it.runIf(`${process.platform}-${process.arch}` === 'linux-x64')('passes here', async () => {
    expect(await failureOfCheck()).toBeNull();
  });
});
