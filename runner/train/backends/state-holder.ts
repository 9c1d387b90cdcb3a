/** Where the state of a step program lies between its runs. */
import type { Program } from '../../onnx/graph.ts';
import {
  type Feeds,
  float32,
  floatsOf,
  type HeldTensor,
  type HoldingSession,
  type HostTensor,
  openHoldingSession,
  type SessionOptions,
} from '../../onnx/session.ts';
import { mapParameters, type OptimiserState, type ParameterShapes } from '../state.ts';
import { stateNames } from '../step-program.ts';

export interface StateHolder {
  /** Optimiser steps taken so far. */
  readonly updates: number;
  /** Runs the step on the state; what else the program gives comes back. */
  step(feeds: Feeds): Promise<Record<string, HostTensor>>;
  read(): Promise<OptimiserState>;
  close(): Promise<void>;
}

function allNames(shapes: ParameterShapes): string[] {
  return Object.keys(shapes).flatMap((name) => stateNames(name));
}

/** A session of a step whose state stays where it is computed; SAEs of one shape and recipe share it. */
export function openStep(
  program: Program,
  shapes: ParameterShapes,
  options: SessionOptions,
): Promise<HoldingSession> {
  return openOnDevice(
    program,
    allNames(shapes).map((name) => `next_${name}`),
    options,
  );
}

/** A session that leaves nothing to the CPU but, where the device has none, arithmetic on shapes. @param held outputs that stay there */
export function openOnDevice(
  program: Program,
  held: readonly string[],
  options: SessionOptions,
): Promise<HoldingSession> {
  return openHoldingSession(
    program,
    { ...options, onCpu: options.device === 'webgpu' ? 'nothing' : 'shapes' },
    held,
  );
}

/** Given to the first step by the host; then each step's outputs are the next one's inputs, where they lie. */
export function holdState(
  session: HoldingSession,
  shapes: ParameterShapes,
  initial: OptimiserState,
  release: () => Promise<void>,
): StateHolder {
  let updates = initial.updates;
  let start: OptimiserState | undefined = initial;
  let tensors: Record<string, HeldTensor> = {};
  const dispose = (old: Record<string, HeldTensor>): void => {
    for (const tensor of Object.values(old)) tensor.dispose();
  };
  return {
    get updates() {
      return updates;
    },
    async step(feeds) {
      const { host, held } = await session.run({
        ...feeds,
        ...(start === undefined ? tensors : hostFeeds(start, shapes)),
      });
      dispose(tensors);
      start = undefined;
      tensors = Object.fromEntries(allNames(shapes).map((name) => [name, held[`next_${name}`]!]));
      updates += 1;
      return host;
    },
    async read() {
      if (start !== undefined) return start;
      const values: Record<string, Float32Array> = {};
      for (const [name, tensor] of Object.entries(tensors)) {
        values[name] = floatsOf({ [name]: await tensor.read() }, name);
      }
      const pick = (i: 0 | 1 | 2) => mapParameters(shapes, (_, name) => values[stateNames(name)[i]]!);
      return { parameters: pick(0), firstMoments: pick(1), secondMoments: pick(2), updates };
    },
    async close() {
      dispose(tensors);
      tensors = {};
      await release();
    },
  };
}

function hostFeeds(state: OptimiserState, shapes: ParameterShapes): Record<string, HostTensor> {
  const feeds: Record<string, HostTensor> = {};
  for (const [name, dims] of Object.entries(shapes)) {
    const [parameter, first, second] = stateNames(name);
    feeds[parameter] = float32(state.parameters[name]!, dims);
    feeds[first] = float32(state.firstMoments[name]!, dims);
    feeds[second] = float32(state.secondMoments[name]!, dims);
  }
  return feeds;
}
