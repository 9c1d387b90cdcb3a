/** Options of execution providers, by the names that onnxruntime has for them. */
import { type Device, executionProvider } from './devices.ts';

/**
 * What sessions on a device are made with. Of CUDA: TF32, which is onnxruntime's default, rounds the factors of products to 10 bits, so that it
 * must be asked for (cuda:N+tf32); an arena that doubles would hold half of a card for nothing; one stream for each session, where the default is one
 * for each thread that ever runs it, every one with the workspace of cuBLAS (32 MiB on a Hopper card). gpu_mem_limit is left alone: it bounds the
 * arena of one session, of which a run has several, so that it would bound nothing.
 */
export function providerOptions(device: Device): Readonly<Record<string, string>> {
  const { name, deviceId, tf32 } = executionProvider(device);
  if (name !== 'cuda') return {};
  return {
    device_id: String(deviceId ?? 0),
    use_tf32: tf32 ? '1' : '0',
    arena_extend_strategy: 'kSameAsRequested',
    use_ep_level_unified_stream: '1',
  };
}
