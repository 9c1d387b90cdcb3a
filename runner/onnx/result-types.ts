/** Element types of what operators give, from those of what they are given: of the operators that programs here are made of. */

/** ONNX TensorProto.DataType codes. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
  float8e4m3: 17,
} as const;

export type ElementType = keyof typeof elementTypes;

const namesByCode = new Map(Object.entries(elementTypes).map(([name, code]) => [code as number, name]));

/** @throws RangeError for a code of another type */
export function elementTypeOf(code: number): ElementType {
  const name = namesByCode.get(code);
  if (name === undefined) throw new RangeError(`element type ${code}: not one of programs here`);
  return name as ElementType;
}

const COMPARING = new Set(['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Not']);
const COUNTING = new Set(['Shape', 'NonZero']);

/**
 * @param inputs undefined for an input that is left out, or whose type is not known here
 * @param to of Cast
 * @returns of each output; undefined where that follows from an input that is not known
 */
export function resultTypes(
  operator: string,
  inputs: readonly (ElementType | undefined)[],
  outputs: number,
  to?: ElementType,
): (ElementType | undefined)[] {
  const all = (type: ElementType | undefined) => Array.from({ length: outputs }, () => type);
  if (operator === 'Cast') return all(to);
  if (COMPARING.has(operator)) return all('bool');
  if (COUNTING.has(operator)) return all('int64');
  if (operator === 'Where') return all(inputs[1]);
  if (operator === 'TopK') return [inputs[0], 'int64'];
  return all(inputs[0]);
}
