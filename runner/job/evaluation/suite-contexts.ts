/** What a run offers its suites: its texts, its tokenizer, cached results of earlier runs, and the sweep. */
import { serialize } from 'node:v8';
import { pairsEvery } from '../../config/run-config.ts';
import type { CorpusSettings, EvaluationSettings, ProbingSettings } from '../../config/sections.ts';
import { UserError } from '../../errors.ts';
import type { SweepAsks } from '../../evaluation/asks.ts';
import { conceptTexts } from '../../evaluation/concepts.ts';
import { blocksOf, type CachedResults, type HookSaes, namesOf } from '../../evaluation/observation.ts';
import { remembered } from '../../io/content-cache.ts';
import { canonicalJson, sha256 } from '../../io/hash.ts';
import type { TokenBatch } from '../../lm/language-model.ts';
import type { Exclusion } from '../../report/schema.ts';
import type { Reporter } from '../../reporter.ts';
import type {
  AskedSet,
  AskedTasks,
  HeldOutText,
  ProbeText,
  Reading,
  Suite,
  SuiteContext,
  SuiteTokenizer,
} from '../../suites/suite.ts';
import type { Truth } from '../../suites/truth.ts';
import { beginningToken, specialTokens } from '../../text/bos-rows.ts';
import { encodedTexts } from '../../text/encoded-texts.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { coreBatches, heldOutNames } from './heldout-text.ts';
import { probeSets } from './probe-sets.ts';
import { probeTasks, removedTexts } from './probe-tasks.ts';

export interface SuiteContexts {
  of(suite: Suite): SuiteContext;
  /** What the suites asked for and did not get. */
  exclusions: Exclusion[];
}

export function suiteContexts(run: {
  config: { corpus: CorpusSettings; evaluation: EvaluationSettings; probing: ProbingSettings };
  tokenizer: Tokenizer;
  /** Of a synthetic model. */
  truth?: Truth | undefined;
  reading: Reporter;
  hooks: readonly HookSaes[];
  asks: SweepAsks;
  controls: boolean;
  cached: CachedResults | undefined;
  /** The rows that every run measures on. */
  batches: readonly TokenBatch[];
  effects: SuiteContext['logitEffects'];
  nearest: SuiteContext['nearestRows'];
  /** Asked before training whether all is there: text of the small world, which no run can lack, is not made. */
  checking?: boolean;
  /** What the suites said they would read: the model was opened for no more. */
  readings: readonly Reading[];
}): SuiteContexts {
  const { config, tokenizer, reading, asks, cached, truth = null } = run;
  const { evaluation, probing } = config;
  const exclusions: Exclusion[] = [];
  const untrained = run.controls && evaluation.untrainedProbes;
  const special = specialTokens(tokenizer);
  const heldOut = heldOutText(run);
  const load = probeSets(config, reading);
  const words: SuiteTokenizer = {
    encode: (text, options) => tokenizer.encode(text, options),
    encodeAll: (texts, limit, keep) => encodedTexts(tokenizer, texts, limit, cached?.cache, keep),
    decode: (ids) => tokenizer.decode(ids),
    special,
    begin: beginningToken(tokenizer)?.id ?? null,
    size: tokenizer.vocabSize,
  };

  const longest = Math.max(config.corpus.rowTokens, ...run.readings.map(({ rowTokens }) => rowTokens));
  const fitting = (id: string, texts: readonly ProbeText[]): readonly ProbeText[] => {
    const long = texts.find(({ ids }) => ids.length > longest || ids.length === 0);
    if (long !== undefined) throw unannounced(id, `a text of ${long.ids.length} tokens`);
    return texts;
  };

  const tasks = once(async (): Promise<AskedTasks> => {
    const found = await probeTasks(config, tokenizer, reading, cached?.cache);
    exclusions.push(...found.removed);
    return {
      tasks: found.tasks,
      pooled: asks.pooled(found.texts, { residual: run.controls, untrained }),
    };
  });

  const sets = once(async (): Promise<AskedSet[]> => {
    const { setTrainTexts, setTestTexts, setTokens, probeSeed } = evaluation;
    const found: AskedSet[] = [];
    for (const each of probing.sets) {
      const loaded = await load(each, {
        kind: 'balanced',
        trainPerClass: setTrainTexts,
        testPerClass: setTestTexts,
        seed: probeSeed,
      });
      exclusions.push(...removedTexts(loaded, 'probing.sets'));
      const texts = [...loaded.train, ...loaded.test].map(({ text }) => text);
      const encoded = await words.encodeAll(texts, setTokens);
      const known = conceptTexts(loaded, encoded, special);
      found.push({
        set: known.set,
        pooled: asks.pooled(known.texts, { residual: true, untrained }),
      });
    }
    return found;
  });

  return {
    exclusions,
    of(suite) {
      const { id } = suite.declaration;
      const { resamples, seed, probeSeed } = evaluation;
      const draws = { resamples, seed };
      const exclude = (data: string, reason: string): void => {
        exclusions.push({ suite: id, data, reason });
      };
      return {
        hooks: run.hooks,
        draws,
        probeSeed,
        controls: run.controls,
        tokenizer: words,
        truth,
        exclude,
        // Draws and seed decide whatever is cached, so that no suite has to think of them.
        remember: (key, make) =>
          remembered(
            cached?.cache,
            canonicalJson([id, suite.version, draws, probeSeed, sha256(serialize(key))]),
            make,
          ),
        tasks,
        sets,
        probeSet: load,
        pooled: (texts, options) => asks.pooled(fitting(id, texts), options),
        tokenOf: (texts, position) => asks.tokenOf(fitting(id, texts), position),
        visit: (texts, see) => asks.visit(fitting(id, texts), see),
        heldOut(see) {
          asks.heldOut(see);
          return heldOut;
        },
        ablated: (ask) => asks.ablated(ask),
        logitEffects: run.effects,
        nearestRows: run.nearest,
        async splicedLosses(tokens, setting) {
          if (!run.readings.some(({ spliced }) => spliced)) throw unannounced(id, 'spliced losses');
          const begin = beginningToken(tokenizer);
          if (begin === null) {
            exclude('held-out text', 'the tokenizer has neither BOS nor EOS for rows to begin with');
            return null;
          }
          if (run.checking && isDemo(config.corpus)) return null;
          const batches = await coreBatches(
            config.corpus,
            tokenizer,
            { begin: begin.id, tokens, setting },
            reading,
          );
          const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
          const row_tokens = batches[0]!.tokens;
          const blocks = blocksOf(batches);
          const counted = (ids: Int32Array): number =>
            ids.reduce((sum, each) => sum + (special.has(each) ? 0 : 1), 0);
          return {
            ...(await asks.spliced(batches, special)),
            begin: begin.name,
            names: pairsEvery(config.evaluation) ? namesOf(batches) : null,
            text: {
              rows,
              ...(blocks === undefined ? {} : { blocks }),
              row_tokens,
              tokens: rows * row_tokens,
              counted_positions: batches.reduce((sum, { ids }) => sum + counted(ids), 0),
            },
          };
        },
      };
    },
  };
}

/** The rows that every run measures on, by their numbers. */
function heldOutText({
  config: { corpus, evaluation },
  batches,
}: Pick<Parameters<typeof suiteContexts>[0], 'config' | 'batches'>): HeldOutText {
  const rows = batches.flatMap(({ ids, rows: count, tokens }) =>
    Array.from({ length: count }, (_, row) => ids.subarray(row * tokens, (row + 1) * tokens)),
  );
  return {
    ...heldOutNames(corpus, evaluation),
    rows: rows.length,
    rowTokens: corpus.rowTokens,
    row: (index) => rows[index]!,
  };
}

/** A suite asked for more than its `reads` says, which memory and the model's programs were made for. */
function unannounced(id: string, what: string): UserError {
  return new UserError({
    thing: `suite ${id}`,
    found: `that it asks for ${what}`,
    expected: 'texts of at least one token, and no more than its `reads` says',
    next: 'Say it in `reads` of the suite.',
  });
}

/** Whether its held-out text comes from the generator. */
export function isDemo({ source, heldout }: Pick<CorpusSettings, 'source' | 'heldout'>): boolean {
  return source === 'small-world' && heldout === null;
}

/** Made at the first call; later calls get the same. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
