/** A thread of a pool that dies in its first round. */
class Dying {
  constructor() {
    process.exit(5);
  }
}
WebAssembly.Instance = Dying as unknown as typeof WebAssembly.Instance;
await import('../../../runner/train/backends/sparse-cpu/pool-worker.ts');

export {};
