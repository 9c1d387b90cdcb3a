import type { RunConfig } from '../config/run-config.ts';
import { UserError } from '../errors.ts';
import { type ControlPass, controlPass } from '../evaluation/control-pass.ts';
import { type Evaluated, evaluate } from '../evaluation/evaluate.ts';
import { pairingKeys } from '../evaluation/pairing.ts';
import { probePass, residualEncoder } from '../evaluation/probe-pass.ts';
import { type HookSaes, tokenPass } from '../evaluation/token-pass.ts';
import type { Device } from '../onnx/devices.ts';
import type { Features } from '../probes/features.ts';
import type { Reporter } from '../reporter.ts';
import type { SaeFile } from '../sae/checkpoints/loaded.ts';
import { type OpenSae, openSae } from '../sae/open-sae.ts';
import type { ProbeTask } from '../suites/probe-task.ts';
import type { ProbeSet } from '../text/probe-sets.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { RunModel } from './language-model.ts';
import type { PlannedSae } from './planned-saes.ts';
import { type EvaluationText, probeSets } from './text.ts';

export interface EvaluateStage {
  /** By hook, of one hook in the order given. */
  evaluated: { planned: PlannedSae; evaluated: Evaluated }[];
  /** What was evaluated on. */
  tokens: number;
  rows: number;
  documents: EvaluationText['documents'];
}

/**
 * Evaluates SAEs, any number a hook: one pass over the held-out tokens, one over the probe texts.
 *
 * @throws Stopped when the user asked to stop; nothing is kept, the stage starts again
 */
export async function evaluateStage(
  run: {
    config: RunConfig;
    device: Device;
    opened: RunModel;
    tokenizer: Tokenizer;
    saes: readonly { planned: PlannedSae; file: SaeFile }[];
    text: EvaluationText;
  },
  reporter: (stage: string, unit: string) => Reporter,
): Promise<EvaluateStage> {
  const { config, device, opened, tokenizer, saes } = run;
  const { batches, documents } = run.text;
  const { model } = opened;
  const threads = config.threads === null ? {} : { threads: config.threads };
  const hooks: HookSaes[] = [];
  let controls: ControlPass | null = null;
  try {
    const order: PlannedSae[] = [];
    for (const layer of model.hooks) {
      const open: OpenSae[] = [];
      hooks.push({ layer, saes: open });
      for (const { planned, file } of saes.filter((each) => each.planned.layer === layer)) {
        open.push(await openSae(file.sae, { device, ...threads }));
        order.push(planned);
      }
    }
    const { controlTokens, resamples, seed } = config.evaluation;
    controls =
      controlTokens === 0
        ? null
        : controlPass(model, hooks, batches, { tokens: controlTokens, seed, device, ...threads });
    // Beside each SAE its permuted twin and an untrained one, and at each hook the identity and the components.
    const branches = order.length + (controls === null ? 0 : 3 * order.length + hooks.length);
    const measured = await tokenPass(
      model,
      hooks,
      batches,
      await opened.sweeping(reporter('losses', 'tokens'), batches, branches),
      controls === null ? [] : [controls.observer],
    );
    const { probes, residualTasks } = await probeTasks(
      config,
      opened,
      tokenizer,
      hooks,
      reporter('probing', 'tokens'),
    );
    const suites = reporter('scoring', 'SAEs');
    suites.progress(0, order.length);
    const evaluated = evaluate(
      measured,
      probes,
      {
        resamples,
        seed,
        pairing: pairingKeys(batches, probes[0]?.[0] ?? [], { resamples, seed }),
        onSae: (done, total) => suites.progress(done, total),
      },
      controls === null ? null : { measured: controls.measured(), residualTasks },
    );
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
    return {
      evaluated: evaluated.map((each, i) => ({ planned: order[i]!, evaluated: each })),
      rows,
      tokens: rows * config.corpus.rowTokens,
      documents,
    };
  } finally {
    await controls?.close();
    for (const hook of hooks) for (const sae of hook.saes) await sae.close();
  }
}

/** For each hook and SAE the probing tasks with its features, and for each hook those of the residual itself. */
async function probeTasks(
  config: RunConfig,
  opened: RunModel,
  tokenizer: Tokenizer,
  hooks: readonly HookSaes[],
  reporter: Reporter,
): Promise<{ probes: ProbeTask[][][]; residualTasks: ProbeTask[][] }> {
  const { probeTexts, probeTokens } = config.evaluation;
  const load = probeSets(config);
  const loaded = [];
  for (const task of config.probing.tasks) {
    const name = typeof task === 'string' ? task : task.name;
    loaded.push(asTask(await load(name, { kind: 'first', rows: probeTexts })));
  }
  const sets = loaded.map(({ name, data, train }) => {
    const rows = train.map(({ text, label }) => ({
      text,
      label,
      ids: tokenizer.encode(text, { specialTokens: true }).slice(0, probeTokens),
    }));
    // A text without a token has no mean over its tokens: it is not a usable row.
    const usable = rows.filter(({ ids }) => ids.length > 0);
    if (usable.length === 0) {
      throw new UserError({
        thing: `probe task ${name}`,
        found: 'no text with a token',
        expected: 'texts the tokenizer can read',
        next: 'Check the tokenizer of the model.',
      });
    }
    return { name, data, usable };
  });
  const pooled = await probePass(
    opened.model,
    hooks.map(({ saes }) => ({ saes: [...saes, residualEncoder(opened.model.dModel)] })),
    sets.flatMap(({ usable }) => usable.map(({ ids }) => ids)),
    (batches) => opened.sweeping(reporter, batches, 0),
  );
  const found = pooled.map((saes) =>
    saes.map((features) => {
      let first = 0;
      return sets.map(({ name, data, usable }): ProbeTask => {
        const part = rowsOf(features, first, usable.length);
        first += usable.length;
        return {
          task: name,
          data,
          features: part,
          labels: usable.map(({ label }) => label),
          texts: usable.map(({ text }) => text),
        };
      });
    }),
  );
  return {
    probes: found.map((each) => each.slice(0, -1)),
    residualTasks: found.map((each) => each.at(-1)!),
  };
}

/** @throws UserError for a set of more than two classes: its probe would need another rule */
function asTask(set: ProbeSet): ProbeSet {
  if (set.classes.length === 2) return set;
  throw new UserError({
    thing: `probing.tasks: ${set.name}`,
    found: `${set.classes.length} classes`,
    expected: 'two',
    next: 'Put it under probing.sets, or declare two of its classes.',
  });
}

/** Rows `first`.. of a feature matrix, without a copy. */
function rowsOf({ values, columns }: Features, first: number, rows: number): Features {
  return { values: values.subarray(first * columns, (first + rows) * columns), rows, columns };
}
