/** What a record claims of itself and its numbers contradict: checked wherever a record enters, with its schema. */

import type { SaeOrigin } from './origin-schema.ts';
import type { Part } from './part.ts';
import type { SuiteDeclaration } from './suite.ts';
import { codePointName, firstUnseen } from './unseen.ts';

/** Beyond any SAE or model: 67 million latents, a thousand trillion tokens. */
const LARGEST_SIZE = 2 ** 26;
const LARGEST_COUNT = 1e15;
const LARGEST_DEPTH = 10_000;
/** Files give composites and their components with three digits or more. */
const ROUNDING = 1e-3;

export interface ClaimFault {
  path: (string | number)[];
  message: string;
}

interface Claiming {
  model: { id: string; blocks: number | null; d_model: number | null };
  sae: {
    name: string;
    repo: string | null;
    hook: string;
    layer: number;
    layers?: number | undefined;
    places?: readonly { model: string; hook: string; layer: number }[] | undefined;
    other_model?: { id: string } | undefined;
    d_in: number | null;
    d_out?: number | undefined;
    d_sae: number;
    k: number | null;
    tokens_trained: number | null;
    files: readonly { name: string; bytes: number | null }[];
    origin?: SaeOrigin | undefined;
  };
  data: { name: string; tokens: number; rows: number | null } | null;
  metrics: Partial<Record<string, { value: number | null }>>;
}

/** Names that can be read, and counts that fit each other and the world. */
export function claimFaults({ model, sae, data, metrics }: Claiming): ClaimFault[] {
  const faults: ClaimFault[] = [];
  const fault = (path: ClaimFault['path'], message: string): void => void faults.push({ path, message });
  const names: [ClaimFault['path'], string | null | undefined][] = [
    [['model', 'id'], model.id],
    [['sae', 'name'], sae.name],
    [['sae', 'repo'], sae.repo],
    [['sae', 'hook'], sae.hook],
    [['sae', 'origin', 'release'], sae.origin?.release],
    [['sae', 'origin', 'member'], sae.origin?.member],
    [['data', 'name'], data?.name],
    ...sae.files.map(({ name }, i): [ClaimFault['path'], string] => [['sae', 'files', i, 'name'], name]),
  ];
  for (const [path, name] of names) {
    if (name == null) continue;
    if (name.trim() === '') fault(path, 'expected a name, received one without a character that is seen');
    const unseen = firstUnseen(name);
    if (unseen !== null) fault(path, `expected characters that are seen, received ${codePointName(unseen)}`);
  }
  const counts: [ClaimFault['path'], number | null | undefined, number][] = [
    [['model', 'blocks'], model.blocks, LARGEST_DEPTH],
    [['model', 'd_model'], model.d_model, LARGEST_SIZE],
    [['sae', 'layer'], sae.layer, LARGEST_DEPTH],
    [['sae', 'd_in'], sae.d_in, LARGEST_SIZE],
    [['sae', 'd_out'], sae.d_out, LARGEST_SIZE],
    [['sae', 'd_sae'], sae.d_sae, LARGEST_SIZE],
    [['sae', 'k'], sae.k, sae.d_sae],
    [['sae', 'tokens_trained'], sae.tokens_trained, LARGEST_COUNT],
    [['data', 'tokens'], data?.tokens, LARGEST_COUNT],
    [['data', 'rows'], data?.rows, LARGEST_COUNT],
    [['metrics', 'l0@v1', 'value'], metrics['l0@v1']?.value, sae.d_sae],
    ...sae.files.map(({ bytes }, i): [ClaimFault['path'], number | null, number] => [
      ['sae', 'files', i, 'bytes'],
      bytes,
      LARGEST_COUNT,
    ]),
  ];
  if (sae.d_sae < 1) fault(['sae', 'd_sae'], 'expected 1 or more, received 0');
  for (const [path, value, most] of counts)
    if (value != null && value > most) fault(path, `expected at most ${most}, received ${value}`);
  if (model.blocks !== null && sae.layer >= model.blocks)
    fault(['sae', 'layer'], `expected a block of ${model.blocks}, received ${sae.layer}`);
  if (sae.layers !== undefined && (sae.layers < 1 || sae.layers > sae.layer + 1))
    fault(['sae', 'layers'], `expected 1 to ${sae.layer + 1}, received ${sae.layers}`);
  const last = sae.places?.at(-1);
  if (last !== undefined && (last.layer !== sae.layer || last.hook !== sae.hook))
    fault(['sae', 'places'], `expected the last of them at ${sae.hook}, received ${last.hook}`);
  for (const [i, { model: name, layer }] of (sae.places ?? []).entries()) {
    if (name !== model.id && name !== sae.other_model?.id)
      fault(['sae', 'places', i, 'model'], `expected ${model.id} or sae.other_model, received ${name}`);
    if (layer >= LARGEST_DEPTH) fault(['sae', 'places', i, 'layer'], `expected at most ${LARGEST_DEPTH}`);
  }
  return faults;
}

/** A total that is not the weighted sum of what it says it is of. What lacks a component has no sum to be held to. */
export function totalFaults(found: Part, { views }: Pick<SuiteDeclaration, 'views'>): ClaimFault[] {
  const { measures = {}, weights = {} } = found;
  return views.flatMap((view) => {
    if (view.kind !== 'measures' || view.total === undefined) return [];
    const total = measures[view.total]?.value;
    const terms = Object.entries(weights).map(([id, weight]) => ({ weight, value: measures[id]?.value }));
    if (total == null || terms.length === 0 || terms.some(({ value }) => value == null)) return [];
    const sum = terms.reduce((all, { weight, value }) => all + weight * value!, 0);
    const slack = ROUNDING * (1 + terms.reduce((all, { weight }) => all + Math.abs(weight), 0)) * 0.5;
    if (Math.abs(sum - total) <= slack + 1e-9) return [];
    const message = `expected ${sum.toFixed(4)}, the weighted sum of its components, received ${total}`;
    return [{ path: ['measures', view.total, 'value'], message }];
  });
}
