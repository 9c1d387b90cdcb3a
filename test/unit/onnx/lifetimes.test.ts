import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bindingNames } from '../../../runner/onnx/binding/binding.ts';
import { slowTest } from '../../sample.ts';

const script = fileURLToPath(new URL('./lifetimes.ts', import.meta.url));

/** The word after a binding: its sessions run aside, as on CUDA. */
const ways = [...bindingNames, 'c-api aside'];

describe.each(ways)('by %s', (way) => {
  const binding = way.split(' ')[0];
  const there = binding === 'package' || `${process.platform}-${process.arch}` === 'linux-x64';

  async function passes(title: string): Promise<void> {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      script,
      title,
      ...way.split(' '),
    ]);
    expect(stdout.trim()).toBe('right');
  }

  if (!there) {
    it.skip('is tried on Linux x64 alone', () => undefined);
    return;
  }
  // The package's binding throws into C++ where its thread is terminated in a run, now and then, which ends the process.
  const cases = ['collected', 'threads', 'flat', ...(binding === 'c-api' ? ['exit', 'terminated'] : [])];
  it.each(cases)('a process lives on, and ends well: %s', passes);
  slowTest('memory stays flat over 100,000 steps', () => passes('flat for long'));
});
