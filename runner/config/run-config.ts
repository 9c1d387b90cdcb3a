/** What a run is: every setting, with the words that --help prints. Presets and config files are objects of this shape. */
import { z } from 'zod';
import { parsePlace, placeName, sites } from '../hook.ts';
import { isDeviceName } from '../io/windows-names.ts';
import { precisionChoices } from '../lm/precision.ts';
import { suites } from '../suites/index.ts';
import type { RunInputs, Suite } from '../suites/suite.ts';
import { corpusNames } from '../text/corpora.ts';
import { DEMO_CLASSES } from '../text/demo-probes.ts';
import { boundaries } from '../text/packing.ts';
import { declaredProbes } from '../text/probe-declaration.ts';
import { backendChoices } from '../train/backends/backend.ts';
import { recipe } from '../train/recipe.ts';
import {
  type Complain,
  complainAboutOthers,
  complainAboutSettings,
  complainAboutSweep,
  complainAboutTokens,
  complainAboutTranscoders,
} from './complaints.ts';
import {
  count,
  keptActivations,
  liveSettings,
  ownSuite,
  policySettings,
  probeSet,
  seed,
  shuffleSettings,
  sources,
  uploadSettings,
  validationSettings,
} from './setting-groups.ts';
import { foldedSettings, settingsOf, suiteSettings } from './suite-settings.ts';
import { SAE_LIMIT, sweep } from './sweep.ts';
import { HOOK_TEXT, trainedPlaces } from './trained-hooks.ts';

/** Characters of a run's name. */
export const NAME_LIMIT = 60;

const suiteIds = suites.map(({ declaration }) => declaration.id);

export const runConfig = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/, 'expected lower-case words joined by hyphens or dots')
      .max(NAME_LIMIT)
      .refine(
        (name) => !isDeviceName(name),
        'expected no name that Windows keeps for a device (con, nul, aux …)',
      )
      .describe('name of the run, of its folder and of its records'),
    model: z.strictObject({
      id: z.string().min(1).max(200).describe('name of the language model in the report'),
      reference: z
        .string()
        .min(1)
        .max(1_000)
        .nullable()
        .describe(
          'a folder in the Hugging Face layout or owner/name[@revision]; synthetic-small, synth-sae-bench-16k, or a folder or configuration file of a synthetic model; null is the embedded language model',
        ),
    }),
    layers: z
      .array(z.int().nonnegative().max(10_000))
      .max(64)
      .describe('hooks: the residual stream after these blocks (numbered from 0)'),
    hooks: z
      .array(z.string().refine((text) => parsePlace(text) !== null, `expected ${HOOK_TEXT}`))
      .min(1)
      .max(64)
      .optional()
      .describe(
        `hooks besides those of layers: ${sites.join(', ')}, each with its block, as mlp_out:4; a transcoder has what it reads before what it reconstructs, as mlp_in:4>mlp_out:4`,
      ),
    device: z
      .string()
      .max(200)
      .describe(
        'where programs run: auto, cpu, webgpu, coreml, dml, cuda:N; several share the model: cuda:0,cuda:1. cuda:N+tf32 rounds the factors of float32 products to TF32 (10 bits instead of 23): faster, and other numbers',
      ),
    precision: z
      .enum(precisionChoices)
      .default('auto')
      .describe(
        'what the language model is computed in; auto: bfloat16 where the weights are stored so and the devices are CUDA’s, else float32; on the CPU bfloat16 is float32 that is rounded after each operator, which is slow. Activations and losses are float32 in any case, and so are SAEs',
      ),
    backend: z
      .enum(backendChoices)
      .default('auto')
      .describe(
        'where training steps are computed; sparse-cpu: by the latents of each token, on the CPU; graph: on the device; auto: sparse-cpu where the device is cpu and the recipe is one it computes, else graph',
      ),
    threads: count.max(1024).nullable().describe('threads of one operator; null leaves it to onnxruntime'),
    spill: z
      .enum(['float32', 'bfloat16'])
      .default('float32')
      .describe('residuals on disk, of a model larger than memory: float32 is exact, bfloat16 half as large'),
    corpus: z.strictObject({
      source: z
        .union([z.enum(['small-world', 'samples', ...corpusNames]), sources])
        .describe(
          'training text: small-world (the embedded generator), samples (a synthetic model’s own), reference (the mixture of the reference release), a reference to data files, or a list of sources',
        ),
      heldout: z
        .union([z.enum(corpusNames), sources])
        .nullable()
        .default(null)
        .describe('evaluation text, such as c4-validation; null: held-out documents of the training text'),
      heldoutShare: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.01)
        .describe('share of documents, chosen by their hash, that evaluation alone reads (not small-world)'),
      badRows: z
        .number()
        .min(0)
        .max(1)
        .default(0.01)
        .describe(
          'share of rows (of 100 at least) that may be broken: no JSON, without the field, refused by the chat template; they are passed over and counted',
        ),
      boundaries: boundaries
        .default('joined')
        .describe('documents in training rows: joined, separated (by an end-of-text token) or apart'),
      trainSeed: seed.describe('seed of the training text'),
      heldoutSeed: seed.describe('seed of the evaluation text; must differ from trainSeed'),
      rowTokens: count.max(1_000_000).describe('tokens of one packed row'),
    }),
    train: z.boolean().default(true).describe('whether the run trains SAEs of its own, at layers and hooks'),
    saes: z
      .array(z.string().min(1).max(1_000))
      .max(SAE_LIMIT)
      .default([])
      .describe(
        'SAEs of others to evaluate: folders, owner/name[@revision]:path, release/id of the registry',
      ),
    sae: recipe,
    sweep: sweep.default({}),
    training: z.strictObject({
      tokens: count.describe('tokens each SAE is trained on'),
      checkpointTokens: count.describe('tokens between two saved states'),
      logSteps: count.describe('steps between two points of the trajectory'),
      snapshots: z
        .enum(['none', 'bfloat16', 'float32'])
        .default('none')
        .describe(
          'light checkpoints, weights alone, after steps 1, 2 and 5 x 10^i: in snapshots/ of the run folder',
        ),
      log: z
        .enum(['none', 'tensorboard'])
        .default('none')
        .describe(
          'a log beside the trajectory, to look at while training goes on; tensorboard: event files in tensorboard/ of the run folder',
        ),
      from: z
        .array(z.string().min(1).max(1_000))
        .max(SAE_LIMIT)
        .default([])
        .describe(
          'SAEs whose weights training starts from, one of each hook that is trained, named as in saes; the optimiser begins anew',
        ),
      resampleTokens: z
        .int()
        .nonnegative()
        .max(2 ** 24)
        .default(0)
        .describe(
          'with from: latents that fire on none of so many first tokens are made anew before the first step; 0 leaves all as they are',
        ),
      activations: keptActivations.prefault({}),
      shuffle: shuffleSettings.prefault({}),
      policy: policySettings.prefault({}),
    }),
    probing: z
      .strictObject({
        tasks: z
          .array(probeSet)
          .min(1)
          .max(50)
          .default(['toxicity', 'sentiment'])
          .describe(
            'tasks of InterpScore, by name or declared; the first is the one tpp perturbs (toxic_conversations and sst2 in the reference)',
          ),
        sets: z
          .array(probeSet)
          .max(50)
          .default([])
          .describe('sets of several classes, by name or declared, for the suites that follow SAEBench'),
        ...foldedSettings('probing'),
      })
      .prefault({}),
    validation: validationSettings.prefault({}),
    upload: uploadSettings.prefault({}),
    live: liveSettings.prefault({}),
    evaluation: z.strictObject({
      tokens: count.describe('held-out tokens for reconstruction and losses'),
      controlTokens: z
        .int()
        .nonnegative()
        .max(2 ** 50)
        .default(8_192)
        .describe(
          'of these, the last ones on which controls are measured too: so many or 32 documents, whichever is more, at most half; 0 leaves controls out',
        ),
      untrainedProbes: z
        .boolean()
        .default(true)
        .describe(
          'whether an untrained SAE of each shape is probed as the SAEs are, where controls are measured: up to a fifth of the evaluation of a small model, little of a large one’s',
        ),
      documentTokens: count.describe('documents are cut to so many tokens before packing'),
      probeTexts: count.max(1_000_000).describe('texts of each probing task, taken in order'),
      probeTokens: count.describe('probe texts are cut to so many tokens'),
      probeSeed: seed.describe('seed of the probe texts'),
      suites: z
        .array(z.enum(suiteIds))
        .default(suites.filter(({ byDefault }) => byDefault).map(({ declaration }) => declaration.id))
        .describe(`suites besides reconstruction and losses: ${suiteIds.join(', ')}`),
      setTrainTexts: count.default(2_000).describe('training texts per class of each set in probing.sets'),
      setTestTexts: count.default(500).describe('test texts per class of each set in probing.sets'),
      setTokens: count.default(128).describe('texts of those sets are cut to so many tokens'),
      ownSuites: z
        .array(ownSuite)
        .max(20)
        .default([])
        .describe('suites from files, as --suite names them: filled in by it'),
      similarityOperations: z
        .number()
        .nonnegative()
        .max(1e24)
        .nullable()
        .default(null)
        .describe(
          'floating-point operations that comparing the decoders of the run’s SAEs may take, nearest layers first; 0 leaves it out; null: 2e13 on the CPU, 2e15 on a GPU',
        ),
      transferFrom: z
        .string()
        .min(1)
        .max(1_000)
        .nullable()
        .default(null)
        .describe(
          'of SAEs of others, evaluated on another model than their own: their own, on which they are measured too, over the same text; null: none',
        ),
      otherModel: z
        .string()
        .min(1)
        .max(1_000)
        .nullable()
        .default(null)
        .describe(
          'of a crosscoder of two models: that of its second place, where model.reference is that of the first; a repository or a folder; null: none',
        ),
      pairEvery: z
        .boolean()
        .default(false)
        .describe(
          'whether records keep the resamples of every metric over the tokens, or of those alone that SAEs are ranked by; true with transferFrom',
        ),
      resamples: count.max(1_000_000).describe('bootstrap resamples behind every interval'),
      seed: seed.describe('seed of the resamples'),
      ...foldedSettings('evaluation'),
    }),
    suites: z.object(suiteSettings()).catchall(z.json()).prefault({}),
  })
  .superRefine((value, context) => {
    const complain: Complain = (path, message) => {
      context.addIssue({ code: 'custom', path, message });
    };
    const { corpus, sae, layers, hooks = [], evaluation } = value;
    if (corpus.trainSeed === corpus.heldoutSeed) {
      complain(['corpus', 'heldoutSeed'], `expected a seed other than trainSeed (${corpus.trainSeed})`);
    }
    if (value.validation.tokens !== null && corpus.trainSeed === value.validation.seed) {
      complain(['validation', 'seed'], `expected a seed other than trainSeed (${corpus.trainSeed})`);
    }
    if (sae.batchTokens % corpus.rowTokens !== 0) {
      complain(['sae', 'batchTokens'], `expected a multiple of corpus.rowTokens (${corpus.rowTokens})`);
    }
    if (corpus.source === 'samples' && corpus.heldout !== null)
      complain(['corpus', 'heldout'], 'expected null: a synthetic model reads samples of its own');
    complainAboutTokens(value, complain);
    if (value.training.policy.dropFirst >= corpus.rowTokens) {
      complain(
        ['training', 'policy', 'dropFirst'],
        `expected less than corpus.rowTokens (${corpus.rowTokens})`,
      );
    }
    complainAboutSettings(value, complain);
    complainAboutSweep(value, complain);
    for (const suite of suitesOf(value)) {
      for (const { path, message } of suite.check(settingsOf(suite, value), inputsOf(value)))
        complain(path, message);
    }
    complainAboutOthers(value, complain);
    if (!value.train && value.saes.length === 0) complain(['train'], 'expected true where no saes are given');
    if (new Set(layers).size !== layers.length) complain(['layers'], 'expected each layer once');
    if (layers.length + hooks.length === 0)
      complain(['layers'], 'expected one at least where there are no hooks');
    const [inside, all] = [trainedPlaces({ layers: [], hooks }), trainedPlaces({ layers, hooks })];
    const distinct = (places: typeof all): number => new Set(places.map(placeName)).size;
    if (distinct(inside) !== hooks.length) complain(['hooks'], 'expected each hook once');
    else if (distinct(all) !== new Set(layers).size + hooks.length)
      complain(['hooks'], 'expected none that layers names already');
    if (value.train) complainAboutTranscoders(all, sae, complain);
    if (evaluation.tokens < 2 * corpus.rowTokens) {
      complain(
        ['evaluation', 'tokens'],
        `expected at least two rows of ${corpus.rowTokens}: intervals resample rows`,
      );
    }
  });

export type RunConfig = z.infer<typeof runConfig>;

/** The suites of a run, in the order of their list. */
export function suitesOf({ evaluation }: Pick<RunConfig, 'evaluation'>): Suite[] {
  return suites.filter(({ declaration }) => evaluation.suites.includes(declaration.id));
}

/** What several suites read, as far as the settings say. */
export function inputsOf({ evaluation, probing }: Pick<RunConfig, 'evaluation' | 'probing'>): RunInputs {
  const perClass = evaluation.setTrainTexts + evaluation.setTestTexts;
  return {
    tasks: {
      count: probing.tasks.length,
      texts: evaluation.probeTexts,
      tokens: evaluation.probeTokens,
    },
    sets: {
      names: probing.sets.map((set) => (typeof set === 'string' ? set : set.name)),
      texts: probing.sets.reduce((sum, set) => sum + classesOf(set) * perClass, 0),
      tokens: evaluation.setTokens,
    },
  };
}

/** Classes of a set whose name says nothing: loading it is an error later. */
const SOME_CLASSES = 2;

function classesOf(set: RunConfig['probing']['sets'][number]): number {
  if (typeof set !== 'string') return set.classes.length;
  const declared = declaredProbes.find(({ name }) => name === set);
  if (declared !== undefined) return declared.classes.length;
  return Object.entries(DEMO_CLASSES).find(([name]) => name === set)?.[1].length ?? SOME_CLASSES;
}

/** Whether records keep the resamples of every value, so that each can be compared in pairs. */
export function pairsEvery({ pairEvery, transferFrom }: RunConfig['evaluation']): boolean {
  return pairEvery || transferFrom !== null;
}
