/**
 * TensorBoard's event files: one record after the other, each a length, the length's checksum, an Event message of
 * event.proto and its checksum (TFRecord). Scalars alone, as SummaryWriter writes them.
 */
import protobuf from 'protobufjs/light.js';

export interface ScalarEvent {
  tag: string;
  /** Kept as a float32. */
  value: number;
  step: number;
  /** Seconds since 1970. */
  time: number;
}

const VERSION = 'brain.Event:2';

/** Of an event with scalars less than 200 bytes; a larger length is damage. */
const LENGTH_LIMIT = 1 << 20;

const root = protobuf.Root.fromJSON({
  nested: {
    Value: {
      fields: { tag: { id: 1, type: 'string' }, simpleValue: { id: 2, type: 'float' } },
      // Of several kinds: a 0 must be written, or there would be no value.
      oneofs: { value: { oneof: ['simpleValue'] } },
    },
    Summary: { fields: { value: { id: 1, type: 'Value', rule: 'repeated' } } },
    Event: {
      fields: {
        wallTime: { id: 1, type: 'double' },
        step: { id: 2, type: 'int64' },
        fileVersion: { id: 3, type: 'string' },
        summary: { id: 5, type: 'Summary' },
      },
    },
  },
});
const Event = root.lookupType('Event');

/** What a file begins with. */
export function fileStart(time: number): Buffer {
  return framed(Event.encode({ wallTime: time, fileVersion: VERSION }).finish());
}

export function scalarRecord({ tag, value, step, time }: ScalarEvent): Buffer {
  return framed(
    Event.encode({ wallTime: time, step, summary: { value: [{ tag, simpleValue: value }] } }).finish(),
  );
}

/** Scalars of a file, up to its end or to a record that was not written whole; null where it is no event file. */
export function readScalars(file: Uint8Array): ScalarEvent[] | null {
  const scalars: ScalarEvent[] = [];
  let first = true;
  for (const bytes of framesOf(file)) {
    let event: Record<string, unknown>;
    try {
      event = Event.toObject(Event.decode(bytes), { longs: Number, defaults: true });
    } catch {
      break;
    }
    if (first && event.fileVersion !== VERSION) return null;
    first = false;
    const { value: values = [] } = (event.summary ?? {}) as {
      value?: { tag: string; simpleValue: number }[];
    };
    for (const { tag, simpleValue } of values)
      scalars.push({ tag, value: simpleValue, step: event.step as number, time: event.wallTime as number });
  }
  return first ? null : scalars;
}

function framed(data: Uint8Array): Buffer {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return record;
}

function* framesOf(file: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + 16 <= file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== maskedCrc(file.subarray(at, at + 8))) return;
    if (length > LENGTH_LIMIT || at + 16 + length > file.length) return;
    const data = file.subarray(at + 12, at + 12 + length);
    if (view.getUint32(at + 12 + length, true) !== maskedCrc(data)) return;
    yield data;
    at += 16 + length;
  }
}

/** Castagnoli's polynomial, reflected. */
const POLYNOMIAL = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** CRC-32C, turned and shifted by a constant: the checksum of data that holds checksums would be weak. */
function maskedCrc(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
