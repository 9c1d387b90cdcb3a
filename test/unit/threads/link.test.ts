import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MalformedError, UnavailableError, UserError } from '../../../runner/errors.ts';
import { type StageProgress, Stopped, silent, type Voice } from '../../../runner/reporter.ts';
import { type Link, openLink } from '../../../runner/threads/link.ts';
import type { Asked, Start } from './worker.ts';

function open(start: Start = {}, voice?: Voice): Link<Asked, unknown> {
  const body = new URL('./worker.ts', import.meta.url);
  return openLink({ name: 'the tested thread', body, start, ...(voice && { voice }) });
}

const double = (link: Link<Asked, unknown>): Promise<unknown> =>
  link.request({ what: 'double', x: Float32Array.of(1, 2) });

describe('a link to a worker thread', () => {
  it('answers in order, gives arrays away, and passes on progress and notes', async () => {
    const heard: (StageProgress | string)[] = [];
    const link = open({}, { ...silent, progress: (p) => heard.push(p), note: (text) => heard.push(text) });
    const x = Float32Array.of(1, 2);
    const replies = [link.request({ what: 'double', x }, [x.buffer]), link.request({ what: 'count', to: 5 })];
    expect(await Promise.all(replies)).toEqual([Float32Array.of(2, 4), 5]);
    expect(x.length).toBe(0);
    expect(heard.at(-1)).toBe('counted');
    expect(heard.at(-2)).toMatchObject({ stage: 'counting', done: 5, total: 5 });
    await link.close();
    await expect(double(link)).rejects.toThrow('the tested thread has ended');
  });

  it('throws what the thread throws, of its class, and goes on', async () => {
    const link = open();
    const failing = (kind: Extract<Asked, { what: 'throw' }>['kind']) =>
      link.request({ what: 'throw', kind }).catch((error: unknown) => error as Error);
    for (const [kind, type] of [
      ['user', UserError],
      ['malformed', MalformedError],
      ['unavailable', UnavailableError],
    ] as const) {
      const error = await failing(kind);
      expect(error).toBeInstanceOf(type);
      expect(error).toMatchObject({ complaint: { thing: 'it', next: 'Do so.' } });
    }
    expect(await failing('stopped')).toEqual(new Stopped('stopped after 7'));
    const defect = (await failing('defect')) as Error;
    expect(defect.message).toBe('no such thing');
    expect(defect.stack).toContain('worker.ts');
    await expect(link.request({ what: 'reply what no message can hold' })).rejects.toThrow(
      /could not be cloned/,
    );
    expect(await double(link)).toEqual(Float32Array.of(2, 4));
    await link.close();
  });

  it.each(['loop without end', 'wait without end'] as const)(
    'a thread at a %s hears the voice that asks it to stop, and the end of the link',
    async (what) => {
      let stop = false;
      const asked = open({}, { ...silent, stopRequested: () => stop });
      const request = asked.request({ what });
      setTimeout(() => {
        stop = true;
      }, 50);
      await expect(request).rejects.toBeInstanceOf(Stopped);
      await asked.close();

      const closed = open();
      const cut = closed.request({ what });
      await Promise.all([expect(cut).rejects.toBeInstanceOf(Stopped), closed.close()]);
    },
  );

  it.each([
    ['exit', /^the tested thread ended unexpectedly with code 3$/],
    ['exception', /^the tested thread died: nobody catches this$/],
    ['rejection', /^the tested thread died: nobody awaits this$/],
  ] as const)('says why a thread died (%s), to what waits and what comes later', async (of, message) => {
    const link = open();
    const waiting = [link.request({ what: 'die', of }), double(link)];
    for (const each of waiting) await expect(each).rejects.toThrow(message);
    expect(link.gone?.message).toMatch(message);
    await expect(double(link)).rejects.toThrow(message);
    await link.close();
  });

  it.each([
    ['opening', /ended unexpectedly with code 3/],
    ['opening, failed', /^it: found this/],
    ['idle', /ended unexpectedly with code 4/],
  ] as const)('says so where it dies before it was asked (%s)', async (at, message) => {
    const link = open({ at });
    for (let i = 0; i < 2; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await expect(link.request({ what: 'wait without end' })).rejects.toThrow(message);
    }
    await link.close();
  });

  it('ends where closing dies, and says what closing failed of', async () => {
    const dying = open({ at: 'closing' });
    await double(dying);
    await dying.close();
    const failing = open({ at: 'closing, failed' });
    await double(failing);
    await expect(failing.close()).rejects.toThrow(UnavailableError);
  });

  it('names the file of a body that is not there', async () => {
    const body = new URL('./no-such-worker.ts', import.meta.url);
    const link = openLink<null, null, null>({ name: 'the lost thread', body, start: null });
    await expect(link.request(null)).rejects.toThrow(/^the lost thread died: .*no-such-worker\.ts/);
    await link.close();
  });

  it.skipIf(process.platform === 'win32')('one line where the system has no file left for a thread', () => {
    const program = fileURLToPath(new URL('./few-files.ts', import.meta.url));
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', `ulimit -n 40; exec "$0" "$1"`, process.execPath, program],
      {
        encoding: 'utf8',
      },
    );
    expect(stdout, stderr).toMatch(
      /^(UnavailableError thread \d+: found .*; expected files .*enough for one more thread \(ulimit -n\b.*\n)$/,
    );
  });
});
