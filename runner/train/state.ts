/** One value for each trained tensor, by its name. Every SAE has these three; its architecture adds others. */
export type PerParameter<T> = Record<string, T> & Record<'W_enc' | 'W_dec' | 'b_dec', T>;

/** Shapes of the tensors that are trained, in a fixed order. */
export type ParameterShapes = PerParameter<readonly number[]>;

/** The tensors themselves, row-major float32. */
export type Parameters = PerParameter<Float32Array>;

/** Everything an optimiser step reads and writes of one SAE. */
export interface OptimiserState {
  parameters: Parameters;
  /** Adam's running means of the gradient and of its square. */
  firstMoments: Parameters;
  secondMoments: Parameters;
  /** Optimiser steps taken so far. */
  updates: number;
}

export function freshState(parameters: Parameters): OptimiserState {
  const zeros = (): Parameters => mapParameters(parameters, ({ length }) => new Float32Array(length));
  return { parameters, firstMoments: zeros(), secondMoments: zeros(), updates: 0 };
}

/** The same names in the same order, each with what is made of it. */
export function mapParameters<A, B>(
  from: PerParameter<A>,
  make: (each: A, name: string) => B,
): PerParameter<B> {
  return Object.fromEntries(
    Object.entries(from).map(([name, each]) => [name, make(each, name)]),
  ) as PerParameter<B>;
}

export function valuesOf(shape: readonly number[]): number {
  return shape.reduce((product, each) => product * each, 1);
}
