/** A record's settings as lists of name and value, in reading order. */

import { isAtOneLayer } from '../../runner/report/place-site.ts';
import type { EvaluationRecord } from '../../runner/report/schema.ts';
import { formatCount, formatDuration, formatTime } from './format.ts';
import { hookNames, layerText } from './hook-words.ts';
import { architectureNames } from './kinds.ts';
import { settingLabel, settingText } from './setting-words.ts';

export interface Fact {
  name: string;
  /** Null where the record does not say. */
  value: string | null;
  href?: string;
  /** Set as code: hashes, file names, commands. */
  code?: boolean;
}

function count(value: number | null): string | null {
  return value === null ? null : formatCount(value);
}

export function architectureFacts({ model, sae }: EvaluationRecord): Fact[] {
  return [
    { name: 'Model', value: model.id },
    { name: 'Model revision', value: model.revision, code: true },
    { name: 'Model family', value: model.family },
    { name: 'Model blocks', value: count(model.blocks) },
    { name: 'Model type', value: model.dtype },
    { name: 'Model SHA-256', value: model.sha256, code: true },
    ...otherModelFacts(sae.other_model),
    { name: 'SAE architecture', value: architectureNames[sae.architecture] },
    { name: isAtOneLayer(sae) ? 'Layer' : 'Layers', value: layerText(sae) },
    { name: 'Hook', value: hookNames(sae).hook },
    { name: 'Hook that it reads', value: hookNames(sae).reads ?? null },
    { name: 'Width of the hook (d_in)', value: count(sae.d_in) },
    { name: 'Width of what it reconstructs (d_out)', value: count(sae.d_out ?? null) },
    { name: 'Latents (d_sae)', value: count(sae.d_sae) },
    { name: 'Latents kept per token (k)', value: count(sae.k) },
    ...encodingFacts(sae.encoding),
    { name: 'SAE repository', value: sae.repo },
    { name: 'SAE SHA-256', value: sae.sha256, code: true },
    { name: 'Licence', value: sae.license },
    ...sourceFacts(sae.source),
  ];
}

function otherModelFacts(other: EvaluationRecord['sae']['other_model']): Fact[] {
  if (other === undefined) return [];
  return [
    { name: 'Second model', value: other.id },
    { name: 'Second model revision', value: other.revision, code: true },
    { name: 'Second model SHA-256', value: other.sha256, code: true },
  ];
}

/** What an SAE encodes with besides its tensors; k and the hooks of a transcoder have lines of their own. */
function encodingFacts(encoding: EvaluationRecord['sae']['encoding'] = {}): Fact[] {
  return Object.entries(encoding)
    .filter(([name]) => name !== 'k' && name !== 'transcoder')
    .map(([name, value]) => ({ name: settingLabel(name), value: settingText(value) }));
}

/** Of an SAE that its evaluator did not train: where it came from, and how it was read. */
function sourceFacts(source: EvaluationRecord['sae']['source']): Fact[] {
  if (source === undefined) return [];
  const { format, revision, path, registry, conversions, self_test, model_name, hook_name } = source;
  const light = source.light_checkpoint;
  const tried = self_test?.others.filter(({ var_exp }) => var_exp !== null) ?? [];
  const best = tried.sort((a, b) => (b.var_exp ?? 0) - (a.var_exp ?? 0))[0];
  return [
    ...(light
      ? [
          {
            name: 'Light checkpoint',
            value: `${light.of}, ${light.id}, after step ${formatCount(light.step)}`,
          },
        ]
      : []),
    { name: 'SAE revision', value: revision, code: true },
    { name: 'Path in the repository', value: path },
    { name: 'Registry name', value: registry === null ? null : `${registry.release}/${registry.id}` },
    { name: 'Read as', value: format },
    { name: 'Model and hook named', value: [model_name, hook_name].filter(Boolean).join(', ') || null },
    { name: 'Conversions', value: conversions.join('; ') || 'none' },
    {
      name: 'Self-test',
      value:
        self_test === null
          ? null
          : `var_exp ${self_test.declared.toFixed(3)} as declared${best === undefined ? '' : `, ${best.var_exp?.toFixed(3)} at best read otherwise (${best.convention})`}, on ${formatCount(self_test.tokens)} tokens`,
    },
  ];
}

export function trainingFacts({ sae }: EvaluationRecord): Fact[] {
  return [
    { name: 'Training tokens', value: count(sae.tokens_trained) },
    ...Object.entries(sae.training ?? {}).map(([name, value]) => ({
      name: settingLabel(name),
      value: value === null ? null : settingText(value),
    })),
  ];
}

export function dataFacts({ data }: EvaluationRecord): Fact[] {
  if (data === null) return [];
  return [
    { name: 'Text', value: data.name },
    { name: 'Split', value: data.split },
    { name: 'Seed', value: data.seed === null ? null : String(data.seed) },
    { name: 'Tokens', value: count(data.tokens) },
    { name: 'Rows', value: count(data.rows) },
    ...(data.blocks === undefined ? [] : [{ name: 'Documents that hold them', value: count(data.blocks) }]),
    { name: 'Tokens per row', value: count(data.row_tokens) },
  ];
}

export function provenanceFacts({ provenance, schema }: EvaluationRecord): Fact[] {
  const { url } = provenance;
  return [
    { name: 'Source', value: provenance.source },
    { name: 'Address', value: url, ...(url === null ? {} : { href: url }) },
    { name: 'Started', value: provenance.started && formatTime(provenance.started) },
    {
      name: 'Wall time',
      value: provenance.wall_seconds === null ? null : formatDuration(provenance.wall_seconds),
    },
    { name: 'Device', value: provenance.device },
    { name: 'Threads', value: count(provenance.threads) },
    { name: 'Configuration SHA-256', value: provenance.config_sha256, code: true },
    ...Object.entries(provenance.seeds).map(([name, seed]) => ({
      name: `Seed: ${name}`,
      value: String(seed),
    })),
    ...Object.entries(provenance.versions).map(([name, version]) => ({
      name: `Version: ${name}`,
      value: version,
    })),
    { name: 'Record schema', value: schema },
  ];
}
