/** A peer's trainer in a Python process of its own (peers.py), taking steps when it is told to. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const peers = ['sae_lens', 'dictionary_learning', 'sparsify'] as const;
export type PeerName = (typeof peers)[number];

export interface Shape {
  d_in: number;
  d_sae: number;
  k: number;
  tokens: number;
  /** Latents that count as dead. */
  dead: number;
}

export interface StepTime {
  milliseconds: number;
  /** Processor time, all threads. */
  cpu: number;
}

export interface Peer {
  step(): Promise<StepTime>;
  end(): void;
}

/** @throws Error with the end of what the process said, when it ends by itself */
export async function openPeer(
  python: string,
  name: PeerName,
  file: string,
  { d_in, d_sae, k, tokens, dead }: Shape,
  threads: number,
): Promise<Peer> {
  const script = fileURLToPath(new URL('./peers.py', import.meta.url));
  const numbers = [d_in, d_sae, k, tokens, dead, threads].map(String);
  const child: ChildProcessWithoutNullStreams = spawn(python, [script, name, file, ...numbers]);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async (): Promise<string[]> => {
    for (;;) {
      const { value, done } = await answers.next();
      if (done) throw new Error(`${name} ended: ${said.trim()}`);
      if (value.startsWith('interpboard ')) return value.split(' ').slice(1);
    }
  };
  await answer();
  return {
    async step() {
      child.stdin.write('step\n');
      const [, wall, cpu] = await answer();
      return { milliseconds: 1_000 * Number(wall), cpu: 1_000 * Number(cpu) };
    },
    end() {
      child.kill();
    },
  };
}
