/** Number types of checkpoint files, and their conversion to float32. */

/** Element types by their safetensors names, with their size in bytes. */
export const numberTypes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type NumberType = keyof typeof numberTypes;

export type FloatType = 'F16' | 'BF16' | 'F32' | 'F64';

export function isFloatType(type: NumberType): type is FloatType {
  return type === 'F16' || type === 'BF16' || type === 'F32' || type === 'F64';
}

/** Little-endian bytes of a floating type as float32. The bytes may start at any address. */
export function toFloat32(type: FloatType, bytes: Uint8Array): Float32Array {
  // A copy gives the alignment that typed arrays ask for (not slice: a Buffer's shares its memory).
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset, byteLength } = aligned;
  switch (type) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, byteLength / 8));
    case 'BF16': {
      const half = new Uint16Array(buffer, byteOffset, byteLength / 2);
      const words = new Uint32Array(half.length);
      for (let i = 0; i < half.length; i++) words[i] = half[i]! << 16;
      return new Float32Array(words.buffer);
    }
    case 'F16': {
      const half = new Uint16Array(buffer, byteOffset, byteLength / 2);
      return Float32Array.from(half, halfToFloat);
    }
  }
}

/** Little-endian bytes of float32 numbers as a floating type. F32 is a view, not a copy; BF16 rounds half to even. */
export function fromFloat32(type: 'F32' | 'BF16', values: Float32Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = values;
  if (type === 'F32') return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(toBfloat16(values).buffer);
}

/** The upper halves of float32 numbers, half rounded to even. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const upper = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const rounded = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
    // A NaN whose low half alone says so must not round to an infinity.
    upper[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : rounded;
  }
  return upper;
}

/** IEEE 754 binary16, half rounded to even; beyond its range an infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    const size = Math.abs(value);
    if (Number.isNaN(value)) return 0x7e00;
    if (size >= 65_520) return sign | 0x7c00;
    // Steps of the last place; of subnormals that of the smallest exponent.
    const exponent = Math.max(-14, Math.floor(Math.log2(size)));
    const steps = roundedToEven(size / 2 ** (exponent - 10));
    // Of a normal number the leading one stands for an exponent, so that rounding up carries into it.
    return sign | (steps + (exponent + 14) * 1024);
  });
}

function roundedToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return low + (rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? 1 : 0);
}

/** IEEE 754 binary16 to a number; subnormals, infinities and NaN included. */
function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Little-endian bytes of whole numbers, from the start of their buffer; undefined for other types. */
export function wholesOf(type: NumberType, bytes: Uint8Array): Float64Array | undefined {
  const { buffer } = bytes;
  switch (type) {
    case 'I64':
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case 'I32':
      return Float64Array.from(new Int32Array(buffer));
    case 'I16':
      return Float64Array.from(new Int16Array(buffer));
    case 'I8':
      return Float64Array.from(new Int8Array(buffer));
    case 'U8':
    case 'BOOL':
      return Float64Array.from(bytes);
    default:
      return undefined;
  }
}
