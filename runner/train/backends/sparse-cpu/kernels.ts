/** Loads the compiled kernels (kernels/*.as.ts, compiled by kernels/build.ts). */
import { readFileSync } from 'node:fs';

/** Pointers are byte offsets into the memory the instance was made with. Documented in kernels/*.as.ts. */
export interface Kernels {
  centre(x: number, bias: number, sum: number, tokens: number, width: number): number;
  decode(
    from: number,
    to: number,
    k: number,
    width: number,
    at: number,
    pre: number,
    W_dec: number,
    centred: number,
    mean: number,
    error: number,
    errorSum: number,
    squares: number,
    decoderShare: number,
    encoderShare: number,
    fired: number,
    scale: number,
  ): number;
  index(at: number, count: number, latents: number, starts: number, order: number): void;
  collect(
    from: number,
    to: number,
    k: number,
    width: number,
    starts: number,
    order: number,
    decoderShare: number,
    encoderShare: number,
    error: number,
    centred: number,
    W_dec: number,
    W_enc: number,
    auxiliary: number,
    decoderGradient: number,
    encoderGradient: number,
    biasGradient: number,
    throughEncoder: number,
    removeParallel: number,
  ): number;
  keepLargest(rows: number, count: number, width: number, keep: number): void;
  adam(
    parameter: number,
    first: number,
    second: number,
    gradient: number,
    bytes: number,
    clip: number,
    beta1: number,
    keep1: number,
    beta2: number,
    keep2: number,
    step: number,
    epsilon: number,
  ): void;
  update(
    from: number,
    to: number,
    width: number,
    starts: number,
    auxiliary: number,
    W_dec: number,
    W_enc: number,
    b_enc: number,
    stride: number,
    biasStride: number,
    decoderGradient: number,
    encoderGradient: number,
    biasGradient: number,
    unitRows: number,
    clip: number,
    beta1: number,
    keep1: number,
    beta2: number,
    keep2: number,
    step: number,
    epsilon: number,
    halves: number,
    seed: number,
  ): void;
  quantiseTokens(
    x: number,
    tokens: number,
    width: number,
    reach: number,
    copies: number,
    facts: number,
  ): number;
  quantiseLatents(
    from: number,
    to: number,
    width: number,
    W_enc: number,
    b_enc: number,
    share: number,
    limit: number,
    copies: number,
    stride: number,
    scales: number,
    norms: number,
    lefts: number,
  ): number;
  nominate(
    tokens: number,
    latents: number,
    k: number,
    width: number,
    levels: number,
    levelStride: number,
    facts: number,
    norms: number,
    lefts: number,
    most: number,
    mostLeft: number,
    step: number,
    zero: number,
    guess: number,
    room: number,
    counts: number,
    candidates: number,
    scratch: number,
  ): void;
  score(
    from: number,
    to: number,
    tokens: number,
    width: number,
    centred: number,
    W_enc: number,
    b_enc: number,
    room: number,
    counts: number,
    candidates: number,
    keys: number,
    scratch: number,
  ): void;
  choose(
    tokens: number,
    latents: number,
    k: number,
    width: number,
    levels: number,
    levelStride: number,
    centred: number,
    facts: number,
    W_enc: number,
    b_enc: number,
    norms: number,
    lefts: number,
    most: number,
    mostLeft: number,
    step: number,
    zero: number,
    guess: number,
    room: number,
    counts: number,
    candidates: number,
    keys: number,
    scratch: number,
    at: number,
    pre: number,
  ): number;
  refine(
    tokens: number,
    latents: number,
    k: number,
    width: number,
    offered: number,
    latentsOf: number,
    values: number,
    centred: number,
    facts: number,
    W_enc: number,
    b_enc: number,
    most: number,
    scratch: number,
    at: number,
    pre: number,
  ): void;
}

/** relaxed: with fused multiply-add. Its sums have other last bits than those of plain. */
export type Build = 'relaxed' | 'plain';

export interface CompiledKernels {
  build: Build;
  module: WebAssembly.Module;
}

/** The fastest build that this Node can run: relaxed SIMD needs Node 22. */
export function compileKernels(builds: readonly Build[] = ['relaxed', 'plain']): CompiledKernels {
  for (const build of builds) {
    const bytes = readFileSync(new URL(`./kernels/${build}.wasm`, import.meta.url));
    if (WebAssembly.validate(bytes)) return { build, module: new WebAssembly.Module(bytes) };
  }
  throw new Error(`this JavaScript engine runs no build of the kernels (${builds.join(', ')})`);
}

export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as Kernels;
}
