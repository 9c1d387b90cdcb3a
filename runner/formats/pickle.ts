/**
 * A reader of the small part of Python's pickle format that checkpoints consist of: None, booleans, numbers, text,
 * lists, tuples, dicts, and whatever the caller allows by name (`resolve`). Nothing is executed: a global is looked up
 * among the allowed and refused by name otherwise, and so is every opcode that is not listed here.
 */
import { MalformedError, quote } from '../errors.ts';

/** Bytes of a pickle; tensors are not in it. OpenAI's and dictionary_learning's are below 10 kB. */
const BYTE_LIMIT = 16_000_000;
/** Values on the stack, and remembered ones. */
const STACK_LIMIT = 1_000_000;
const MEMO_LIMIT = 1_000_000;
/** Open marks: how deep containers are nested. */
const DEPTH_LIMIT = 1_000;
const TEXT_LIMIT = 1_000_000;

export type PickleKey = string | number | boolean | null;

/** What an allowed global makes of its arguments. */
export interface PickleFunction {
  readonly name: string;
  call(args: readonly PickleValue[]): PickleValue;
}

/** An opaque value of the caller's. */
export interface PickleObject {
  readonly object: unknown;
}

export type PickleValue =
  | PickleKey
  | PickleValue[]
  | Map<PickleKey, PickleValue>
  | PickleFunction
  | PickleObject;

export interface PickleRules {
  /** The allowed global of that name ("collections.OrderedDict"), or undefined to refuse it. */
  resolve(name: string): PickleFunction | undefined;
  /** What a persistent id stands for, or undefined to refuse it. */
  persistent(id: PickleValue): PickleObject | undefined;
}

export function isFunction(value: PickleValue | undefined): value is PickleFunction {
  return typeof value === 'object' && value !== null && 'call' in value && !(value instanceof Map);
}

const MARK = Symbol('mark');
type Slot = PickleValue | typeof MARK;

/** Reads one pickle (protocols 2 to 5). @throws MalformedError */
export function parsePickle(thing: string, bytes: Uint8Array, rules: PickleRules): PickleValue {
  const malformed = (found: string, expected: string): MalformedError =>
    new MalformedError({
      thing,
      found,
      expected,
      next: 'Only plain tensors, dicts, lists and numbers are read from pickles; convert the file to safetensors.',
    });
  if (bytes.length > BYTE_LIMIT)
    throw malformed(`a pickle of ${bytes.length} bytes`, `at most ${BYTE_LIMIT}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const stack: Slot[] = [];
  const memo = new Map<number, PickleValue>();
  let depth = 0;
  let at = 0;

  function take(count: number): number {
    const from = at;
    if (count > bytes.length - at) throw malformed('a pickle cut short', 'a whole one');
    at += count;
    return from;
  }
  function push(value: Slot): void {
    if (stack.length >= STACK_LIMIT) throw malformed(`more than ${STACK_LIMIT} values at once`, 'fewer');
    stack.push(value);
  }
  function pop(): PickleValue {
    const value = stack.pop();
    if (value === undefined || value === MARK) throw malformed('an empty pickle stack', 'a value on it');
    return value;
  }
  function top(): PickleValue {
    const value = pop();
    stack.push(value);
    return value;
  }
  function sinceMark(): PickleValue[] {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw malformed('no mark in the pickle', 'one before a container');
    depth--;
    return stack.splice(mark).slice(1) as PickleValue[];
  }
  function text(length: number): string {
    if (length > TEXT_LIMIT) throw malformed(`a text of ${length} bytes`, `at most ${TEXT_LIMIT}`);
    const from = take(length);
    try {
      return utf8.decode(bytes.subarray(from, at));
    } catch {
      throw malformed('text that is not UTF-8', 'UTF-8');
    }
  }
  function line(): string {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0 || end - at > 1_000) throw malformed('a name without an end', 'a short line');
    const found = text(end - at);
    at = end + 1;
    return found;
  }
  function whole(length: number): number {
    if (length > 8) throw malformed(`a whole number of ${length} bytes`, 'at most 8');
    const from = take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i]!);
    const signed = length === 0 ? 0n : BigInt.asIntN(8 * length, value);
    if (!Number.isSafeInteger(Number(signed))) throw malformed(`the number ${signed}`, 'one below 2^53');
    return Number(signed);
  }
  function remember(index: number): void {
    if (memo.size >= MEMO_LIMIT) throw malformed(`more than ${MEMO_LIMIT} remembered values`, 'fewer');
    memo.set(index, top());
  }
  function recall(index: number): void {
    const value = memo.get(index);
    if (value === undefined) throw malformed(`remembered value ${index}, never stored`, 'a stored one');
    push(value);
  }
  function key(value: PickleValue | undefined): PickleKey {
    if (value === undefined || (typeof value === 'object' && value !== null)) {
      throw malformed('a dict key that is not text or a number', 'text or a number');
    }
    return value;
  }
  function setItems(items: readonly PickleValue[]): void {
    const target = top();
    if (!(target instanceof Map)) throw malformed('items for something that is no dict', 'a dict');
    if (items.length % 2) throw malformed('a key without a value', 'pairs');
    for (let i = 0; i < items.length; i += 2) {
      const name = key(items[i]);
      if (target.has(name)) throw malformed(`the dict key ${quote(String(name))} twice`, 'once');
      target.set(name, items[i + 1]!);
    }
  }
  function append(items: readonly PickleValue[]): void {
    const target = top();
    if (!Array.isArray(target)) throw malformed('items for something that is no list', 'a list');
    for (const item of items) target.push(item);
  }
  function global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      throw malformed('a global without a name', 'text');
    const full = `${module}.${name}`;
    const found = rules.resolve(full);
    if (!found) throw malformed(`the global ${quote(full)}`, 'tensors, dicts, lists and numbers only');
    push(found);
  }
  function reduce(): void {
    const args = pop();
    const target = pop();
    if (!isFunction(target) || !Array.isArray(args))
      throw malformed('a call of something unknown', 'a known one');
    push(target.call(args));
  }
  function build(): void {
    // State of an OrderedDict: attributes such as torch's _metadata, which change nothing in what is read.
    const state = pop();
    if (!(top() instanceof Map) || !(state instanceof Map))
      throw malformed('state for an object', 'dicts only');
  }

  for (;;) {
    const opcode = bytes[take(1)]!;
    switch (opcode) {
      case 0x80: {
        // PROTO
        const protocol = bytes[take(1)]!;
        if (protocol < 2 || protocol > 5) throw malformed(`pickle protocol ${protocol}`, '2 to 5');
        break;
      }
      case 0x95: // FRAME
        take(8);
        break;
      case 0x2e: {
        // STOP
        const result = pop();
        if (stack.length > 0) throw malformed('values left on the pickle stack', 'one result');
        return result;
      }
      case 0x28: // MARK
        if (++depth > DEPTH_LIMIT) throw malformed(`containers nested deeper than ${DEPTH_LIMIT}`, 'fewer');
        push(MARK);
        break;
      case 0x4e:
        push(null);
        break; // NONE
      case 0x88:
        push(true);
        break; // NEWTRUE
      case 0x89:
        push(false);
        break; // NEWFALSE
      case 0x4a:
        push(view.getInt32(take(4), true));
        break; // BININT
      case 0x4b:
        push(bytes[take(1)]!);
        break; // BININT1
      case 0x4d:
        push(view.getUint16(take(2), true));
        break; // BININT2
      case 0x8a:
        push(whole(bytes[take(1)]!));
        break; // LONG1
      case 0x47:
        push(view.getFloat64(take(8), false));
        break; // BINFLOAT
      case 0x58:
        push(text(view.getUint32(take(4), true)));
        break; // BINUNICODE
      case 0x8c:
        push(text(bytes[take(1)]!));
        break; // SHORT_BINUNICODE
      case 0x5d:
        push([]);
        break; // EMPTY_LIST
      case 0x7d:
        push(new Map());
        break; // EMPTY_DICT
      case 0x29:
        push([]);
        break; // EMPTY_TUPLE
      case 0x85:
        push([pop()]);
        break; // TUPLE1
      case 0x86: {
        const b = pop();
        push([pop(), b]);
        break;
      } // TUPLE2
      case 0x87: {
        const c = pop();
        const b = pop();
        push([pop(), b, c]);
        break;
      } // TUPLE3
      case 0x74:
        push(sinceMark());
        break; // TUPLE
      case 0x61:
        append([pop()]);
        break; // APPEND
      case 0x65:
        append(sinceMark());
        break; // APPENDS
      case 0x73: {
        const value = pop();
        setItems([pop(), value]);
        break;
      } // SETITEM
      case 0x75:
        setItems(sinceMark());
        break; // SETITEMS
      case 0x71:
        remember(bytes[take(1)]!);
        break; // BINPUT
      case 0x72:
        remember(view.getUint32(take(4), true));
        break; // LONG_BINPUT
      case 0x94:
        remember(memo.size);
        break; // MEMOIZE
      case 0x68:
        recall(bytes[take(1)]!);
        break; // BINGET
      case 0x6a:
        recall(view.getUint32(take(4), true));
        break; // LONG_BINGET
      case 0x63: {
        const module = line();
        global(module, line());
        break;
      } // GLOBAL
      case 0x93: {
        const name = pop();
        global(pop(), name);
        break;
      } // STACK_GLOBAL
      case 0x51: {
        // BINPERSID
        const found = rules.persistent(pop());
        if (!found) throw malformed('an unknown persistent id', 'a tensor’s storage');
        push(found);
        break;
      }
      case 0x52:
        reduce();
        break; // REDUCE
      case 0x62:
        build();
        break; // BUILD
      default:
        throw malformed(`pickle opcode 0x${opcode.toString(16).padStart(2, '0')}`, 'plain data only');
    }
  }
}
