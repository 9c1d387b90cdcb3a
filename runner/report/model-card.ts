/**
 * The model card of a release, written from its records alone: what the SAEs are, how they were trained and measured,
 * how to use them. What a record does not hold is left out, so that the card of a run in training is shorter.
 */
import { type BaseDefinitionId, type DefinitionId, definitions } from './definitions.ts';
import { type Headline, headlines } from './headline.ts';
import { isMeasure } from './is-measure.ts';
import { measureOf } from './measures.ts';
import { placeSite } from './place-site.ts';
import type { EvaluationRecord, Measure } from './schema.ts';
import { replaceUnseen } from './unseen.ts';

export interface CardOptions {
  /** Repository that receives the release, `owner/name`; stands in the snippets. */
  repo: string;
  /** SPDX identifier as the hub writes it (apache-2.0); without it the card names none. */
  license?: string | undefined;
  /** Steps after which light checkpoints were kept. */
  lightCheckpoints?: readonly number[];
  /** Whether the release says how alike its decoders are. */
  similarity?: boolean;
}

/** Points of a trajectory that the card shows. */
const TRAJECTORY_ROWS = 6;

/** @param records of one run, at least one, in the order they are to be listed */
export function modelCard(records: readonly EvaluationRecord[], options: CardOptions): string {
  const first = records[0];
  if (first === undefined) throw new RangeError('a model card needs a record');
  const parts = [
    frontMatter(records, options),
    `# ${heading(records)}`,
    introduction(records),
    saeTable(records),
    usage(records, options),
    trajectory(records, options),
    validation(records),
    ...headlines.map((headline) => headlineScores(records, headline)),
    ...headlines.map((headline) => headlineTables(records, headline)),
    training(records),
    caveats(records),
    provenance(first, options.similarity ?? false),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function frontMatter(records: readonly EvaluationRecord[], { license }: CardOptions): string {
  const { model } = records[0]!;
  const lines = ['---'];
  if (license !== undefined) lines.push(`license: ${license}`);
  // The hub takes repositories here; the name of a local folder would be a broken link.
  const base = /^([\w.-]+\/[\w.-]+)(?:@.*)?$/.exec(model.id)?.[1];
  if (model.revision !== null && base !== undefined) lines.push(`base_model: ${base}`);
  const datasets = dataSets(records);
  if (datasets.length > 0) lines.push('datasets:', ...datasets.map((name) => `- ${name}`));
  lines.push('tags:', '- sparse-autoencoder', '- interpretability', '- mechanistic-interpretability');
  return [...lines, '---'].join('\n');
}

/** Hub data sets that the records name, as owner/name. */
function dataSets(records: readonly EvaluationRecord[]): string[] {
  const texts = records.flatMap(({ sae, data }) => [String(sae.training?.source ?? ''), data?.name ?? '']);
  const names = texts.flatMap((text) =>
    [...text.matchAll(/datasets\/([\w.-]+(?:\/[\w.-]+)?)@/g)].map(([, name]) => name!),
  );
  return [...new Set(names)].sort();
}

/** Whether all of them reconstruct another hook than they read. */
function areTranscoders(records: readonly EvaluationRecord[]): boolean {
  return records.every(({ sae }) => sae.reads !== undefined);
}

function heading(records: readonly EvaluationRecord[]): string {
  const what = areTranscoders(records) ? 'Transcoders' : 'Sparse autoencoders';
  return `${what} for ${line(records[0]!.model.id)}, ${layersText(records)}`;
}

function layersText(records: readonly EvaluationRecord[]): string {
  const layers = [...new Set(records.map(({ sae }) => sae.layer))];
  const sites = [...new Set(records.map(({ sae }) => placeSite(sae)))];
  const inside = sites.every((site) => site === 'resid_post') ? '' : ` (${sites.join(', ')})`;
  return `${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}${inside}`;
}

function introduction(records: readonly EvaluationRecord[]): string {
  const { model, sae } = records[0]!;
  const kinds = [...new Set(records.map((each) => each.sae.architecture))].join(', ');
  const one = areTranscoders(records)
    ? ['transcoder', 'transcoders']
    : ['sparse autoencoder (SAE)', 'sparse autoencoders (SAEs)'];
  const many = records.length === 1 ? `One ${one[0]}` : `${records.length} ${one[1]}`;
  const revision = model.revision === null ? '' : ` at revision \`${line(model.revision)}\``;
  const tokens =
    sae.tokens_trained === null ? '' : `, trained on ${thousands(sae.tokens_trained)} tokens each`;
  const width = model.d_model === null ? '' : ` The residual stream has ${model.d_model} dimensions.`;
  const inside = records.some((each) => placeSite(each.sae) !== 'resid_post');
  const read = inside ? 'activations' : 'the residual stream';
  const where = inside ? 'at the hooks that the table names' : 'after the decoder blocks named below';
  return `${many} (${kinds}) for ${read} of \`${line(model.id)}\`${revision}, read ${where}${tokens}.${width} Every number here was measured by Interpboard and names the definition it follows; brackets hold 95 % intervals.`;
}

function saeTable(records: readonly EvaluationRecord[]): string {
  return section(
    'SAEs',
    table(
      ['file', 'hook', 'architecture', 'latents', 'k', 'tokens', 'var_exp', 'L0', 'dead'],
      records.map((record) => {
        const { sae } = record;
        return [
          `\`${fileOf(record) ?? sae.name}\``,
          [sae.reads, sae.hook].flatMap((hook) => (hook === undefined ? [] : [`\`${hook}\``])).join(' → '),
          sae.architecture,
          thousands(sae.d_sae),
          sae.k === null ? '' : String(sae.k),
          sae.tokens_trained === null ? '' : thousands(sae.tokens_trained),
          valueText('var_exp@pooled-v1', record.metrics['var_exp@pooled-v1']),
          valueText('l0@v1', record.metrics['l0@v1']),
          percent(record.metrics['dead_fraction@v1']),
        ];
      }),
    ),
  );
}

/** The file with the tensors. */
function fileOf({ sae }: EvaluationRecord): string | undefined {
  return sae.files.find(({ name }) => name.endsWith('.safetensors'))?.name;
}

/** Code for the first SAE and for the first transcoder whose whole rule these lines are; their config files name the others. */
function usage(records: readonly EvaluationRecord[], { repo }: CardOptions): string {
  const plain = records.filter(isPlainTopK);
  const shown = [false, true].flatMap(
    (transcoder) => plain.find(({ sae }) => (sae.reads !== undefined) === transcoder) ?? [],
  );
  if (shown.length === 0) return '';
  return section('Use', shown.map((record) => usageOf(record, repo)).join('\n\n'));
}

function isPlainTopK({ sae }: EvaluationRecord): boolean {
  return (
    sae.files.some(({ name }) => name.endsWith('.safetensors')) &&
    sae.architecture === 'topk' &&
    // Others' may be what their files are only after a conversion.
    sae.source === undefined &&
    sae.k !== null &&
    (sae.training?.normalisation ?? 'none') === 'none' &&
    (sae.training?.applyBDecToInput ?? true) === (sae.reads === undefined) &&
    (sae.training?.transcode ?? 'plain') === 'plain'
  );
}

function usageOf(record: EvaluationRecord, repo: string): string {
  const { sae } = record;
  const transcoder = sae.reads !== undefined;
  const x = transcoder ? 'x' : '(x - sae["b_dec"])';
  return [
    `\`W_enc\` is [d, n], \`W_dec\` [n, d], both in float32. \`b_dec\` is ${transcoder ? 'not subtracted' : 'subtracted'} before encoding; the ${sae.k} largest pre-activations are kept, and the negative ones among them set to zero.${transcoder ? ` What is decoded stands for \`${line(sae.hook)}\`.` : ''}`,
    '',
    '```python',
    'import torch',
    'from huggingface_hub import hf_hub_download',
    'from safetensors.torch import load_file',
    '',
    `sae = load_file(hf_hub_download("${repo}", "${fileOf(record)}"))`,
    '',
    `def encode(x):  # [tokens, d] ${placeSite(sae) === 'resid_post' ? 'residuals after the block' : `activations at ${line(sae.reads ?? sae.hook)}`}, float32`,
    `    pre = ${x} @ sae["W_enc"] + sae["b_enc"]`,
    `    top = pre.topk(${sae.k}, dim=-1)`,
    '    return torch.zeros_like(pre).scatter(-1, top.indices, top.values.relu())',
    '',
    'def decode(z):',
    '    return z @ sae["W_dec"] + sae["b_dec"]',
    '```',
  ].join('\n');
}

function trajectory(
  records: readonly EvaluationRecord[],
  { repo, lightCheckpoints = [] }: CardOptions,
): string {
  const followed = records.filter((each) => each.trajectory !== null && each.trajectory.points.length > 0);
  const longest = followed[0]?.trajectory?.points ?? [];
  if (longest.length === 0) return '';
  const last = longest.length - 1;
  const rows = Math.min(TRAJECTORY_ROWS, longest.length);
  const picks = [...new Set(Array.from({ length: rows }, (_, i) => Math.round(((i + 1) * last) / rows)))].map(
    (index) => longest[index]!.tokens,
  );
  const at = (record: EvaluationRecord, tokens: number) =>
    record.trajectory?.points.find((point) => point.tokens === tokens);
  const note = followed[0]!.trajectory!;
  return section(
    'Training trajectory',
    table(
      ['tokens', ...followed.flatMap((each) => [`${shortName(each)} var_exp`, `${shortName(each)} dead`])],
      picks.map((tokens) => [
        thousands(tokens),
        ...followed.flatMap((each) => {
          const point = at(each, tokens);
          const dead = point?.dead;
          return [
            point?.var_exp == null ? '' : point.var_exp.toFixed(4),
            dead == null ? '' : thousands(dead),
          ];
        }),
      ]),
    ),
    `\`${note.var_exp}\`. ${line(note.note)}`,
    ...(lightCheckpoints.length === 0
      ? []
      : [
          `Weights after steps ${lightCheckpoints.join(', ')} lie in \`snapshots/\`; \`npx interpboard eval --sae ${repo}:snapshots\` measures them.`,
        ]),
  );
}

function validation(records: readonly EvaluationRecord[]): string {
  const data = records[0]!.data;
  const columns: BaseDefinitionId[] = [
    'var_exp@pooled-v1',
    'var_exp@chunk-v1',
    'cosine@v1',
    'l0@v1',
    'alive@v1',
    'loss_clean@v1',
    'loss_sae@v1',
    'loss_zero@v1',
  ];
  const present = columns.filter((id) => records.some((each) => each.metrics[id] !== undefined));
  if (present.length === 0 || data === null) return '';
  const documents = data.documents === undefined ? '' : ` from ${thousands(data.documents.count)} documents`;
  return section(
    'Validation',
    `${thousands(data.tokens)} tokens${documents} of ${line(data.name)}: ${line(data.split)}.`,
    table(
      ['SAE', ...present.map((id) => definitions[id].short)],
      records.map((each) => [shortName(each), ...present.map((id) => withInterval(id, each.metrics[id]))]),
    ),
    `Definitions: ${present.map((id) => `${definitions[id].short} \`${id}\``).join(', ')}. Alive counts latents that fired at least once within these tokens.`,
  );
}

/** The value that SAEs are ranked by, with what it is the weighted sum of. */
function headlineScores(records: readonly EvaluationRecord[], { id, suite, components }: Headline): string {
  const scored = records.filter((record) => measureOf(record, id) !== undefined);
  const [first] = scored;
  if (first === undefined) return '';
  const weights = first.suites[suite.id]?.weights ?? {};
  const heads = components.map((each) => {
    const weight = weights[each];
    return `${definitions[each].short}${weight === undefined ? '' : ` (${Math.round(100 * weight)} %)`}`;
  });
  return section(
    definitions[id].title,
    table(
      ['SAE', definitions[id].short, ...heads],
      scored.map((record) => [
        shortName(record),
        ...[id, ...components].map((each) => withInterval(each, measureOf(record, each))),
      ]),
    ),
    suite.about,
  );
}

/** The tables of the headline's suite whose values are compared, such as one of tasks. */
function headlineTables(records: readonly EvaluationRecord[], { suite }: Headline): string {
  const tables = suite.views.flatMap((view) => {
    const column = view.kind === 'table' ? view.columns.find(({ compared }) => compared) : undefined;
    if (view.kind !== 'table' || column === undefined) return [];
    const rowsOf = (each: EvaluationRecord) => each.suites[suite.id]?.tables?.[view.key] ?? [];
    const rows = rowsOf(records[0]!);
    if (rows.length === 0) return [];
    const cell = (each: EvaluationRecord, name: string): string => {
      const found = rowsOf(each).find((row) => row.name === name)?.cells[column.key];
      return isMeasure(found) ? withInterval(column.definition as DefinitionId, found) : '';
    };
    const { formula, title } = definitions[column.definition as DefinitionId];
    return [
      section(
        view.title,
        table(
          [view.row, 'data', ...records.map(shortName)],
          rows.map(({ name, note = '' }) => [name, note, ...records.map((each) => cell(each, name))]),
        ),
        `${column.label}: ${title}, ${formula}.`,
      ),
    ];
  });
  return tables.join('\n\n');
}

function training(records: readonly EvaluationRecord[]): string {
  const settings = records[0]!.sae.training;
  if (settings === null) return '';
  const differing = (key: string): boolean =>
    records.some((each) => each.sae.training?.[key] !== settings[key]);
  const rows = Object.entries(settings).map(([key, value]) => [
    `\`${key}\``,
    differing(key)
      ? records.map((each) => `${shortName(each)}: ${each.sae.training?.[key] ?? '–'}`).join('; ')
      : String(value ?? '–'),
  ]);
  return section('Training recipe', table(['setting', 'value'], rows));
}

function caveats(records: readonly EvaluationRecord[]): string {
  const all = [...new Set(records.flatMap((each) => each.caveats))];
  return all.length === 0 ? '' : section('Limits', all.map((each) => `- ${line(each)}`).join('\n'));
}

function provenance({ provenance: from, model }: EvaluationRecord, similarity: boolean): string {
  const versions = Object.entries(from.versions).map(([name, version]) => `${name} ${version}`);
  const seeds = Object.entries(from.seeds).map(([name, seed]) => `${name} ${seed}`);
  const lines = [
    `- Made by \`${line(from.source)}\`${from.started === null ? '' : `, begun ${from.started}`}${from.wall_seconds === null ? '' : `, ${from.wall_seconds} s of work`}.`,
    from.device === null ? '' : `- Device: ${line(from.device)}.`,
    versions.length === 0 ? '' : `- Versions: ${line(versions.join(', '))}.`,
    seeds.length === 0 ? '' : `- Seeds: ${line(seeds.join(', '))}.`,
    model.sha256 === null ? '' : `- SHA-256 over the language model’s files: \`${model.sha256}\`.`,
    from.config_sha256 === null ? '' : `- SHA-256 of the settings: \`${from.config_sha256}\`.`,
    '- `records/` holds every figure with its interval and definition, `interpscore_*.json` and `val_report.json` the layout of the reference release.',
    similarity ? '- `decoder_similarity.json` says how alike the decoders of its SAEs are.' : '',
  ];
  return section('Provenance', lines.filter((each) => each !== '').join('\n'));
}

/** The name its files carry, `L11` or `L11_k64`. */
function shortName(record: EvaluationRecord): string {
  const name = /^sae_(.+)_latest\.safetensors$/.exec(fileOf(record) ?? '')?.[1];
  return name ?? `L${record.sae.layer}`;
}

function section(title: string, ...blocks: string[]): string {
  return [`## ${title}`, ...blocks].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

/** Text of a record inside a table: no line breaks, no column of its own. */
function cell(text: string): string {
  return line(text).replaceAll('|', '\\|');
}

/** Foreign text in one line; angle brackets would be HTML. */
function line(text: string): string {
  return replaceUnseen(text, () => ' ')
    .replace(/ {2,}/g, ' ')
    .replaceAll('<', '&lt;')
    .trim();
}

function valueText(id: DefinitionId, measure: Measure | undefined): string {
  if (measure === undefined) return '';
  return measure.value === null ? 'n/a' : measure.value.toFixed(definitions[id].digits);
}

function withInterval(id: DefinitionId, measure: Measure | undefined): string {
  const value = valueText(id, measure);
  if (measure === undefined || measure.value === null || measure.interval === null) return value;
  const { low, high } = measure.interval;
  const { digits } = definitions[id];
  return `${value} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

function percent(measure: Measure | undefined): string {
  return measure?.value == null ? '' : `${(100 * measure.value).toFixed(2)} %`;
}

function thousands(value: number): string {
  return value.toLocaleString('en');
}
