/** How to load an SAE, in three ways, and the commands that measure it again: each for the very SAE of a record. */
import { placeSite } from '../../runner/report/place-site.ts';
import type { RecordTable } from '../../runner/report/record-table.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { shellWord } from '../../runner/report/shell-word.ts';
import { runName } from './release.ts';

export interface Snippet {
  title: string;
  code: string;
  note?: string;
}

const OTHERS = 'The figures here were published by others; this measures the same SAE with intervals.';

/** The SAE as this project's commands and library name it; null where the record does not say where it lies. */
export function placeOf(entry: EvaluationRecord, several = false): string | null {
  const { sae } = entry;
  const { source, repo, layer } = sae;
  if (source?.registry) return `${source.registry.release}/${source.registry.id}`;
  const file = tensorFile(sae.files);
  // A layer's number alone is the residual stream after that block.
  const byFile = several || placeSite(sae) !== 'resid_post';
  if (repo !== null) {
    const revision = source?.revision ? `@${source.revision}` : '';
    const path = source?.path ?? (byFile ? file : null);
    return path ? `${repo}${revision}:${path}` : `${repo}${revision}#layer=${layer}`;
  }
  const run = runName(entry);
  // The run evaluated an SAE from elsewhere, of which the record keeps no address: its own folder holds none.
  if (source !== undefined || run === null) return null;
  return byFile && file !== null ? `runs/${run}/${file}` : `runs/${run}#layer=${layer}`;
}

/** For the SAEs of a table, of whom it names the repository alone; none where it names none. */
export function tableSnippets({ sae: { repo }, model }: Pick<RecordTable, 'sae' | 'model'>): Snippet[] {
  if (repo === null) return [];
  const place = shellWord(`${repo}:FOLDER`);
  const note = `FOLDER is the folder of one SAE in ${repo}.`;
  return [
    { title: 'Look at one', code: `npx interpboard inspect ${place}`, note },
    {
      title: 'Measure one yourself',
      code: `npx interpboard eval --model ${shellWord(model.id)} --sae ${place}`,
      note: OTHERS,
    },
  ];
}

function tensorFile(files: EvaluationRecord['sae']['files']): string | null {
  return files.find(({ name }) => name.endsWith('.safetensors'))?.name ?? null;
}

/** @param several whether its layer has other SAEs in the same place */
export function loadingSnippets(entry: EvaluationRecord, several = false): Snippet[] {
  if (entry.sae.layers !== undefined) return circuitTracer(entry);
  if (entry.sae.places !== undefined) return ofItsAuthors(entry);
  const place = placeOf(entry, several);
  if (place === null) return [];
  return [ours(entry, place), ...(inSaeLens(entry) ? [saeLens(entry, place)] : []), ...pyTorch(entry)];
}

/** Of a cross-layer transcoder, which is no SAE of one hook: the program whose layout it has. */
function circuitTracer({ sae, model }: EvaluationRecord): Snippet[] {
  if (sae.repo === null) return [];
  return [
    {
      title: 'circuit-tracer',
      code: [
        'from circuit_tracer import ReplacementModel',
        '',
        `model = ReplacementModel.from_pretrained(${quoted(model.id)}, ${quoted(sae.repo)})`,
      ].join('\n'),
    },
  ];
}

/** Of a crosscoder, which is no SAE of one hook: its authors' program. */
function ofItsAuthors({ sae }: EvaluationRecord): Snippet[] {
  if (sae.repo === null) return [];
  if (sae.files.some(({ name }) => name === 'cc_weights.pt')) {
    const code = [
      'from crosscoder import CrossCoder',
      '',
      `coder = CrossCoder.load_from_hf(${quoted(sae.repo)}, ${quoted(sae.source?.path ?? '')})`,
    ];
    const note = 'In a checkout of github.com/ckkissane/crosscoder-model-diff-replication.';
    return [{ title: 'crosscoder-model-diff-replication', note, code: code.join('\n') }];
  }
  if (!sae.files.some(({ name }) => name === 'model.safetensors')) return [];
  const name = sae.architecture === 'batchtopk' ? 'BatchTopKCrossCoder' : 'CrossCoder';
  return [
    {
      title: 'dictionary_learning',
      note: 'The fork of github.com/science-of-finetuning.',
      code: [
        `from dictionary_learning import ${name}`,
        '',
        `coder = ${name}.from_pretrained(${quoted(sae.repo)}, from_hub=True)`,
      ].join('\n'),
    },
  ];
}

function ours(entry: EvaluationRecord, place: string): Snippet {
  const { sae } = entry;
  const width = sae.d_in === null ? 'd_in' : String(sae.d_in);
  const temporal = sae.variant === 'temporal';
  const texts = temporal ? ', length' : '';
  return {
    title: 'Interpboard’s library (Node)',
    code: [
      "import { getSae, openSae } from 'interpboard';",
      '',
      `const file = await getSae(${quoted(place)});`,
      'const sae = await openSae(file.sae);',
      `// x: Float32Array, [tokens, ${width}], ${readAt(entry)}`,
      ...(temporal ? ['// length: tokens of each text in x, one behind the other'] : []),
      `const latents = await sae.encode(x, tokens${texts});`,
      `const rebuilt = await sae.decode(latents, tokens, x${texts});`,
    ].join('\n'),
  };
}

/** Whether SAELens has it, or its layout can hold it. */
function inSaeLens({ sae }: EvaluationRecord): boolean {
  if (sae.source?.registry != null) return true;
  if (sae.variant === 'temporal' || sae.architecture === 'groupmax') return false;
  return sae.reads === undefined || (sae.architecture !== 'topk' && sae.architecture !== 'gated');
}

function saeLens(entry: EvaluationRecord, place: string): Snippet {
  const { source } = entry.sae;
  if (source?.registry)
    return {
      title: 'SAELens',
      code: [
        'from sae_lens import SAE',
        '',
        `sae = SAE.from_pretrained(${quoted(source.registry.release)}, ${quoted(source.registry.id)})`,
      ].join('\n'),
    };
  const plain = plainTopK(entry);
  if (plain === null)
    return {
      title: 'SAELens',
      note: `First in a shell: npx interpboard export ${shellWord(place)} --to saelens`,
      code: ['from sae_lens import SAE', '', 'sae = SAE.load_from_disk("saelens")'].join('\n'),
    };
  return {
    title: 'SAELens',
    code: [
      ...(plain.repo === null ? [] : ['from huggingface_hub import hf_hub_download']),
      'from safetensors.torch import load_file',
      'from sae_lens import TopKSAE, TopKSAEConfig',
      '',
      `sae = TopKSAE(TopKSAEConfig(d_in=${plain.d_in}, d_sae=${plain.d_sae}, k=${plain.k}))`,
      `sae.load_state_dict(load_file(${fileExpression(plain)}))`,
    ].join('\n'),
  };
}

interface PlainTopK {
  repo: string | null;
  /** In the repository, or in the run's folder. */
  file: string;
  d_in: number;
  d_sae: number;
  k: number;
}

/** A TopK SAE in the layout of the reference release, whose whole rule is a few lines; null for every other. */
function plainTopK(entry: EvaluationRecord): PlainTopK | null {
  const { sae } = entry;
  const { architecture, d_in, d_sae, k, training, repo, source } = sae;
  const file = tensorFile(sae.files);
  const settings = training ?? {};
  const plain =
    architecture === 'topk' &&
    source === undefined &&
    (settings.normalisation ?? 'none') === 'none' &&
    (settings.applyBDecToInput ?? true) === true;
  if (!plain || file === null || d_in === null || k === null) return null;
  const run = runName(entry);
  if (repo === null && run === null) return null;
  return { repo, file: repo === null ? `runs/${run}/${file}` : file, d_in, d_sae, k };
}

function fileExpression({ repo, file }: PlainTopK): string {
  return repo === null ? quoted(file) : `hf_hub_download(${quoted(repo)}, ${quoted(file)})`;
}

function pyTorch(entry: EvaluationRecord): Snippet[] {
  const plain = plainTopK(entry);
  if (plain === null) return [];
  return [
    {
      title: 'Plain PyTorch',
      code: [
        'import torch',
        ...(plain.repo === null ? [] : ['from huggingface_hub import hf_hub_download']),
        'from safetensors.torch import load_file',
        '',
        `sae = load_file(${fileExpression(plain)})`,
        '',
        `def encode(x):  # [tokens, ${plain.d_in}], ${readAt(entry)}, float32`,
        '    pre = (x - sae["b_dec"]) @ sae["W_enc"] + sae["b_enc"]',
        `    top = pre.topk(${plain.k}, dim=-1)`,
        '    return torch.zeros_like(pre).scatter(-1, top.indices, top.values.relu())',
        '',
        'def decode(latents):',
        '    return latents @ sae["W_dec"] + sae["b_dec"]',
      ].join('\n'),
    },
  ];
}

/** What the SAE takes, on one line of a comment. */
function readAt({ sae }: EvaluationRecord): string {
  return placeSite(sae) === 'resid_post'
    ? `the residual after block ${sae.layer}`
    : `read at ${quoted(sae.reads ?? sae.hook)}`;
}

/** As JavaScript and Python both read it. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Commands of a shell: to make a record again and hold it to this one, or to measure what others published. */
export function repeatSnippets(entry: EvaluationRecord, several = false): Snippet[] {
  const { kind, provenance, model, id } = entry;
  const run = runName(entry);
  const local = Object.values(givenPlaces(entry)).flat().filter(isLocal);
  if (kind === 'measured')
    return [
      {
        title: 'Make it again',
        code: provenance.source,
        ...(local.length > 0 && {
          note: `${local.join(', ')}: on the machine that made the record. Put in its place where it lies on yours.`,
        }),
      },
      ...(run !== null
        ? [
            {
              title: 'Hold it to this record',
              code: `npx interpboard verify ${shellWord(`content/measured/${run}/${id}.json`)}${verifyPlaces(entry)}`,
              note: `Names every number that moved beyond its interval.${local.length > 0 ? ' PATH/TO is where it lies on your machine.' : ''}`,
            },
          ]
        : []),
    ];
  const place = placeOf(entry, several);
  if (place === null || entry.sae.repo === null) return [];
  return [
    {
      title: 'Measure it yourself',
      code: `npx interpboard eval --model ${shellWord(model.id)} --sae ${shellWord(place)}`,
      note: OTHERS,
    },
  ];
}

/** SAEs that a run was given, by the option that `verify` takes them with. */
function givenPlaces({ provenance: { config } }: EvaluationRecord): Record<'sae' | 'from', string[]> {
  const training = config?.training;
  const from = typeof training === 'object' && training !== null && 'from' in training ? training.from : [];
  return { sae: texts(config?.saes), from: texts(from) };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** Of a file or folder a record keeps the last name alone. */
function isLocal(place: string): boolean {
  return !place.split('#')[0]!.includes('/');
}

/** What `verify` has to be told: of an option where any of its SAEs lay on the machine of the record, all of them. */
function verifyPlaces(entry: EvaluationRecord): string {
  return Object.entries(givenPlaces(entry))
    .filter(([, places]) => places.some(isLocal))
    .flatMap(([option, places]) =>
      places.map((place) => ` --${option} ${shellWord(isLocal(place) ? `PATH/TO/${place}` : place)}`),
    )
    .join('');
}
