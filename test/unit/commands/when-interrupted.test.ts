/** In a process of its own, since a signal is one of the process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

const file = new URL('../../../runner/commands/when-interrupted.ts', import.meta.url).href;
const program = `
import { whenInterrupted } from '${file}';
const end = whenInterrupted(() => console.log('asked'));
process.stdin.on('data', () => { end(); console.log('ended'); });
console.log('ready');
`;

/** @param answer what is done after each line that the program says */
async function signals(
  answer: (line: string, child: ReturnType<typeof spawn>) => void,
): Promise<{ said: string; by: NodeJS.Signals | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    for (const line of text.trim().split('\n')) answer(line, child);
  });
  const [, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { said, by };
}

it.skipIf(process.platform === 'win32')(
  'takes a signal and the launcher’s copy of it for one; after its end the next ends the process',
  async () => {
    const { said, by } = await signals((line, child) => {
      if (line === 'ready') child.kill('SIGINT');
      // Where it would be taken for a second one, there is no line after this.
      if (line === 'asked') {
        child.kill('SIGINT');
        setTimeout(() => child.stdin?.write('end\n'), 50);
      }
      if (line === 'ended') child.kill('SIGINT');
    });
    expect(said).toBe('ready\nasked\nended\n');
    expect(by).toBe('SIGINT');
  },
);

it.skipIf(process.platform === 'win32')('a later signal ends the process', async () => {
  const { said, by } = await signals((line, child) => {
    if (line === 'ready') child.kill('SIGINT');
    if (line === 'asked') setInterval(() => child.kill('SIGINT'), 200).unref();
  });
  expect(said).toBe('ready\nasked\n');
  expect(by).toBe('SIGINT');
});
