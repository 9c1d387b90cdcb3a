/**
 * Walks a struct of Thrift's compact protocol without keeping anything of it. hyparquet's reader believes what it reads:
 * numbers of any length (a shift per byte, so a megabyte of them takes minutes), lists of billions, structs in structs.
 */

/** Bytes of a number of 64 bits, seven in each. */
const VARINT_BYTES = 10;
/** The footer of a parquet file goes seven deep. */
const MAX_DEPTH = 32;

/**
 * @returns where the struct that starts at `start` ends
 * @throws RangeError for what no writer writes, or what ends before it is whole
 */
export function structEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  const byte = (): number => {
    const found = bytes[at++];
    if (found === undefined) throw new RangeError('a struct that ends early');
    return found;
  };
  const number = (): number => {
    let value = 0;
    for (let i = 0; i < VARINT_BYTES; i++) {
      const found = byte();
      value += (found & 0x7f) * 2 ** (7 * i);
      if (found < 0x80) return value;
    }
    throw new RangeError(`a number of more than ${VARINT_BYTES} bytes`);
  };
  const skip = (count: number): void => {
    if (count > bytes.length - at) throw new RangeError(`${count} bytes of ${bytes.length - at}`);
    at += count;
  };
  const element = (type: number, depth: number, inList: boolean): void => {
    switch (type) {
      case 1:
      case 2:
        // A boolean of a struct stands in its field's header.
        if (inList) skip(1);
        break;
      case 3:
        skip(1);
        break;
      case 4:
      case 5:
      case 6:
        number();
        break;
      case 7:
        skip(8);
        break;
      case 8:
        skip(number());
        break;
      case 9: {
        const head = byte();
        const count = head >> 4 === 15 ? number() : head >> 4;
        // Each element has a byte at least.
        if (count > bytes.length - at)
          throw new RangeError(`a list of ${count} in ${bytes.length - at} bytes`);
        for (let i = 0; i < count; i++) element(head & 15, depth, true);
        break;
      }
      case 12:
        struct(depth + 1);
        break;
      default:
        throw new RangeError(`a value of type ${type}`);
    }
  };
  const struct = (depth: number): void => {
    if (depth > MAX_DEPTH) throw new RangeError(`structs ${depth} deep`);
    for (let head = byte(); (head & 15) !== 0; head = byte()) {
      if (head >> 4 === 0) number();
      element(head & 15, depth, false);
    }
  };
  struct(0);
  return at;
}
