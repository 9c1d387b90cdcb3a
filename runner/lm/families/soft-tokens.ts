/** Tokens of a vocabulary that stand for images and sounds, with tables and norms of their own (Gemma 3n). */
import { z } from 'zod';
import type { Value } from '../../onnx/graph.ts';
import { linear } from '../blocks/linear.ts';
import { bareRmsNorm, rmsNorm } from '../blocks/norm.ts';
import type { Build } from '../build.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Decoder } from './decoder.ts';
import { size } from './family.ts';
import { unsupported } from './keys.ts';

/** One kind: tokens `from` to `to`, excluded. */
export interface SoftTokens {
  name: string;
  from: number;
  to: number;
  /** Entries of its table, numbers of each, and of the residual that they become. */
  count: number;
  inner: number;
  width: number;
  epsilon: number;
}

const kindFields = z.object({
  vocab_offset: z.int().nonnegative().optional(),
  vocab_size: size.default(128),
  hidden_size: size.optional(),
  rms_norm_eps: z.number().nonnegative().default(1e-6),
});

/**
 * Of a whole config: the vision tokens, and behind them the audio tokens.
 *
 * @throws UserError for tables that do not hold all tokens of their kind
 */
export function readSoftTokens(
  whole: Checkpoint,
  { vocabulary, width }: Pick<Decoder, 'vocabulary' | 'width'>,
): SoftTokens[] {
  const read = (key: string, offset: number, inner: number) => {
    const found = kindFields.safeParse(whole.config[key] ?? {});
    if (!found.success) throw unsupported(whole, key, 'another value', 'a table of tokens');
    const { vocab_offset: from = offset, vocab_size: count, hidden_size = inner, rms_norm_eps } = found.data;
    return { from, count, inner: hidden_size, width, epsilon: rms_norm_eps };
  };
  const vision = read('vision_config', 262_144, 2048);
  const audio = read('audio_config', 262_272, 1536);
  const all = [
    { ...vision, name: 'embed_vision', to: Math.min(audio.from, vocabulary) },
    { ...audio, name: 'embed_audio', to: vocabulary },
  ];
  const over = all.find(({ from, to, count }) => to - from > count);
  if (over !== undefined) {
    const found = `${over.count} for ${over.to - over.from} tokens`;
    throw unsupported(whole, `vocab_size of ${over.name}`, found, 'an entry for each');
  }
  return all.filter(({ from, to }) => to > from);
}

/** @param embedded [rows·tokens, width], of ids int32 [rows, tokens] */
export function withSoftTokens(
  build: Build,
  ids: Value,
  embedded: Value,
  kinds: readonly SoftTokens[],
): Value {
  const { graph } = build;
  if (kinds.length === 0) return embedded;
  const column = graph.node('Reshape', [ids, graph.int64s([-1, 1])]);
  return kinds.reduce((found, kind) => {
    const { from, to, width } = kind;
    const reaches = (bound: number): Value => graph.node('GreaterOrEqual', [column, graph.int32s([bound])]);
    const number = graph.node('Sub', [column, graph.int32s([from])]);
    /** What is of this kind from `own`, the rest from `other`. */
    const among = (own: Value, other: Value): Value =>
      graph.node('Where', [reaches(to), other, graph.node('Where', [reaches(from), own, other])]);
    const flat = graph.node('Reshape', [among(number, graph.int32s([0])), graph.int64s([-1])]);
    return among(softEmbedding(build, flat, kind, width), found);
  }, embedded);
}

/** Rows of the table of one kind, [N, width]; numbers int32 [N]. */
function softEmbedding(build: Build, numbers: Value, kind: SoftTokens, width: number): Value {
  const at = `model.${kind.name}`;
  const { count, inner, epsilon } = kind;
  const rows = build.graph.node('Gather', [build.weight(`${at}.embedding.weight`, [count, inner]), numbers]);
  const normed = rmsNorm(epsilon)(build, rows, `${at}.hard_embedding_norm`, inner);
  const product = linear(build, normed, `${at}.embedding_projection`, { from: inner, to: width });
  return bareRmsNorm(epsilon)(build, product, '', width);
}
