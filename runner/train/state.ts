import { type SaeShape, type SaeTensors, type TensorName, tensorLength, tensorNames } from '../sae/sae.ts';

/** Everything an optimiser step reads and writes of one SAE. */
export interface OptimiserState {
  parameters: SaeTensors;
  /** Adam's running means of the gradient and of its square. */
  firstMoments: SaeTensors;
  secondMoments: SaeTensors;
  /** Optimiser steps taken so far. */
  updates: number;
}

export function freshState(shape: SaeShape, parameters: SaeTensors): OptimiserState {
  return {
    parameters,
    firstMoments: mapTensors((name) => new Float32Array(tensorLength(name, shape))),
    secondMoments: mapTensors((name) => new Float32Array(tensorLength(name, shape))),
    updates: 0,
  };
}

/** One array a tensor name. */
export function mapTensors<T>(make: (name: TensorName) => T): Record<TensorName, T> {
  return Object.fromEntries(tensorNames.map((name) => [name, make(name)])) as Record<TensorName, T>;
}
