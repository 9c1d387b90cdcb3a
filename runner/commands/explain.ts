/** `explain`: a language model of the user's choice says what latents mean, and is held to it. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { type Asked, asking, type Budget } from '../explain/ask.ts';
import { complete, readExplainer } from '../explain/client.ts';
import { drawnFrom } from '../explain/evidence.ts';
import { type ExplainOptions, estimate, explainLatents } from '../explain/explain.ts';
import { prompts } from '../explain/prompts.ts';
import { RETRY_POLICY } from '../hub/retry.ts';
import { systemClock } from '../hub/transport.ts';
import { openContentCache } from '../io/content-cache.ts';
import { writeAtomic } from '../io/write-atomic.ts';
import {
  type Explanations,
  explanations,
  explanationsVersion,
  MOST_EXPLAINED,
  type ScoreEstimate,
} from '../report/explanations.ts';
import { type FeatureFiles, readFeatures, writeFeatures } from '../report/feature-files.ts';
import { EXPLANATIONS_FILE, FEATURES, WINDOWS_FILE } from '../report/feature-places.ts';
import { Stopped } from '../reporter.ts';
import { buildSite } from './build-site.ts';
import { finishedRunFolder, withFinishedRun } from './finished-run.ts';
import { optionLines } from './option-lines.ts';
import { parseOptions } from './parse-options.ts';
import { projectFolder, projectRoot } from './paths.ts';
import { progressView } from './progress.ts';
import { everyVerb, places, site } from './shared-options.ts';
import { whenInterrupted } from './when-interrupted.ts';
import { wholeNumber } from './whole-number.ts';

/** More would only fill a server's queue. */
const MOST_PARALLEL = 64;

const options = {
  endpoint: {
    type: 'string',
    help: 'OpenAI-compatible server that is asked, such as http://localhost:8080/v1 (default OPENAI_BASE_URL; there is no other)',
  },
  explainer: { type: 'string', help: 'its model that writes explanations (default OPENAI_MODEL)' },
  record: {
    type: 'string',
    multiple: true,
    help: 'a record of the run; may be repeated (default all with evidence)',
  },
  latents: {
    type: 'string',
    help: `how many latents of each SAE, ${MOST_EXPLAINED.toLocaleString('en')} at most, drawn at random (default 20)`,
  },
  latent: { type: 'string', multiple: true, help: 'this latent instead; may be repeated' },
  requests: { type: 'string', help: 'most requests (default 2000)' },
  tokens: { type: 'string', help: 'most tokens, prompts and answers together (default 2000000)' },
  minutes: { type: 'string', help: 'no request begins after so many (default 120)' },
  'answer-tokens': {
    type: 'string',
    help: 'longest answer, in tokens: more for a model that thinks aloud (default 120)',
  },
  parallel: { type: 'string', help: `requests at a time, ${MOST_PARALLEL} at most (default 4)` },
  seed: { type: 'string', help: 'of the latents, excerpts and controls that are drawn (default 0)' },
  transcript: { type: 'string', help: 'file that receives each question and answer, a line of JSON each' },
  'dry-run': { type: 'boolean', help: 'say what it would take, and ask nothing' },
  ...places,
  ...site,
  ...everyVerb,
} as const;

/** What answers may take in .cache/explanations. */
const CACHE_LIMIT = 2 ** 30;

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const words = { least: 1, most: 1, expected: 'the name of a run, or its folder' };
  const { values, positionals } = parseOptions('explain', args, options, words);
  if (values.help) {
    console.log(help());
    return 0;
  }
  const name = positionals[0]!;
  const number = (
    option: 'requests' | 'tokens' | 'minutes' | 'answer-tokens' | 'parallel' | 'latents' | 'seed',
    otherwise: number,
    range: { least?: number; most?: number } = {},
  ): number => wholeNumber('explain', `--${option}`, values[option] ?? String(otherwise), range);
  const budget: Budget = {
    requests: number('requests', 2_000),
    tokens: number('tokens', 2_000_000),
    milliseconds: number('minutes', 120) * 60_000,
  };
  const settings = {
    maxTokens: number('answer-tokens', 120),
    parallel: number('parallel', 4, { most: MOST_PARALLEL }),
    seed: number('seed', 0, { least: 0 }),
  };
  const most = number('latents', 20, { most: MOST_EXPLAINED });
  const latents =
    values.latent?.map((text) => wholeNumber('explain', '--latent', text, { least: 0 })) ?? null;
  const explainer = readExplainer(values, process.env);
  const folder = finishedRunFolder(name, values.runs);
  const view = progressView(process.stdout);
  const stop = new AbortController();
  const uninterrupted = whenInterrupted(() => stop.abort());
  const cache = await openContentCache(
    join(projectRoot, '.cache', 'explanations'),
    CACHE_LIMIT,
    prompts.version,
  );
  try {
    await withFinishedRun(folder, async (runName) => {
      const evidence = await readFeatures(join(folder, FEATURES));
      const chosen = chosenRecords(evidence, values.record, folder);
      const content = projectFolder('content', values.content);
      const drawn = chosen.map((id) => ({
        id,
        ...drawnFrom(id, evidence.get(id)!, latents ?? most, settings.seed),
      }));
      const expected = drawn.map(({ examples }) => estimate(examples, settings.maxTokens));
      const total = sum(expected.map(({ requests }) => requests));
      view.line(
        `asks     ${quote(explainer.model)} at ${explainer.address.host}: at most ${total.toLocaleString('en')} requests, about ${sum(expected.map(({ prompt }) => prompt)).toLocaleString('en')} tokens of prompts and at most ${sum(expected.map(({ completion }) => completion)).toLocaleString('en')} of answers; answers that came before are not asked for again`,
      );
      for (const { id, examples } of drawn) view.line(`         ${id}: ${examples.length} latents`);
      if (values['dry-run']) return;
      if (values.transcript !== undefined) await writeAtomic(values.transcript, '');
      const since = performance.now();
      let done = 0;
      const { ask, asked } = asking(
        explainer,
        (prompt, maxTokens) =>
          complete(explainer, prompt, {
            maxTokens,
            clock: systemClock,
            retryPolicy: RETRY_POLICY,
            signal: stop.signal,
          }),
        {
          budget,
          cache,
          now: () => performance.now(),
          heard: ({ task, latent, system, user }, answer) => {
            const { transcript } = values;
            if (transcript === undefined) return;
            appendFileSync(transcript, `${JSON.stringify({ task, latent, system, user, answer })}\n`);
          },
        },
      );
      const made = new Map<string, Explanations>();
      for (const each of drawn) {
        const answered = (): void => {
          done++;
          const rate = done / ((performance.now() - since) / 1000);
          view.show({ stage: 'explain', done, total, unit: 'answers', rate, fields: { latent: each.id } });
        };
        const options = { ...settings, ask, answered };
        made.set(each.id, await explainedRecord(each, { model: explainer.model, asked, options }));
      }
      const { prompt, completion } = asked.tokens;
      view.line(
        `took     ${asked.requests.toLocaleString('en')} requests, ${asked.counted ? '' : 'about '}${prompt.toLocaleString('en')} tokens of prompts and ${completion.toLocaleString('en')} of answers; ${(asked.answers - asked.requests).toLocaleString('en')} answers were in the cache`,
      );
      for (const [id, found] of made) view.line(summary(id, found));
      const all = new Map(evidence);
      for (const [id, found] of made)
        all.set(id, { ...evidence.get(id), [EXPLANATIONS_FILE]: `${JSON.stringify(found)}\n` });
      await writeFeatures(join(folder, FEATURES), all);
      await writeFeatures(join(content, FEATURES, runName), all);
      if (!values['no-site']) await buildSite({ content, out: projectFolder('dist', values.out), view });
    });
    return 0;
  } catch (error) {
    if (stop.signal.aborted)
      throw new Stopped('stopped; answers that came are kept, the same command goes on from there');
    throw error;
  } finally {
    uninterrupted();
    await cache.settled();
    view.end();
  }
}

/** Latents of one record explained; `asked` counts over all records. */
async function explainedRecord(
  { sha256, examples, leftOut }: ReturnType<typeof drawnFrom>,
  { model, asked, options }: { model: string; asked: Asked; options: ExplainOptions },
): Promise<Explanations> {
  const before = structuredClone(asked);
  const found = await explainLatents(examples, options);
  const tokens = {
    prompt: asked.allTokens.prompt - before.allTokens.prompt,
    completion: asked.allTokens.completion - before.allTokens.completion,
  };
  return explanations.parse({
    schema: explanationsVersion,
    sha256,
    model,
    made: new Date().toISOString(),
    prompts,
    seed: options.seed,
    requests: asked.answers - before.answers,
    tokens: asked.counted ? tokens : null,
    ...found,
    left_out: [...leftOut, ...found.left_out],
  } satisfies Explanations);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function chosenRecords(
  evidence: ReadonlyMap<string, FeatureFiles>,
  asked: readonly string[] | undefined,
  folder: string,
): string[] {
  const known = [...evidence].filter(([, files]) => WINDOWS_FILE in files).map(([id]) => id);
  const unknown = asked?.find((id) => !known.includes(id));
  if (known.length > 0 && unknown === undefined) return asked === undefined ? known : [...new Set(asked)];
  throw new UserError({
    thing: unknown === undefined ? `run ${quote(folder)}` : `--record ${quote(unknown)}`,
    found: known.length === 0 ? 'no evidence of latents' : 'none of its records with evidence',
    expected: known.length === 0 ? 'a run of the suite features' : known.slice(0, 20).join(', '),
    next: `Evaluate with --set 'evaluation.suites=["features"]' first.`,
  });
}

function summary(id: string, { latents, left_out, scores, unreadable }: Explanations): string {
  const one = (score: ScoreEstimate): string =>
    score === null ? 'n/a' : `${score.value.toFixed(3)} (${score.low.toFixed(3)}–${score.high.toFixed(3)})`;
  const rows = scores.map(
    ({ protocol, score, shuffled, chance }) =>
      `  ${protocol.padEnd(10)} ${one(score)}, of another latent’s explanation ${one(shuffled)}, chance ${chance?.toFixed(3) ?? 'n/a'}`,
  );
  const rest = [
    ...(left_out.length > 0 ? [`${left_out.length} left out`] : []),
    ...(unreadable > 0 ? [`${unreadable} answers could not be read`] : []),
  ];
  return [`${id}: ${latents.length} explained${rest.length > 0 ? `; ${rest.join('; ')}` : ''}`, ...rows].join(
    '\n',
  );
}

function help(): string {
  return [
    'usage: npx interpboard explain RUN --endpoint URL --explainer MODEL [options]',
    '',
    'Explanations of latents, written by a language model from the contexts that the suite features kept, and scored by it on others:',
    'detection and fuzzing as delphi does, and SAEBench’s autointerp rule, beside another latent’s explanation on the same excerpts.',
    'Contexts of the evaluation’s text are sent to the server that is named, and nowhere else; a key is read from OPENAI_API_KEY.',
    '',
    'Options',
    ...optionLines(options),
  ].join('\n');
}
