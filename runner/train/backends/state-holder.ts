/** Where the state of a step program lies between its runs. */
import type { Device } from '../../onnx/devices.ts';
import { Graph, type Program } from '../../onnx/graph.ts';
import {
  type DeviceTensor,
  float32,
  floatsOf,
  type HostTensor,
  openResidentSession,
  type ResidentSession,
  type Session,
  type SessionOptions,
} from '../../onnx/session.ts';
import { mapParameters, type OptimiserState, type ParameterShapes } from '../state.ts';
import { stateNames } from '../step-program.ts';

export interface StateHolder {
  /** Optimiser steps taken so far. */
  readonly updates: number;
  /** Runs the step on the state; what else the program gives comes back. */
  step(feeds: Record<string, HostTensor>): Promise<Record<string, HostTensor>>;
  read(): Promise<OptimiserState>;
  close(): Promise<void>;
}

function allNames(shapes: ParameterShapes): string[] {
  return Object.keys(shapes).flatMap((name) => stateNames(name));
}

/** In arrays of this process, which travel in and out with every step. */
export function stateOnHost(
  session: Session,
  shapes: ParameterShapes,
  initial: OptimiserState,
  release: () => Promise<void>,
): StateHolder {
  let state = initial;
  return {
    get updates() {
      return state.updates;
    },
    async step(feeds) {
      const outputs = await session.run({ ...feeds, ...hostFeeds(state, shapes) });
      state = stateOf(outputs, shapes, 'next_', state.updates + 1);
      return outputs;
    },
    async read() {
      return state;
    },
    close: release,
  };
}

/** Sessions that SAEs of one shape and recipe share on a device. */
export interface DeviceSessions {
  step: ResidentSession;
  /** Gives the state back as arrays: reading a resident tensor itself ends the process. */
  download: ResidentSession;
  close(): Promise<void>;
}

export async function openDeviceSessions(
  program: Program,
  shapes: ParameterShapes,
  options: SessionOptions & { device: Device },
): Promise<DeviceSessions> {
  const step = await openResidentSession(
    program,
    options,
    allNames(shapes).map((name) => `next_${name}`),
  );
  const download = await openResidentSession(downloadProgram(shapes), options, []);
  return {
    step,
    download,
    async close() {
      await step.close();
      await download.close();
    },
  };
}

/** On the device: uploaded with the first step, then each step's outputs are the next one's inputs. */
export function stateOnDevice(
  { step, download }: DeviceSessions,
  shapes: ParameterShapes,
  initial: OptimiserState,
  release: () => Promise<void>,
): StateHolder {
  let updates = initial.updates;
  let start: OptimiserState | undefined = initial;
  let tensors: Record<string, DeviceTensor> = {};
  const dispose = (old: Record<string, DeviceTensor>): void => {
    for (const tensor of Object.values(old)) tensor.dispose();
  };
  return {
    get updates() {
      return updates;
    },
    async step(feeds) {
      const { host, resident } = await step.run({
        ...feeds,
        ...(start === undefined ? tensors : hostFeeds(start, shapes)),
      });
      dispose(tensors);
      start = undefined;
      tensors = Object.fromEntries(allNames(shapes).map((name) => [name, resident[`next_${name}`]!]));
      updates += 1;
      return host;
    },
    async read() {
      if (start !== undefined) return start;
      const { host } = await download.run(tensors);
      return stateOf(host, shapes, 'host_', updates);
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

function stateOf(
  outputs: Record<string, HostTensor>,
  shapes: ParameterShapes,
  prefix: string,
  updates: number,
): OptimiserState {
  const pick = (i: 0 | 1 | 2) =>
    mapParameters(shapes, (_, name) => floatsOf(outputs, `${prefix}${stateNames(name)[i]}`));
  return { parameters: pick(0), firstMoments: pick(1), secondMoments: pick(2), updates };
}

/** Each of the state's tensors as `host_` and its name. */
function downloadProgram(shapes: ParameterShapes): Program {
  const graph = new Graph();
  for (const [tensor, dims] of Object.entries(shapes)) {
    for (const name of stateNames(tensor)) {
      graph.output(graph.input(name, 'float32', dims), `host_${name}`, 'float32', dims);
    }
  }
  return graph.program();
}
