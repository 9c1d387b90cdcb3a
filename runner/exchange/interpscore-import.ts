/**
 * Files of the reference evaluation: `interpscore_L{N}.json` of one layer, the combined `interpscore_papergrade.json`, and
 * `val_report.json`, which knows its layers and nothing else about its SAEs.
 */
import { z } from 'zod';
import { componentNames } from '../report/definitions.ts';
import { interpScorePart } from '../report/interpscore-part.ts';
import type { EvaluationRecord, Measure } from '../report/schema.ts';
import { interpScoreWeights } from '../suites/interpscore/composite.ts';
import {
  disagreement,
  fact,
  type Identity,
  imported,
  importedRecord,
  type Known,
  metricsOf,
  NO_VALUE,
  optionalFact,
  unread,
} from './imported.ts';
import { checked, loose, type ResultFile } from './result-file.ts';
import { modelKey } from './same-sae.ts';

const text = z.string().max(2_000);

const layerFile = z.looseObject({
  version: text.nullish(),
  sae_repo: text.nullish(),
  model: text.nullish(),
  layer: z.int().nonnegative(),
  d_model: z.int().positive().nullish(),
  d_sae: z.int().positive().nullish(),
  k: z.int().positive().nullish(),
  tokens_trained: z.int().nonnegative().nullish(),
  eval_tokens: z.int().positive().nullish(),
  probing_tasks: z.array(text).nullish(),
  probing_per_task_auc: z.record(text, loose).nullish(),
  tpp_concept: text.nullish(),
  tpp_top_features: z.int().nonnegative().nullish(),
  L_clean: loose,
  L_sae: loose,
  L_zero: loose,
  L0: loose,
  dead_frac: loose,
  components: z.record(text, loose),
  weights: z.record(text, z.number()).nullish(),
  interp_score: loose,
  elapsed_sec: z.number().nonnegative().nullish(),
});

type LayerFile = z.infer<typeof layerFile>;

const combinedFile = z.looseObject({
  sae_repo: text.nullish(),
  model: text.nullish(),
  tokens_trained: z.int().nonnegative().nullish(),
  timestamp: text.nullish(),
  per_layer: z.record(text, layerFile),
});

const validationFile = z.record(
  z.string().regex(/^\d{1,5}/),
  z.looseObject({ var_expl: loose, l0: loose, alive: loose, dead_pct: loose }),
);

const SOURCE = 'interpscore 0.0.1';

export function isLayerFile(value: unknown): boolean {
  return has(value, 'components') && has(value, 'layer');
}

export function isCombinedFile(value: unknown): boolean {
  return has(value, 'per_layer');
}

export function isValidationFile(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && Object.values(value).some((each) => has(each, 'var_expl'))
  );
}

function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

export function importLayer(file: ResultFile, known: Known): EvaluationRecord {
  return layerRecord(checked(layerFile, file, 'an interpscore_L{N}.json'), known, file.path, null);
}

export function importCombined(file: ResultFile, known: Known): EvaluationRecord[] {
  const { per_layer, ...shared } = checked(combinedFile, file, 'an interpscore_papergrade.json');
  const started = z.iso.datetime().safeParse(shared.timestamp).data ?? null;
  return Object.entries(per_layer).map(([key, layer]) => {
    const said = /^L?(\d{1,5})/.exec(key)?.[1];
    if (said !== undefined && Number(said) !== layer.layer)
      throw disagreement(file.path, ['per_layer', key], ['its layer', layer.layer]);
    for (const name of ['sae_repo', 'model', 'tokens_trained'] as const)
      if (layer[name] != null && shared[name] != null && !same(name, layer[name], shared[name]))
        throw disagreement(file.path, [name, shared[name]], [`per_layer.${key}.${name}`, layer[name]]);
    return layerRecord(
      {
        ...layer,
        sae_repo: layer.sae_repo ?? shared.sae_repo,
        model: layer.model ?? shared.model,
        tokens_trained: layer.tokens_trained ?? shared.tokens_trained,
      },
      known,
      file.path,
      started,
    );
  });
}

function same(name: string, a: string | number, b: string | number): boolean {
  return name === 'model' ? modelKey(String(a)) === modelKey(String(b)) : a === b;
}

function identityOf(found: LayerFile, known: Known, path: string): Identity {
  const repo = found.sae_repo ?? null;
  const name = `${known.name ?? repo?.split('/').at(-1) ?? 'SAE'} L${found.layer}`;
  return {
    key: name,
    name,
    repo,
    model: fact(found.model, known.model, '--model', path),
    layer: fact(found.layer, known.layer, '--layer', path),
    d_sae: fact(found.d_sae, known.latents, '--latents', path),
    // The reference evaluation knows TopK SAEs only.
    architecture: known.architecture ?? 'topk',
    hook: `residual stream after decoder block ${found.layer}`,
    d_in: found.d_model ?? null,
    k: optionalFact(found.k, known.k, '--k', path),
    tokens_trained: found.tokens_trained ?? null,
    origin: { release: repo, member: null, step: null, config_sha256: null },
  };
}

function layerRecord(found: LayerFile, known: Known, path: string, started: string | null): EvaluationRecord {
  const window = found.eval_tokens == null ? {} : { window_tokens: found.eval_tokens };
  const dead = imported(found.dead_frac, window);
  const components = Object.fromEntries(
    componentNames.map((name): [string, Measure] => [
      name,
      imported(found.components[name], name === 'alive' ? window : {}),
    ]),
  ) as Record<(typeof componentNames)[number], Measure>;
  return importedRecord(
    identityOf(found, known, path),
    {
      data:
        found.eval_tokens == null
          ? null
          : {
              name: 'the text of the reference evaluation',
              split: 'not said',
              seed: null,
              tokens: found.eval_tokens,
              rows: null,
              row_tokens: null,
            },
      metrics: metricsOf({
        'loss_clean@v1': imported(found.L_clean),
        'loss_sae@v1': imported(found.L_sae),
        'loss_zero@v1': imported(found.L_zero),
        'l0@v1': imported(found.L0),
        'dead_fraction@v1': dead,
      }),
      suites: {
        interpscore: {
          ...interpScorePart({
            components,
            weights: { ...interpScoreWeights, ...weightsOf(found) },
            score: imported(found.interp_score),
          }),
          tables: {
            probes: Object.entries(found.probing_per_task_auc ?? {}).map(([name, auroc]) => ({
              name,
              note: 'not said',
              cells: { auroc: imported(auroc), train_rows: null, test_rows: null, duplicates: null },
            })),
          },
        },
      },
    },
    {
      text: SOURCE,
      started,
      seconds: found.elapsed_sec ?? null,
      caveats: [
        `${Object.values(components).some(({ value }) => value === null) ? `Components missing: ${NO_VALUE} ` : ''}Probing tasks are named as the file names them; their rows are not in it.`,
        ...unread(unknownOf(found)),
      ],
    },
    path,
  );
}

/** Numbers of the file that no field of a record is made of. */
function unknownOf(found: LayerFile): string[] {
  const names = Object.entries(found)
    .filter(([name, value]) => typeof value === 'number' && !Object.hasOwn(layerFile.shape, name))
    .map(([name]) => name);
  const components = Object.keys(found.components).filter(
    (name) => !(componentNames as readonly string[]).includes(name),
  );
  return [...names, ...components.map((name) => `components.${name}`)];
}

function weightsOf(found: LayerFile): Partial<Record<(typeof componentNames)[number], number>> {
  return Object.fromEntries(
    componentNames.flatMap((name) => {
      const weight = found.weights?.[name];
      return weight === undefined ? [] : [[name, weight]];
    }),
  );
}

/** @throws UserError for what only the user can know: the model, and the number of latents */
export function importValidation(file: ResultFile, known: Known): EvaluationRecord[] {
  const layers = checked(validationFile, file, 'a val_report.json');
  return Object.entries(layers).map(([key, found]) => {
    const layer = fact(Number.parseInt(key, 10), known.layer, '--layer', file.path);
    const d_sae = fact(undefined, known.latents, '--latents', file.path);
    const name = `${fact(undefined, known.name, '--name', file.path)} L${key}`;
    const alive = aliveShare(found, d_sae, `${file.path}, ${key}`);
    return importedRecord(
      {
        key: name,
        name,
        repo: null,
        model: fact(undefined, known.model, '--model', file.path),
        layer,
        d_sae,
        architecture: known.architecture ?? 'topk',
        hook: `residual stream after decoder block ${layer}`,
        d_in: null,
        k: known.k ?? null,
        tokens_trained: null,
        origin: { release: null, member: null, step: null, config_sha256: null },
      },
      {
        metrics: metricsOf({
          'var_exp@chunk-v1': imported(found.var_expl),
          'l0@v1': imported(found.l0),
          'alive@v1': imported(alive),
          'dead_fraction@v1': imported(found.dead_pct == null ? found.dead_pct : found.dead_pct / 100),
        }),
      },
      {
        text: 'val_report.json',
        started: null,
        caveats: ['The report does not say how many tokens its alive share was taken over.'],
      },
      file.path,
    );
  });
}

/**
 * The report counts alive latents; other writers give their share. Which it is the dead ones say.
 *
 * @throws UserError when they fit neither
 */
function aliveShare(
  { alive, dead_pct }: { alive?: number | null | undefined; dead_pct?: number | null | undefined },
  d_sae: number,
  thing: string,
): number | null | undefined {
  if (alive == null) return alive;
  if (dead_pct == null) return alive > 1 ? alive / d_sae : alive;
  const expected = 1 - dead_pct / 100;
  // As many digits as files give percentages with.
  const fitting = [alive / d_sae, alive].find((share) => Math.abs(share - expected) < 0.006);
  if (fitting !== undefined) return fitting;
  throw disagreement(thing, ['alive', alive], ['dead_pct', dead_pct]);
}
