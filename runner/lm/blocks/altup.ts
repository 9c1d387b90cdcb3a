/**
 * AltUp (Baykal et al. 2023; Gemma 3n): several residual streams, of which a block computes with one. Before it every stream is
 * predicted from all of them; after it each prediction is corrected by what the block changed of the active one's.
 *
 * All streams together are [N, count·width], in their order.
 */
import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';
import { columns, linear } from './linear.ts';
import type { Norm } from './norm.ts';

export interface AltUpShape {
  width: number;
  /** Streams. */
  count: number;
  /** Number of the one that blocks compute with. */
  active: number;
  norm: Norm;
}

/** Smallest mean square that a stream is divided by. */
const LEAST_SQUARE = 1e-5;

/** One stream, [N, width]. */
export function streamOf(build: Build, all: Value, { width }: AltUpShape, number: number): Value {
  return columns(build, all, number * width, (number + 1) * width);
}

/** All streams but the active one, [N, (count − 1)·width]; there must be some. */
export function otherStreams(build: Build, all: Value, { width, count, active }: AltUpShape): Value {
  const parts = [
    ...(active > 0 ? [columns(build, all, 0, active * width)] : []),
    ...(active < count - 1 ? [columns(build, all, (active + 1) * width, count * width)] : []),
  ];
  return sideBySide(build, parts);
}

/** All streams, from the active one and the others, which are absent where there are none. */
export function allStreams(
  build: Build,
  own: Value,
  others: Value | undefined,
  { width, count, active }: AltUpShape,
): Value {
  if (others === undefined) return own;
  const between = active * width;
  return sideBySide(build, [
    ...(active > 0 ? [columns(build, others, 0, between)] : []),
    own,
    ...(active < count - 1 ? [columns(build, others, between, (count - 1) * width)] : []),
  ]);
}

/** All streams, from the embedding [N, width]: it, and products of it that are as large as it is. */
export function firstStreams(build: Build, embedded: Value, name: string, shape: AltUpShape): Value {
  const { width, count } = shape;
  const size = sizeOf(build, embedded);
  const products = Array.from({ length: count - 1 }, (_, i) =>
    asLarge(
      build,
      linear(build, embedded, `${name}altup_projections.${i}`, { from: width, to: width }),
      size,
    ),
  );
  return sideBySide(build, [embedded, ...products]);
}

/** What the head reads, [N, width]: the mean of the first stream, and of products of the others that are as large as it is. */
export function mergedStreams(build: Build, all: Value, name: string, shape: AltUpShape): Value {
  const { graph } = build;
  const { width, count } = shape;
  const first = streamOf(build, all, shape, 0);
  const size = sizeOf(build, first);
  let sum = first;
  for (let i = 1; i < count; i++) {
    const at = `${name}altup_unembed_projections.${i - 1}`;
    const product = linear(build, streamOf(build, all, shape, i), at, { from: width, to: width });
    sum = graph.node('Add', [sum, asLarge(build, product, size)]);
  }
  return graph.node('Mul', [sum, graph.scalar(1 / count)]);
}

/** Each stream and a mixture of all, whose shares the active one chooses; tensors lie under `at`. */
export function predicted(build: Build, all: Value, at: string, shape: AltUpShape): Value {
  const { graph } = build;
  const { width, count, active } = shape;
  const chosen = modalities(build, streamOf(build, all, shape, active), at, shape);
  const flat = linear(build, chosen, `${at}.prediction_coefs`, { from: count, to: count ** 2 });
  const shares = graph.node('Reshape', [flat, graph.int64s([-1, count, count])]);
  const streams = graph.node('Reshape', [all, graph.int64s([-1, count, width])]);
  const sum = graph.node('Add', [graph.node('MatMul', [shares, streams]), streams]);
  return graph.node('Reshape', [sum, graph.int64s([-1, count * width])]);
}

/** Predictions, to each of which a share of what the block changed is added; tensors lie under `at`. `computed` [N, width]. */
export function corrected(
  build: Build,
  predictions: Value,
  computed: Value,
  at: string,
  shape: AltUpShape,
): Value {
  const { graph } = build;
  const { width, count, active } = shape;
  const chosen = modalities(build, computed, at, shape);
  const flat = linear(build, chosen, `${at}.correction_coefs`, { from: count, to: count });
  const shares = graph.node('Add', [
    graph.node('Reshape', [flat, graph.int64s([-1, count, 1])]),
    graph.scalar(1),
  ]);
  const change = graph.node('Sub', [computed, streamOf(build, predictions, shape, active)]);
  const rows = graph.node('Reshape', [change, graph.int64s([-1, 1, width])]);
  const whole = graph.node('Reshape', [graph.node('Mul', [rows, shares]), graph.int64s([-1, count * width])]);
  return graph.node('Add', [whole, predictions]);
}

/** The same numbers added to every stream but the first. */
export function addedToLater(build: Build, all: Value, addition: Value, shape: AltUpShape): Value {
  const { graph } = build;
  const { width, count } = shape;
  const streams = Array.from({ length: count }, (_, i) => {
    const stream = columns(build, all, i * width, (i + 1) * width);
    return i === 0 ? stream : graph.node('Add', [stream, addition]);
  });
  return sideBySide(build, streams);
}

/** What chooses shares, [N, count], each between −1 and 1. */
function modalities(build: Build, x: Value, at: string, { width, count, norm }: AltUpShape): Value {
  const { graph } = build;
  const scaled = graph.node('Mul', [norm(build, x, `${at}.router_norm`, width), graph.scalar(1 / width)]);
  const routed = linear(build, scaled, `${at}.modality_router`, { from: width, to: count });
  return graph.inFloat32([routed], (wide) => graph.node('Tanh', [wide]));
}

/** Root mean square of each row, [N, 1], at least `least`. */
function sizeOf({ graph }: Build, x: Value, least = 0): Value {
  return graph.inFloat32([x], (wide) => {
    const square = graph.node('Mul', [wide, wide]);
    const mean = graph.node('ReduceMean', [square, graph.int64s([-1])], { attributes: { keepdims: 1 } });
    return graph.node('Sqrt', [least > 0 ? graph.node('Max', [mean, graph.scalar(least)]) : mean]);
  });
}

/** x, each row as large as another one. */
function asLarge(build: Build, x: Value, size: Value): Value {
  const { graph } = build;
  return graph.node('Div', [graph.node('Mul', [x, size]), sizeOf(build, x, LEAST_SQUARE)]);
}

function sideBySide({ graph }: Build, parts: readonly Value[]): Value {
  return parts.length === 1 ? parts[0]! : graph.node('Concat', parts, { attributes: { axis: -1 } });
}
