/** What an untrained SAE scores beside an SAE is what an evaluation gives of that untrained SAE itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveRun } from '../../../runner/config/resolve.ts';
import type { RunConfig } from '../../../runner/config/run-config.ts';
import { suitesOf } from '../../../runner/config/run-config.ts';
import { demoModelFolder } from '../../../runner/demo/index.ts';
import { firstControlled } from '../../../runner/evaluation/control-pass.ts';
import type { Evaluated } from '../../../runner/evaluation/evaluate.ts';
import { observe } from '../../../runner/evaluation/observation.ts';
import { untrainedSae } from '../../../runner/evaluation/untrained.ts';
import { hookOf } from '../../../runner/hook.ts';
import { evaluateStage } from '../../../runner/job/evaluation/evaluate-stage.ts';
import { type EvaluationText, evaluationText } from '../../../runner/job/evaluation/heldout-text.ts';
import type { RunModel } from '../../../runner/job/shared/language-model.ts';
import { openCheckpoint } from '../../../runner/lm/checkpoint.ts';
import type { LanguageModel } from '../../../runner/lm/language-model.ts';
import { openLanguageModel } from '../../../runner/lm/open-language-model.ts';
import { random } from '../../../runner/math/random.ts';
import { silent, stageReporter } from '../../../runner/reporter.ts';
import type { SaeFile } from '../../../runner/sae/checkpoints/loaded.ts';
import { type Sae, topKSae } from '../../../runner/sae/sae.ts';
import { loadTokenizer, type Tokenizer } from '../../../runner/text/tokenizer.ts';

const LAYER = 2;
const shape = { d_sae: 1200, k: 16 };
const reporter = () => stageReporter('test', 'tokens', silent);

let config: RunConfig;
let model: LanguageModel;
let tokenizer: Tokenizer;
let text: EvaluationText;
let trained: Evaluated;

async function evaluated(sae: Sae): Promise<Evaluated> {
  const opened = {
    model,
    sweeping: async () => ({ reporter: reporter() }),
  } as unknown as RunModel;
  const origin = { kind: 'trained', recipe: config.sae } as const;
  const planned = { id: 'L2', ...hookOf(LAYER), origin };
  const saes = [{ planned, file: { sae } as unknown as SaeFile, sha256: 'a'.repeat(64) }];
  const suites = suitesOf(config);
  const stage = await evaluateStage(
    { config, device: 'cpu', opened, tokenizer, suites, saes, text },
    reporter,
  );
  return stage.evaluated[0]!.evaluated;
}

/** An SAE with directions of its own, so that it scores otherwise than an untrained one. */
function otherSae(d: number): Sae {
  const stream = random('not untrained');
  const draw = (count: number) =>
    Float32Array.from({ length: count }, () => stream.gaussian() / Math.sqrt(d));
  const { d_sae, k } = shape;
  return topKSae({
    d_in: d,
    d_sae,
    k,
    W_enc: draw(d * d_sae),
    W_dec: draw(d * d_sae),
    b_enc: draw(d_sae),
    b_dec: draw(d),
  });
}

beforeAll(async () => {
  config = await resolveRun(['small-world-quick'], {
    set: [
      'evaluation.tokens=2048',
      'evaluation.controlTokens=1024',
      'evaluation.probeTexts=100',
      'evaluation.probeTokens=24',
      'evaluation.setTrainTexts=16',
      'evaluation.setTestTexts=8',
      'evaluation.setTokens=24',
      'evaluation.resamples=40',
      'evaluation.kValues=[1,5]',
      'evaluation.nValues=[2,10]',
      'evaluation.suites=["interpscore","k-sparse","tpp"]',
      'sae.batchTokens=512',
    ],
  });
  model = await openLanguageModel(await openCheckpoint(demoModelFolder), { hooks: [LAYER], maxTokens: 128 });
  tokenizer = await loadTokenizer(demoModelFolder);
  text = await evaluationText(config, tokenizer, reporter());
  trained = await evaluated(otherSae(model.dModel));
}, 600_000);

afterAll(async () => model?.close());

/** The mean residual of the rows before the controlled ones, by a pass of its own. */
async function meanBefore(): Promise<Float32Array> {
  const { batches } = text;
  const before = batches.slice(0, firstControlled(batches, config.evaluation.controlTokens));
  const sum = new Float64Array(model.dModel);
  let tokens = 0;
  const observer = {
    async see({ residual }: { residual: Float32Array }) {
      residual.forEach((value, i) => {
        sum[i % sum.length]! += value;
      });
      tokens += residual.length / sum.length;
      return [];
    },
  };
  await observe(model, [{ batches: before, observer, branches: 0, result: () => undefined }], async () => ({
    reporter: reporter(),
  }));
  return Float32Array.from(sum, (each) => each / tokens);
}

describe('what an untrained SAE scores', () => {
  const scored = (found: Evaluated, id: string) => {
    const measure = found.controls?.values.find(
      (each) => each.control === 'untrained' && each.id === id,
    )?.measure;
    if (measure === undefined) throw new Error(`no ${id} of an untrained SAE`);
    return measure;
  };
  const line = (found: Evaluated, suite: string, key: string, name: string) =>
    found.suites[suite]!.curves![key]!.points.map(({ at, values }) => ({ at, value: values[name] }));

  it('is what its own evaluation gives, in every number and interval', async () => {
    const stream = random('untrained', config.evaluation.seed, LAYER, 'resid_post');
    const mean = await meanBefore();
    const itself = await evaluated(untrainedSae({ ...shape, d: model.dModel }, mean, stream));
    const { measures = {} } = itself.suites.interpscore!;
    for (const id of ['probe_auc_dense@interpscore-0.0.1', 'tpp@interpscore-0.0.1'] as const) {
      const { value, interval } = measures[id] as { value: number; interval: object };
      expect(scored(trained, id), id).toMatchObject({ value, interval });
      expect((trained.suites.interpscore!.measures![id] as { value: number }).value, id).not.toBe(value);
    }
    // On the controlled rows, as a value that controls have too.
    for (const id of ['var_exp@pooled-v1', 'loss_recovered@interpscore-0.0.1'] as const) {
      const { value, interval } = itself.controls!.skills.find((each) => each.id === id)!.value as {
        value: number;
        interval: object;
      };
      expect(scored(trained, id), id).toMatchObject({ value, interval });
    }
    for (const [suite, key, own] of [
      ['k-sparse', 'accuracy', 'sae'],
      ['k-sparse', 'auroc', 'sae'],
      ['tpp', 'tpp', 'tpp'],
    ] as const) {
      const beside = line(trained, suite, key, 'untrained');
      expect(beside[0]!.value).toBeDefined();
      expect(beside, `${suite} ${key}`).toEqual(line(itself, suite, key, own));
      expect(beside).not.toEqual(line(trained, suite, key, own));
    }
    // Its own control is the SAE itself.
    const ofItself = (name: string) => line(itself, 'k-sparse', 'accuracy', name);
    expect(ofItself('sae')).toEqual(ofItself('untrained'));
  }, 600_000);

  it('has a composite that is the weighted sum of its components', () => {
    const of = (id: string) => (scored(trained, id) as { value: number }).value;
    expect(of('interpscore@0.0.1')).toBeCloseTo(
      0.3 * of('loss_recovered@interpscore-0.0.1') +
        0.15 * of('alive@v1') +
        0.15 * of('l0_score@interpscore-0.0.1') +
        0.25 * of('probe_auc_dense@interpscore-0.0.1') +
        0.15 * of('tpp@interpscore-0.0.1'),
      12,
    );
  });
});
