/** `inspect`: what a checkpoint holds, from its headers alone, be it of a language model or an SAE; published SAEs. */
import { demoModelFolder } from '../demo/index.ts';
import { quote, UserError } from '../errors.ts';
import { formatBytes } from '../io/bytes.ts';
import { openCheckpoint } from '../lm/checkpoint.ts';
import { type ModelFacts, modelFacts } from '../lm/model-facts.ts';
import type { RegistryFilter } from '../sae/published/registry.ts';
import { type TokenizerFacts, tokenizerFacts } from '../text/tokenizer-facts.ts';
import { obstacle } from './evaluable.ts';
import { describeCrossLayer } from './inspect-cross-layer.ts';
import { describeCrosscoder } from './inspect-crosscoder.ts';
import { describeLatent, evidenceOfLatent } from './inspect-latent.ts';
import { describeSae, inspectSae, namesSae } from './inspect-sae.ts';
import { describeText, latentsOfText } from './inspect-text.ts';
import { options, words } from './options/inspect.ts';
import { parseOptions } from './parse-options.ts';
import { projectFolder } from './paths.ts';
import { progressView } from './progress.ts';
import { describeEntries, searchSaes } from './search-saes.ts';

/** Special tokens printed one by one; some models have thousands. */
const TOKENS_SHOWN = 12;
/** Characters printed of one field; LongRoPE lists a factor for each pair of numbers. */
const ROPE_SHOWN = 200;

interface Facts {
  folder: string;
  model: ModelFacts & { hooks: string[] };
  /** Null where the folder has none. */
  tokenizer: TokenizerFacts | null;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('inspect', args, options, words);
  if (values.text !== undefined && values.latent !== undefined)
    throw wrong('--text and --latent', 'one of them');
  const [folder = demoModelFolder] = positionals;
  const view = progressView(process.stderr);
  if (folder === 'saes') {
    const { model, layer, release } = values;
    const filter: RegistryFilter = {
      ...(model === undefined ? {} : { model }),
      ...(layer === undefined ? {} : { layer: whole('--layer', layer) }),
      ...(release === undefined ? {} : { release }),
    };
    const entries = await searchSaes(filter, view);
    const told = entries.map((entry) => ({ ...entry, obstacle: obstacle(entry) }));
    console.log(values.json ? JSON.stringify(told, null, 2) : describeEntries(entries));
    return 0;
  }
  if (positionals.length > 0 && (await namesSae(folder))) {
    const { text, model } = values;
    if (text !== undefined) {
      const found = await latentsOfText(folder, { text, model }, view);
      console.log(values.json ? JSON.stringify(found, null, 2) : describeText(found));
      return 0;
    }
    if (values.latent !== undefined) {
      const content = projectFolder('content', values.content);
      const latent = whole('--latent', values.latent);
      const found = await evidenceOfLatent(folder, { latent, model, content }, view);
      console.log(values.json ? JSON.stringify(found, null, 2) : describeLatent(found));
      return 0;
    }
    const latents = (values.latents?.split(',') ?? []).map((text) => whole('--latents', text));
    const facts = await inspectSae(folder, { latents, hash: values.hash ?? false }, view);
    const told =
      'reads' in facts
        ? describeCrossLayer(facts)
        : 'places' in facts
          ? describeCrosscoder(facts)
          : describeSae(facts);
    console.log(values.json ? JSON.stringify(facts, null, 2) : told);
    return 0;
  }
  const misplaced = (['text', 'latent'] as const).find((name) => values[name] !== undefined);
  if (misplaced !== undefined) throw wrong(`--${misplaced} without an SAE`, 'the SAE that it is of');
  const model = await modelFacts(await openCheckpoint(folder));
  const hooks = Array.from({ length: model.blocks }, (_, i) => `blocks.${i}.hook_resid_post`);
  const facts = { folder, model: { ...model, hooks }, tokenizer: await tokenizerFacts(folder) };
  console.log(values.json ? JSON.stringify(facts, null, 2) : describe(facts));
  return 0;
}

function whole(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw wrong(`${option} ${quote(text)}`, 'whole numbers');
}

function wrong(found: string, expected: string): UserError {
  return new UserError({
    thing: 'options of inspect',
    found,
    expected,
    next: 'Run npx interpboard inspect --help.',
  });
}

/** Names and texts from the files are quoted: they are strangers' and may hold anything. */
export function describe({ folder, model, tokenizer }: Facts): string {
  const { heads, unread } = model;
  const rows: [string, string][] = [
    ['folder', quote(folder)],
    ['family', model.family],
    ['blocks', count(model.blocks)],
    ['d_model', count(model.dModel)],
    [
      'heads',
      heads.query === null
        ? 'the family’s default'
        : `${heads.query} of ${heads.size}, ${heads.keyValue} for keys and values`,
    ],
    [
      'vocabulary',
      `${count(model.vocabulary)}, head ${model.tiedHead ? 'tied to' : 'apart from'} the embedding`,
    ],
    ['context', `${count(model.contextLength)} tokens`],
    ['rope', ropeText(model.rope)],
    ['hooks', `${model.hooks[0]} … ${model.hooks.at(-1)} (${model.hooks.length})`],
    ['parameters', count(model.parameters)],
    ...model.types.map(({ type, tensors, parameters, bytes }, i): [string, string] => [
      i === 0 ? 'types' : '',
      `${type.padEnd(5)} ${count(tensors)} tensors, ${count(parameters)} numbers, ${formatBytes(bytes)}`,
    ]),
    ...(unread.tensors === 0
      ? []
      : [
          [
            'not read',
            `${count(unread.tensors)} tensors, ${formatBytes(unread.bytes)}, the first ${quote(unread.first ?? '')}`,
          ] satisfies [string, string],
        ]),
    ...model.files.map(({ name, bytes, tensors }, i): [string, string] => [
      i === 0 ? 'files' : '',
      `${quote(name)}  ${formatBytes(bytes)}, ${count(tensors)} tensors`,
    ]),
    ...model.notes.map((note): [string, string] => ['note', note]),
    ...(model.unknownKeys.length === 0
      ? []
      : [
          [
            'unknown',
            `in config.json, without effect: ${model.unknownKeys.map(quote).join(', ')}`,
          ] satisfies [string, string],
        ]),
    ...tokenizerRows(tokenizer, model.vocabulary),
  ];
  return rows.map(([name, text]) => `${name.padEnd(11)} ${text}`.trimEnd()).join('\n');
}

function tokenizerRows(tokenizer: TokenizerFacts | null, vocabulary: number): [string, string][] {
  if (tokenizer === null) return [['tokenizer', 'none (no tokenizer.json)']];
  const { specialTokens, around } = tokenizer;
  const known = new Map(specialTokens.map(({ id, text }) => [id, text]));
  const named = (id: number): string => (known.has(id) ? `${id} ${quote(known.get(id) ?? '')}` : String(id));
  const shown = specialTokens.slice(0, TOKENS_SHOWN).map(({ id }) => named(id));
  const more = specialTokens.length - shown.length;
  const list = (ids: readonly number[]): string => ids.map(named).join(', ') || 'nothing';
  const excess = tokenizer.vocabulary - vocabulary;
  return [
    ['tokenizer', tokenizer.kind],
    [
      '  entries',
      `${count(tokenizer.vocabulary)}${excess > 0 ? ` (${excess} more than the model has)` : ''}`,
    ],
    ['  special', [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ') || 'none'],
    ['  around', `before a text ${list(around.before)}, after it ${list(around.after)}`],
    [
      '  named',
      (['bos', 'eos', 'pad'] as const)
        .map((name) => {
          const id = tokenizer[`${name}TokenId`];
          return `${name} ${id === null ? 'none' : named(id)}`;
        })
        .join(', '),
    ],
    ['  chat', tokenizer.chatTemplate ? 'has a chat template' : 'no chat template'],
  ];
}

function ropeText(rope: Readonly<Record<string, unknown>>): string {
  const fields = Object.entries(rope).map(([name, value]) =>
    typeof value === 'number' ? `${name} ${value}` : `${name} ${JSON.stringify(value).slice(0, ROPE_SHOWN)}`,
  );
  return fields.join(', ') || 'nothing in config.json: the family’s default';
}

function count(value: number): string {
  return value.toLocaleString('en');
}
