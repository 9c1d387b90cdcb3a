/** Small changes, nearly all where a setting or a file meets its effect, and the tests that should notice each. */
import { languageModelMutations } from './language-models.ts';
import { type Mutation, of } from './mutation.ts';
import { syntheticMutations } from './synthetic.ts';
import { trainingMutations } from './training.ts';

const text = of('text');
const job = of('job');
const report = of('report');
const exchange = of('exchange');
const config = of('config');
const metrics = of('metrics');
const math = of('math');
const evaluation = of('evaluation');
const suites = of('suites');

const CORPORA = 'test/unit/text/corpora.test.ts';
const MIXTURE = 'test/unit/text/mixture.test.ts';
const PACKING = 'test/unit/text/packing.test.ts';
const PROBES = 'test/unit/text/file-probes.test.ts';
const PLACE = 'test/unit/job/training-data/activations-place.test.ts';
const TOKENS = 'test/unit/job/training-data/training-tokens.test.ts';
const SETTINGS = 'test/wiring/settings.test.ts';
const FIGURES = 'test/wiring/figures.test.ts';
const HELDOUT = 'test/wiring/heldout.test.ts';
const ABSORPTION = 'test/unit/suites/absorption-suite.test.ts';
const IMPORT = 'test/unit/exchange';
const RECORDS = 'test/unit/report/run-files.test.ts';
const DOCUMENTS = 'test/unit/evaluation/documents.test.ts';
const INTERVAL = 'test/unit/metrics/interval.test.ts';

export const mutations: readonly Mutation[] = [
  text('holdout.ts', "=== (part.take === 'heldout')", "=== (part.take === 'training')", [CORPORA, MIXTURE]),
  text('holdout.ts', ".replace(/\\s+/g, ' ')", '', [CORPORA, MIXTURE]),
  text('mixture.ts', 'text.length <= SHORTEST_SKIPPED', 'text.length < SHORTEST_SKIPPED', MIXTURE),
  text('mixture.ts', 'if (!belongs(hash, part))', 'if (hash === part.take)', [MIXTURE, CORPORA]),
  text('mixture.ts', 'rows[source.name] = next;', '', MIXTURE),
  text('mixture.ts', 'rest -= source.weight;', 'rest -= 1;', MIXTURE),
  text('packing.ts', 'ids.slice(taken, documentTokens)', 'ids.slice(taken)', PACKING),
  text('packing.ts', "if (rule === 'apart')", "if (rule === 'separated')", PACKING),
  text('packing.ts', 'carried = tokens.slice(start);', 'carried = [];', PACKING),
  text('packing.ts', '[endOfText(tokenizer.eosTokenId)] : []', '[] : []', PACKING),
  text('bos-rows.ts', 'if (ids[next] !== begin) row.push(begin);', 'row.push(begin);', [
    'test/unit/suites/saebench/core.test.ts',
  ]),
  text(
    'file-source.ts',
    "documents === 'line' ? lines : paragraphs",
    "documents === 'line' ? paragraphs : lines",
    CORPORA,
  ),
  text('file-source.ts', 'file === start.file ? start : { ...START, file }', '{ ...START, file }', CORPORA),
  text('file-probes.ts', 'if (row === null) this.unused++;', 'if (row === null) continue;', PROBES),
  text('file-probes.ts', 'whole.slice(skipCharacters)', 'whole', PROBES),
  text('file-probes.ts', 'if (!splits.includes(file.split)) continue;', '', PROBES),
  text('encoded-texts.ts', '.slice(0, limit)', '', 'test/unit/text/encoded-texts.test.ts'),

  job(
    'evaluation/heldout-text.ts',
    "demo ? ALL : { take: 'heldout', heldoutShare }",
    "demo ? ALL : { take: 'training', heldoutShare }",
    FIGURES,
  ),
  job(
    'training-data/training-rows.ts',
    "=== 'small-world' ? ALL : { take: 'training', heldoutShare }",
    "=== 'small-world' ? ALL : ALL",
    HELDOUT,
    ' lines',
  ),
  job(
    'evaluation/heldout-text.ts',
    'sourcesOf(corpus.heldout ?? corpus.source',
    'sourcesOf(corpus.source',
    SETTINGS,
    'corpus.heldout$',
  ),
  job(
    'evaluation/heldout-text.ts',
    'const { seed } = config.validation;',
    'const seed = config.corpus.heldoutSeed;',
    SETTINGS,
    'validation.seed',
  ),
  job(
    'evaluation/heldout-text.ts',
    '{ boundaries: config.corpus.boundaries }',
    "{ boundaries: 'joined' as const }",
    FIGURES,
  ),
  job(
    'evaluation/heldout-text.ts',
    '{ ...EVALUATION_PACKING, documentTokens }',
    'EVALUATION_PACKING',
    FIGURES,
  ),
  job('evaluation/heldout-text.ts', 'digest.update(text.hash)', 'digest.update(text.text)', FIGURES),
  job(
    'evaluation/probe-sets.ts',
    'demoProbeSet(demo, evaluation.probeSeed, demand)',
    'demoProbeSet(demo, 0, demand)',
    SETTINGS,
    'evaluation.probeSeed',
  ),
  job(
    'evaluation/heldout-text.ts',
    'const wanted = Math.floor(tokens / CORE_ROW_TOKENS);',
    'const wanted = 2;',
    SETTINGS,
    'evaluation.coreTokens',
  ),
  job('training-data/training-tokens.ts', 'counts.dropped += now.dropped;', '', TOKENS),
  job(
    'training-data/training-tokens.ts',
    'keepsAll(training.policy) && capacity === 0',
    'keepsAll(training.policy)',
    TOKENS,
  ),
  job('training-data/training-tokens.ts', 'bufferStream(config.corpus.trainSeed)', 'bufferStream(0)', TOKENS),
  job('training-data/training-tokens.ts', '(sum, width) => sum + width', '(_, width) => width', TOKENS),
  job(
    'run/train-stage.ts',
    'while (trainer.tokens < training.tokens)',
    'while (trainer.tokens <= training.tokens)',
    SETTINGS,
    'training.tokens',
  ),
  job(
    'run/train-stage.ts',
    'trainer.tokens - saved >= training.checkpointTokens',
    'trainer.tokens > saved',
    SETTINGS,
    'training.checkpointTokens',
  ),
  job('run/train-stage.ts', 'logEverySteps: training.logSteps,', '', SETTINGS, 'training.logSteps'),
  job(
    'run/train-stage.ts',
    'await snapshot(config, run.folder, trainer);',
    '',
    SETTINGS,
    'training.snapshots',
  ),
  job(
    'evaluation/validate-stage.ts',
    'validationText(config, tokenizer, wanted, reporter)',
    'validationText(config, tokenizer, config.evaluation.tokens, reporter)',
    FIGURES,
  ),
  job('evaluation/validate-stage.ts', '100 * dead', 'dead', FIGURES),
  job('evaluation/validate-stage.ts', 'Math.round(alive * here[i]!.d_sae)', 'Math.round(alive)', FIGURES),
  job('evaluation/validate-stage.ts', "metrics['var_exp@chunk-v1']", "metrics['var_exp@pooled-v1']", FIGURES),
  job('evaluation/validate-stage.ts', 'pass: index', 'pass: 0', FIGURES),
  job('evaluation/sae-facts.ts', 'tokens_trained: trajectory.tokens,', 'tokens_trained: 6_000,', FIGURES),
  job('evaluation/record.ts', 'seed: corpus.heldoutSeed,', 'seed: corpus.trainSeed,', FIGURES),
  job('evaluation/record.ts', 'row_tokens: corpus.rowTokens,', 'row_tokens: rows,', FIGURES),
  job('evaluation/record.ts', 'threads: config.threads,', 'threads: null,', SETTINGS, 'threads'),
  job(
    'evaluation/record.ts',
    'heldout_text: config.corpus.heldoutSeed,',
    'heldout_text: config.corpus.trainSeed,',
    FIGURES,
  ),
  job(
    'evaluation/sae-facts.ts',
    'normsCapped: counts.capped,',
    'normsCapped: 0,',
    SETTINGS,
    'highNormFactor',
  ),
  job(
    'evaluation/sae-facts.ts',
    'source: corpusText(config.corpus.source),',
    "source: 'small world',",
    SETTINGS,
    'corpus.source',
  ),
  job(
    'run/identity.ts',
    'const settings = trainingSettings(config);',
    'const settings = recordedSettings(config);',
    SETTINGS,
    'evaluation.tokens',
  ),
  job(
    'run/resumed-state.ts',
    "stage: found.stage === 'training' ? 'training' : 'evaluating',",
    "stage: 'evaluating',",
    'test/unit/job/run/resumed-state.test.ts',
  ),
  job(
    'run/resumed-state.ts',
    'if (evaluated === identity.evaluated)',
    'if (evaluated !== identity.evaluated)',
    'test/unit/job/run/resumed-state.test.ts',
  ),
  config(
    'trained-hooks.ts',
    'places.sort(comparePlaces)',
    'places',
    'test/unit/job/shared/planned-saes.test.ts',
  ),
  job(
    'shared/planned-saes.ts',
    "transcode: transcode ?? 'plain', applyBDecToInput: false",
    "transcode: transcode ?? 'plain'",
    'test/unit/job/training-data/inside-blocks.test.ts',
  ),
  evaluation(
    'token-pass.ts',
    'sae.reconstruct(input, batch.rows * batch.tokens, batch.tokens)',
    'sae.reconstruct(x, batch.rows * batch.tokens, batch.tokens)',
    'test/unit/evaluation/transcoders.test.ts',
  ),
  job(
    'release/hub-resume.ts',
    'file?.size !== bytes || bytes > limit',
    'file?.size !== bytes',
    'test/unit/job/release/hub-resume.test.ts',
  ),
  job(
    'release/resume-stamp.ts',
    'other.length === 0 && found.model === own.model',
    'other.length === 0',
    'test/unit/job/release/hub-resume.test.ts',
  ),
  config(
    'roles.ts',
    "heldoutSeed: 'evaluation',",
    "heldoutSeed: 'training',",
    'test/unit/config/roles.test.ts',
  ),

  job('training-data/activations-place.ts', 'if (!fits(needs))', 'if (!fits)', PLACE),

  // What is drawn together: documents, from the packed text to the interval.
  text('row-documents.ts', 'if (taken > most)', 'if (taken >= most)', PACKING),
  job(
    'evaluation/heldout-text.ts',
    'batches.push({ ...batchOf(pending.map((each) => each.row)), documents });',
    'batches.push(batchOf(pending.map((each) => each.row)));',
    DOCUMENTS,
  ),
  metrics('firing.ts', 'const block = document ?? row;', 'const block = row;', DOCUMENTS),
  metrics(
    'bootstrap.ts',
    'sums[start + i]! += column[at]!;',
    'sums[start + i]! = column[at]!;',
    'test/unit/metrics/bootstrap.test.ts',
  ),
  evaluation(
    'control-pass.ts',
    'documents === undefined ? rows : new Set(documents).size',
    'rows',
    'test/unit/evaluation/controls.test.ts',
  ),
  evaluation(
    'untrained.ts',
    'return Float32Array.from(mean);',
    'return new Float32Array(mean.length);',
    'test/unit/evaluation/untrained.test.ts',
  ),
  of('sae')(
    'decoder-similarity.ts',
    'if (j !== i && cosine > found[i]!)',
    'if (cosine > found[i]!)',
    'test/unit/sae/decoder-similarity.test.ts',
  ),
  job(
    'evaluation/compare-decoders.ts',
    'spent + operations <= budget',
    'operations <= budget',
    'test/unit/job/evaluation/compare-decoders.test.ts',
  ),
  job('evaluation/evaluate-stage.ts', '(count) => (count > 0 ? 1 : 0)', '() => 1', FIGURES),
  metrics('interval.ts', 'whole * widening(freedom)', 'whole', INTERVAL),
  math('freedom.ts', 'Math.min(blocks - 1, ', 'Math.min(blocks, ', 'test/unit/math/freedom.test.ts'),
  report('paired.ts', 'whole * widening(freedomOf(parts))', 'whole', 'test/unit/report/paired.test.ts'),
  job(
    'training-data/check-text.ts',
    'Math.ceil(biasInitSamples / batchTokens) + ',
    '',
    'test/unit/job/training-data/check-text.test.ts',
  ),
  job(
    'training-data/check-text.ts',
    'steps * batchTokens + bufferCapacity(training.shuffle.megabytes, widths)',
    'steps * batchTokens',
    'test/unit/job/training-data/check-text.test.ts',
  ),
  job('run/train-stage.ts', 'stream.position?.mixture.broken ?? 0', '0', FIGURES),
  text('file-source.ts', 'found instanceof BrokenRow ? found.named(place) : found', 'found', CORPORA),
  config(
    'idle-settings.ts',
    'if (why === null) continue;',
    'continue;',
    'test/unit/config/idle-settings.test.ts',
  ),

  report('exports.ts', 'eval_tokens: data?.tokens ?? null,', 'eval_tokens: sae.tokens_trained,', FIGURES),
  report('exports.ts', 'scoreOf(each) > scoreOf(leader)', 'scoreOf(each) < scoreOf(leader)', RECORDS),
  report('exports.ts', 'dead_pct: dead === null ? null : 100 * dead,', 'dead_pct: dead,', RECORDS),
  report('run-records.ts', '!kept.includes(name)', 'kept.includes(name)', RECORDS),
  report(
    'content.ts',
    "if (wanted.has(file) || !file.endsWith('.json')) continue;",
    'if (file !== null) continue;',
    RECORDS,
  ),
  report('movement.ts', 'again >= interval.low - HAIR', 'again >= -1e9', 'test/unit/report/movement.test.ts'),
  report(
    'paired.ts',
    'quantiles(samples, [0.025, 0.975])',
    'quantiles(samples, [0.05, 0.975])',
    'test/unit/report/paired.test.ts',
  ),
  report(
    'paired.ts',
    'values.map((each, i) => each - other.values[i]!)',
    'values',
    'test/unit/report/paired.test.ts',
  ),
  report('model-card.ts', '(100 * measure.value).toFixed(2)', 'measure.value.toFixed(2)', FIGURES),

  exchange('merge.ts', 'if (silent(a)) return b ?? a;', 'if (silent(a)) return a;', IMPORT),
  exchange('merge.ts', 'if (replace) return b;', 'if (replace) return a;', IMPORT),
  exchange(
    'same-sae.ts',
    'if (left.member === CUSTOM || left.config_sha256 !== null) return false;',
    '',
    IMPORT,
  ),
  exchange('same-sae.ts', "'tokens trained': sae.tokens_trained,", '', IMPORT),
  exchange(
    'interpscore-import.ts',
    'said !== undefined && Number(said) !== layer.layer',
    'said === null',
    IMPORT,
  ),
  exchange('interpscore-import.ts', 'layer.model ?? shared.model', 'layer.model', IMPORT),
  suites(
    'absorption/suite.ts',
    'readWords(context, most, examples)',
    'readWords(context, most, 10)',
    ABSORPTION,
  ),
  suites('absorption/suite.ts', 'most: mostLatents, jump', 'most: 10, jump', ABSORPTION),
  suites('absorption/suite.ts', 'jump: f1Jump', 'jump: 0.03', ABSORPTION),
  suites('absorption/suite.ts', ', pairing: [resamples.seed]', '', ABSORPTION),
  ...languageModelMutations,
  ...trainingMutations,
  ...syntheticMutations,
];
