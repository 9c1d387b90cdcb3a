/** What a program asks of a provider: its operators, with the types of what they are given. */
import { z } from 'zod';
import type { Program } from '../../../runner/onnx/graph.ts';
import { decodeModel } from '../../../runner/onnx/proto.ts';
import { type ElementType, elementTypeOf, resultTypes } from '../../../runner/onnx/result-types.ts';

/** Providers whose operators the table knows. */
export const tableProviders = ['cuda', 'webgpu'] as const;

export type TableProvider = (typeof tableProviders)[number];

const valueInfo = z.object({
  name: z.string(),
  type: z.object({ tensorType: z.object({ elemType: z.number() }) }),
});

const initializer = z.object({ name: z.string(), dataType: z.number() }).loose();

const attributeSchema = z
  .object({
    name: z.string(),
    i: z.number(),
    g: z
      .unknown()
      .nullable()
      .transform((g) => g ?? undefined),
  })
  .loose();

const node = z.object({
  opType: z.string(),
  domain: z.string(),
  input: z.array(z.string()),
  output: z.array(z.string()),
  attribute: z.array(attributeSchema),
});

const graphSchema = z.object({
  node: z.array(node),
  initializer: z.array(initializer),
  input: z.array(valueInfo),
  output: z.array(valueInfo),
});

const model = z.object({ graph: graphSchema });

type GraphProto = z.output<typeof graphSchema>;

export interface NodeUse {
  /** As in the table: `Gemm(float32, float32)`. */
  signature: string;
  operator: string;
  domain: string;
  /** Undefined where an input is left out. */
  inputs: readonly (ElementType | undefined)[];
  outputs: number;
  /** Of Cast. */
  to: ElementType | undefined;
  attributes: readonly z.output<typeof attributeSchema>[];
  /** Of inputs that are small tensors in the program: the tensor itself. */
  constants: readonly (z.output<typeof initializer> | undefined)[];
}

/** @param to of Cast */
export function signatureOf(
  operator: string,
  domain: string,
  inputs: readonly (ElementType | undefined)[],
  to?: ElementType,
): string {
  // Concat takes any number of one type.
  const asked = operator === 'Concat' ? inputs.slice(0, 2) : inputs;
  const given = asked.map((type) => type ?? '').join(', ');
  return `${domain === '' ? '' : `${domain}.`}${operator}(${given})${to === undefined ? '' : ` to ${to}`}`;
}

/** Operators that follow from inputs; what follows from constants alone is computed when the session is made. */
export function nodesOf(program: Program): NodeUse[] {
  return usesIn(model.parse(decodeModel(program.bytes)).graph, new Map(), new Set());
}

function usesIn(
  graph: GraphProto,
  outer: ReadonlyMap<string, ElementType>,
  outerConstants: ReadonlySet<string>,
): NodeUse[] {
  const types = new Map(outer);
  const constants = new Set(outerConstants);
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  for (const { name, dataType } of graph.initializer) {
    types.set(name, elementTypeOf(dataType));
    constants.add(name);
  }
  for (const { name, type } of graph.input) types.set(name, elementTypeOf(type.tensorType.elemType));
  const uses: NodeUse[] = [];
  for (const { opType, domain, input, output, attribute } of graph.node) {
    const inputs = input.map((name) => (name === '' ? undefined : known(types, name)));
    const bodies = attribute.flatMap(({ g }) => (g === undefined ? [] : [graphSchema.parse(g)]));
    const code = attribute.find(({ name }) => name === 'to')?.i;
    const to = code === undefined ? undefined : elementTypeOf(code);
    const results =
      bodies.length > 0
        ? bodies[0]!.output.map(({ type }) => elementTypeOf(type.tensorType.elemType))
        : resultTypes(opType, inputs, output.length, to);
    output.forEach((name, i) => {
      const type = results[i];
      if (type !== undefined) types.set(name, type);
    });
    const given = input.filter((name) => name !== '');
    if (given.length > 0 && given.every((name) => constants.has(name))) {
      for (const name of output) constants.add(name);
      continue;
    }
    uses.push({
      signature: signatureOf(opType, domain, inputs, to),
      operator: opType,
      domain,
      inputs,
      outputs: output.length,
      to,
      attributes: attribute.filter(({ g }) => g === undefined),
      constants: input.map((name) => tensors.get(name)),
    });
    for (const body of bodies) uses.push(...usesIn(body, types, constants));
  }
  return uses;
}

function known(types: ReadonlyMap<string, ElementType>, name: string): ElementType {
  const type = types.get(name);
  if (type === undefined) throw new TypeError(`value ${name}: its type is not known`);
  return type;
}
