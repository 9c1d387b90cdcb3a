import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { NumberType } from '../formats/number-types.ts';
import { Graph } from '../onnx/graph.ts';
import { type Build, startBuild } from './build.ts';
import type { Checkpoint } from './checkpoint.ts';
import { checkpointNotes } from './checkpoint-notes.ts';
import { type Family, textConfig } from './families/family.ts';
import { families, familyOf } from './families/index.ts';
import { unknownKeys } from './families/keys.ts';
import { buildSegments, segmentsOf } from './segments.ts';
import type { TensorPlace } from './stored-tensors.ts';

/** What a checkpoint's config.json and headers say of the language model in it. */
export interface ModelFacts {
  family: string;
  blocks: number;
  dModel: number;
  /** As config.json has them; null where the family's default stands. */
  heads: { query: number | null; keyValue: number | null; size: number | null };
  vocabulary: number;
  contextLength: number;
  /** Fields on rotary positions as config.json has them. */
  rope: Readonly<Record<string, unknown>>;
  /** Whether the head reads the embedding's tensor. */
  tiedHead: boolean;
  /** Numbers in the tensors that the language model reads, each counted once. */
  parameters: number;
  /** Tensors of the files that it does not read: other modalities, buffers, prediction heads. */
  unread: { tensors: number; parameters: number; bytes: number; first: string | null };
  types: { type: NumberType; tensors: number; parameters: number; bytes: number }[];
  files: { name: string; bytes: number; tensors: number }[];
  /** What else there is to know of the files. */
  notes: readonly string[];
  /** Keys of config.json that transformers' class of the family does not have; they change nothing. */
  unknownKeys: string[];
}

const ropeFields = [
  'rope_theta',
  'rope_parameters',
  'rope_scaling',
  'rope_local_base_freq',
  'partial_rotary_factor',
  'original_max_position_embeddings',
  'rotary_pct',
  'rotary_emb_base',
];

/**
 * Reads no weight, but builds every program of the model, so that a tensor missing or of another shape is found.
 *
 * @throws UserError for a family or an option that is not known
 * @throws MalformedError when config.json and the tensors do not go together
 */
export async function modelFacts(checkpoint: Checkpoint): Promise<ModelFacts> {
  const family = familyOf(checkpoint);
  const config = textConfig(checkpoint);
  const read = namesRead(checkpoint, family);
  const all = [...checkpoint.tensors];
  const unread = all.filter(([name]) => !read.has(name));
  const heads = sizeIn(config, 'num_attention_heads', 'n_head');
  return {
    family: family.name,
    blocks: family.blocks,
    dModel: family.dModel,
    heads: {
      query: heads,
      keyValue: sizeIn(config, 'num_key_value_heads') ?? heads,
      size: sizeIn(config, 'head_dim') ?? (heads === null ? null : Math.floor(family.dModel / heads)),
    },
    vocabulary: family.vocabulary,
    contextLength: family.contextLength,
    rope: Object.fromEntries(
      ropeFields.filter((name) => config[name] != null).map((name) => [name, config[name]]),
    ),
    tiedHead: hasTiedHead(checkpoint, family),
    parameters: tensorsRead(checkpoint, family).parameters,
    unread: { ...total(unread.map(([, place]) => place)), first: unread[0]?.[0] ?? null },
    types: [...new Set(all.map(([, { dtype }]) => dtype))]
      .map((type) => ({
        type,
        ...total(all.filter(([, place]) => place.dtype === type).map(([, place]) => place)),
      }))
      .sort((a, b) => b.bytes - a.bytes),
    files: await Promise.all(
      checkpoint.files.map(async (name) => {
        const path = await realpath(join(checkpoint.folder, name));
        const place = relative(checkpoint.weightsFolder, path).split(sep).join('/');
        const tensors = all.filter(([, { file }]) => file === place).length;
        return { name, bytes: (await stat(path)).size, tensors };
      }),
    ),
    notes: checkpointNotes(checkpoint, family),
    unknownKeys: unknownKeys(config, families[String(checkpoint.config.model_type)]!.keys),
  };
}

function total(places: readonly TensorPlace[]): { tensors: number; parameters: number; bytes: number } {
  return {
    tensors: places.length,
    parameters: places.reduce(
      (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
      0,
    ),
    bytes: places.reduce((sum, { start, end }) => sum + end - start, 0),
  };
}

function sizeIn(config: Readonly<Record<string, unknown>>, ...names: string[]): number | null {
  for (const name of names) {
    const value = config[name];
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  }
  return null;
}

/** The tensors that the language model reads, as the files have them, each counted once; nothing is read of them. */
export function tensorsRead(
  checkpoint: Checkpoint,
  family: Family,
): { tensors: number; parameters: number; bytes: number } {
  const read = namesRead(checkpoint, family);
  return total([...checkpoint.tensors].filter(([name]) => read.has(name)).map(([, place]) => place));
}

/** The tensors that the model's programs ask for. */
function namesRead(checkpoint: Checkpoint, family: Family): ReadonlySet<string> {
  const read = new Set<string>();
  class Watched extends Map<string, TensorPlace> {
    override get(name: string): TensorPlace | undefined {
      read.add(name);
      return super.get(name);
    }
  }
  const watched = { ...checkpoint, tensors: new Watched(checkpoint.tensors) };
  buildSegments(watched, family, { segments: segmentsOf(family.blocks, []), maxTokens: 1, logits: false });
  return read;
}

function hasTiedHead(checkpoint: Checkpoint, family: Family): boolean {
  const names = (part: (build: Build) => void): Set<string> => {
    const graph = new Graph();
    const build = startBuild(graph, checkpoint, graph.int64s([1, 1]), 1);
    const found = new Set<string>();
    part({
      ...build,
      weight(name, shape, part) {
        found.add(name);
        return build.weight(name, shape, part);
      },
    });
    return found;
  };
  const embedding = names((build) => family.embed(build, build.graph.int32s([0], [1, 1]), new Map()));
  const head = names((build) => family.head(build, build.graph.floats([0], [1, 1])));
  return [...head].some((name) => embedding.has(name));
}
