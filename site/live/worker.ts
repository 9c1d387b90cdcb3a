/**
 * Runs a language model and an SAE: loads the runtime, the programs and the weights, and answers one question after another.
 * What a program may do is compute, in memory of its own; it sees neither page nor network, and the page ends this worker
 * where an answer takes too long.
 */
import type * as Ort from 'onnxruntime-web/wasm';
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { filesOfLive, type LiveFile, type LivePage } from '../../runner/report/live.ts';
import { liveFile } from '../../runner/report/live-places.ts';
import { type Pipeline, pipeline } from '../../runner/text/tokenizer/pipeline.ts';
import { type Answer, type Ask, MOST_TEXT } from './messages.ts';
import { idsOf, nextOf, type Programs, type ReadText, readText } from './model.ts';

type Runtime = typeof Ort;

interface Loaded {
  page: LivePage;
  tokenizer: Pipeline;
  programs: Programs;
}

let loaded: Loaded | undefined;
let read: ReadText | undefined;

function say(answer: Answer): void {
  postMessage(answer);
}

addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  answer(data).then(say, (error: unknown) =>
    say({ answer: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});

async function answer(asked: Ask): Promise<Answer> {
  if (asked.ask === 'load') {
    const since = performance.now();
    loaded = await load(asked.page, asked.folder);
    return { answer: 'loaded', milliseconds: performance.now() - since };
  }
  if (loaded === undefined) throw new Error('Nothing is loaded yet.');
  const { page, programs, tokenizer } = loaded;
  if (asked.ask === 'read') {
    read = undefined;
    if (asked.text.length > MOST_TEXT)
      throw new Error(`${asked.text.length} characters; expected at most ${MOST_TEXT}.`);
    const ids = idsOf(asked.text, tokenizer);
    if (ids.length === 0) throw new Error('No tokens; expected a text.');
    if (ids.length > page.shape.tokens)
      throw new Error(`${ids.length} tokens; expected at most ${page.shape.tokens}: shorten the text.`);
    const beyond = ids.find((id) => id >= page.shape.vocabulary);
    if (beyond !== undefined) throw new Error(`Token ${beyond}, which the model has no embedding of.`);
    read = await readText(ids, programs, tokenizer);
    const { residual: _residual, logits: _logits, ...reading } = read;
    return { answer: 'read', reading };
  }
  if (read === undefined) throw new Error('No text was read yet.');
  return { answer: 'next', next: await nextOf(read, asked.position, asked.change, programs, tokenizer) };
}

async function load(page: LivePage, folder: string): Promise<Loaded> {
  let bytes = 0;
  const counted = (more: number): void => {
    bytes += more;
    say({ answer: 'loading', bytes });
  };
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const file of filesOfLive(page)) {
    if (!files.has(file.sha256)) files.set(file.sha256, await fetched(folder, file, counted));
  }
  const of = ({ sha256 }: LiveFile): Uint8Array<ArrayBuffer> => files.get(sha256)!;
  const wasm = await fetchedBytes(`${folder}ort.wasm`, counted);
  const runtime = (await import(/* @vite-ignore */ `${folder}ort.js`)) as Runtime;
  // Threads would need headers that static hosts do not send.
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = wasm.buffer;
  runtime.env.wasm.wasmPaths = { wasm: `${folder}ort.wasm` };
  const externalData = page.weights.map((file) => ({ path: file.path, data: of(file) }));
  const open = (program: LiveFile, withWeights: boolean): Promise<InferenceSession> =>
    runtime.InferenceSession.create(of(program), {
      executionProviders: ['wasm'],
      // Errors alone: it warns of constants that it does not need.
      logSeverityLevel: 3,
      ...(withWeights ? { externalData } : {}),
    });
  const { before, after, encode, decode } = page.programs;
  const sessions = {
    before: await open(before, true),
    after: await open(after, true),
    encode: await open(encode, false),
    decode: await open(decode, false),
  };
  const tokenizer = pipeline(JSON.parse(new TextDecoder().decode(of(page.tokenizer))));
  return { page, tokenizer, programs: programsOf(runtime, sessions, page.shape) };
}

function programsOf(
  { Tensor: Made }: Runtime,
  { before, after, encode, decode }: Record<keyof LivePage['programs'], InferenceSession>,
  { d_in, decode_takes_input }: LivePage['shape'],
): Programs {
  const floats = (data: Float32Array, dims: readonly number[]): Tensor => new Made('float32', data, dims);
  const ints = (data: Int32Array, dims: readonly number[]): Tensor => new Made('int32', data, dims);
  const floatsOf = (outputs: InferenceSession.ReturnType, name: string): Float32Array => {
    const data = outputs[name]?.data;
    if (!(data instanceof Float32Array)) throw new Error(`A program gave no ${name}.`);
    return data;
  };
  return {
    async before(ids) {
      return floatsOf(await before.run({ ids: ints(ids, [1, ids.length]) }), 'residual_after');
    },
    async after(residual, tokens) {
      const targets = ints(new Int32Array(tokens).fill(-1), [tokens, 1]);
      const feeds = { residual: floats(residual, [1, tokens, d_in]), targets };
      return floatsOf(await after.run(feeds, ['logits']), 'logits');
    },
    async encode(x, tokens) {
      const outputs = await encode.run({ x: floats(x, [tokens, d_in]) });
      const indices = outputs.indices?.data;
      if (!(indices instanceof Int32Array)) throw new Error('A program gave no indices.');
      return { values: floatsOf(outputs, 'values'), indices };
    },
    async decode({ values, indices }, x, tokens) {
      const dims = [tokens, values.length / tokens];
      const feeds = { values: floats(values, dims), indices: ints(indices, dims) };
      const input = decode_takes_input ? { x: floats(x, [tokens, d_in]) } : {};
      return floatsOf(await decode.run({ ...feeds, ...input }), 'reconstruction');
    },
  };
}

async function fetched(
  folder: string,
  { sha256, bytes }: LiveFile,
  counted: (more: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const found = await fetchedBytes(folder + liveFile(sha256), counted, bytes);
  if (found.byteLength === bytes) return found;
  throw new Error(
    `${liveFile(sha256)}: ${found.byteLength} bytes came; expected ${bytes}. Load the page again.`,
  );
}

/** @param most bytes that are read, where it is known how many there are */
async function fetchedBytes(
  address: string,
  counted: (more: number) => void,
  most = Number.POSITIVE_INFINITY,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(address);
  if (!response.ok || response.body === null)
    throw new Error(`${address}: the server answered ${response.status}.`);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    length += part.value.byteLength;
    counted(part.value.byteLength);
    if (length > most) break;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
