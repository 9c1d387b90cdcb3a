import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HubReference, parseReference } from '../../runner/hub/reference.ts';
import { RETRY_POLICY } from '../../runner/hub/retry.ts';
import { Secret } from '../../runner/hub/settings.ts';
import { type Hub, openHub } from '../../runner/hub/transport.ts';
import { type StandIn, startStandIn } from './stand-in.ts';

export const TOKEN = 'hf_secretSecretSecret';

export interface Bench {
  hub: Hub;
  server: StandIn;
  /** The waits that were asked for, milliseconds; none of them was waited. */
  waits: number[];
  /** The same bench with something different. */
  with(changes: Partial<Hub['settings']> & Partial<Omit<Hub, 'settings'>>): Hub;
}

/** A stand-in hub with an empty cache folder of its own, real sockets and a clock that does not wait. */
export async function withBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'interpboard-hub-'));
  const server = await startStandIn();
  server.tokens.add(TOKEN);
  const waits: number[] = [];
  const clock = {
    wait: async (ms: number) => {
      waits.push(ms);
    },
    random: () => 1,
    now: () => Date.parse('2026-01-01T00:00:00Z'),
  };
  const settings = {
    endpoint: server.url,
    token: null,
    cacheFolder: join(folder, 'hub'),
    offline: false,
    symlinks: true,
  };
  const hub = openHub({
    settings,
    clock,
    retryPolicy: RETRY_POLICY,
    timeouts: { answerMs: 5000, stallMs: 200 },
  });
  const change = ({
    endpoint,
    token,
    cacheFolder,
    offline,
    symlinks,
    ...powers
  }: Parameters<Bench['with']>[0]) => {
    const given = Object.entries({ endpoint, token, cacheFolder, offline, symlinks });
    const changed = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    return { ...hub, ...powers, settings: { ...settings, ...changed } };
  };
  try {
    await use({ hub, server, waits, with: change });
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export const secret = new Secret(TOKEN);

export function on(text: string): HubReference {
  const reference = parseReference(text, { exists: () => false, home: '/home/user' });
  if (reference.kind !== 'hub') throw new Error(`${text} is local`);
  return reference;
}

/** Bytes that differ everywhere, the same in every run. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, state = seed >>> 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
