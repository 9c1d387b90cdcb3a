/** What suites ask of the sweep, as observations; they get the results once the sweep is over. */
import type { TokenBatch } from '../lm/language-model.ts';
import type { Observer } from '../lm/observer.ts';
import type { SparseRow } from '../probes/features.ts';
import type {
  Asked,
  HeldOutRows,
  PooledTexts,
  ProbeText,
  SplicedLosses,
  SuiteContext,
  Visit,
} from '../suites/suite.ts';
import { observeAblations } from './ablation-pass.ts';
import type { ControlPass } from './control-pass.ts';
import { observeCore } from './core-pass.ts';
import { type CachedResults, type HookSaes, type Observation, onEachDevice } from './observation.ts';
import { inBatches, observeProbes } from './probe-pass.ts';

export interface SweepAsks extends Pick<SuiteContext, 'pooled' | 'tokenOf' | 'visit' | 'ablated'> {
  /** @param special ids that are neither spliced nor counted */
  spliced(
    batches: readonly TokenBatch[],
    special: ReadonlySet<number>,
  ): Promise<Pick<SplicedLosses, 'documents' | 'tables'>>;
  /** To see the rows that every run measures on, beside whoever measures. */
  heldOut(see: (seen: HeldOutRows) => void): void;
  /** Of those rows; they need no pass of their own. */
  heldOutObservers: readonly Observer[];
  /** Most residuals that these let go on from one batch. */
  heldOutBranches(): number;
  /** All else that was asked for. */
  observations: readonly Observation<unknown>[];
}

/** @param controls whose untrained SAEs see the texts too, where that is asked for; null without controls */
export function sweepAsks(
  hooks: readonly HookSaes[],
  cached: CachedResults | undefined,
  controls: Pick<ControlPass, 'untrained'> | null = null,
): SweepAsks {
  const observations: Observation<unknown>[] = [];
  const heldOutObservers: Observer[] = [];
  let ablations = 0;

  /** What an observation found, by hook. */
  function asked<Result, T>(
    observation: Observation<Result>,
    at: (result: Result, hook: number) => T,
  ): Asked<T> {
    observations.push(observation);
    return { at: (hook) => at(observation.result(), hook) };
  }

  return {
    observations,
    heldOutObservers,
    heldOutBranches: () => ablations * hooks.reduce((sum, { saes }) => sum + saes.length, 0),
    ablated(ask) {
      ablations++;
      heldOutObservers.push(observeAblations(hooks, ask));
    },
    heldOut(see) {
      heldOutObservers.push(observeHeldOut(hooks, see));
    },
    pooled: (texts, { residual, untrained = false }) =>
      asked(
        observeProbes(hooks, texts, { residual, untrained: untrained ? controls : null }),
        (found, hook) => found[hook]!,
      ),
    tokenOf: (texts, position) =>
      asked(observeOneToken(hooks, texts, position), (found, hook) => found[hook]!),
    visit(texts, see) {
      observations.push(observeVisits(hooks, texts, see));
    },
    async spliced(batches, special) {
      const observation = await observeCore(hooks, batches, special, cached);
      return {
        documents: () => observation.result().documents,
        tables: asked(observation, ({ tables }, hook) => tables[hook]!),
      };
    },
  };
}

/** Latents and residual of one token of each text: that token alone is encoded; by a temporal SAE all of the text, which its latents depend on. */
function observeOneToken(
  hooks: readonly HookSaes[],
  texts: readonly ProbeText[],
  position: (text: ProbeText, index: number) => number,
): Observation<PooledTexts[]> {
  const rows = texts.length;
  const positions = texts.map((text, index) => position(text, index));
  const found = hooks.map(({ d, saes }) => ({
    latents: saes.map(({ d_sae }) => ({ rows, columns: d_sae, entries: new Array<SparseRow>(rows) })),
    residual: { rows, columns: d, values: new Float32Array(rows * d) },
  }));
  const { batches, groups } = inBatches(texts);
  return {
    batches,
    branches: 0,
    observer: {
      async see({ hook, index, batch, residual, input }) {
        const group = groups[index]!;
        const { latents, residual: copy } = found[hook]!;
        const { d } = hooks[hook]!;
        const read = input.length / (batch.rows * batch.tokens);
        const chosen = new Float32Array(group.length * read);
        group.forEach((text, row) => {
          const token = row * batch.tokens + positions[text]!;
          chosen.set(input.subarray(token * read, (token + 1) * read), row * read);
          copy.values.set(residual.subarray(token * d, (token + 1) * d), text * d);
        });
        await onEachDevice(hooks[hook]!, async (sae, i) => {
          const { k, indices, values } = sae.temporal
            ? await sae.encode(input, batch.rows * batch.tokens, batch.tokens)
            : await sae.encode(chosen, group.length);
          group.forEach((text, row) => {
            const token = sae.temporal ? row * batch.tokens + positions[text]! : row;
            latents[i]!.entries[text] = sparseRow(
              indices.subarray(token * k, (token + 1) * k),
              values.subarray(token * k, (token + 1) * k),
            );
          });
        });
        return [];
      },
    },
    result: () => found,
  };
}

/** The latents of a token that are not zero, ascending. */
function sparseRow(indices: ArrayLike<number>, values: ArrayLike<number>): SparseRow {
  const slots = Array.from(indices, (_, slot) => slot)
    .filter((slot) => values[slot] !== 0)
    .sort((a, b) => indices[a]! - indices[b]!);
  return {
    indices: Int32Array.from(slots, (slot) => indices[slot]!),
    values: Float32Array.from(slots, (slot) => values[slot]!),
  };
}

function observeVisits(
  hooks: readonly HookSaes[],
  texts: readonly ProbeText[],
  see: (visit: Visit) => void,
): Observation<void> {
  const { batches, groups } = inBatches(texts);
  return {
    batches,
    branches: 0,
    observer: {
      async see({ hook, index, batch, residual, input }) {
        const { d } = hooks[hook]!;
        const encoded = await onEachDevice(hooks[hook]!, (sae) =>
          sae.encode(input, batch.rows * batch.tokens, batch.tokens),
        );
        groups[index]!.forEach((text, row) => {
          const tokens = texts[text]!.ids.length;
          const from = row * batch.tokens;
          see({
            hook,
            text,
            tokens,
            residual: residual.subarray(from * d, (from + tokens) * d),
            latents: encoded.map(({ k, indices, values }) => ({
              k,
              indices: indices.subarray(from * k, (from + tokens) * k),
              values: values.subarray(from * k, (from + tokens) * k),
            })),
          });
        });
        return [];
      },
    },
    result: () => undefined,
  };
}

function observeHeldOut(hooks: readonly HookSaes[], see: (seen: HeldOutRows) => void): Observer {
  return {
    async see({ hook, batch: { ids, rows, tokens, documents }, input }) {
      const encoded = await onEachDevice(hooks[hook]!, async (sae) => {
        const { k, indices, values } = await sae.encode(input, rows * tokens, tokens);
        return { ids, rows, tokens, documents, k, indices, values };
      });
      see({ hook, encoded });
      return [];
    },
  };
}
