import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { readExplanation, readList, readNumbers } from '../../../runner/explain/answers.ts';
import { type Asked, asking, type Budget } from '../../../runner/explain/ask.ts';
import { complete, type Explainer, readExplainer } from '../../../runner/explain/client.ts';
import { drawnFrom } from '../../../runner/explain/evidence.ts';
import { shown } from '../../../runner/explain/examples.ts';
import { type Explained, estimate, exchanged, explainLatents } from '../../../runner/explain/explain.ts';
import { scoreOf } from '../../../runner/explain/scores.ts';
import { RETRY_POLICY } from '../../../runner/hub/retry.ts';
import { checkFeatures, type FeatureFiles } from '../../../runner/report/feature-files.ts';
import { featureShard } from '../../../runner/report/features.ts';
import { knownEvidence } from './evidence.ts';
import { type StandIn, startExplainer } from './stand-in.ts';

const NO_LIMIT: Budget = { requests: 1e6, tokens: 1e9, milliseconds: 1e9 };
const clock = { wait: async () => undefined, random: () => 0, now: () => 0 };

let server: StandIn | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

function memory() {
  const held = new Map<string, Uint8Array>();
  return {
    get: async (key: string) => held.get(key),
    put: (key: string, bytes: Uint8Array) => void held.set(key, bytes),
  };
}

async function explained(
  options: Parameters<typeof startExplainer>[0],
  { latents = 12, budget = NO_LIMIT, cache = memory(), key = '' } = {},
): Promise<Explained & { asked: Asked; transcript: string[]; estimated: ReturnType<typeof estimate> }> {
  server ??= await startExplainer(options);
  const explainer = readExplainer({ endpoint: server.url, explainer: 'some/model' }, { OPENAI_API_KEY: key });
  const { examples } = drawnFrom('known', knownEvidence(latents), latents, 0);
  expect(examples).toHaveLength(latents);
  const transcript: string[] = [];
  const { ask, asked } = asking(
    explainer,
    (prompt, maxTokens) =>
      complete(explainer, prompt, {
        maxTokens,
        clock,
        retryPolicy: RETRY_POLICY,
        signal: new AbortController().signal,
      }),
    {
      budget,
      cache,
      now: () => 0,
      heard: ({ task, latent }, answer) => transcript.push(`${task} ${latent} ${answer}`),
    },
  );
  const found = await explainLatents(examples, { ask, maxTokens: 100, parallel: 4, seed: 0 });
  return { ...found, asked, transcript, estimated: estimate(examples, 100) };
}

describe('explanations of latents whose meaning is known', () => {
  it('a perfect explainer scores 1, and another latent’s explanation what knowing nothing does', async () => {
    const found = await explained({ kind: 'perfect' });
    expect(
      found.latents.map(({ latent, explanation }) => explanation === `The word w${latent}`),
    ).not.toContain(false);
    for (const { protocol, score, shuffled, chance, latents } of found.scores) {
      expect([protocol, latents, score!.value, score!.high]).toEqual([protocol, 12, 1, 1]);
      expect(score!.low).toBeGreaterThan(0.9);
      // It says no but where a window happens to have the other word.
      if (protocol === 'autointerp') expect(shuffled!.value).toBeCloseTo(10 / 14, 1);
      else expect([Math.abs(shuffled!.value - 0.5) < 0.05, chance]).toEqual([true, 0.5]);
    }
    expect(found.scores.find(({ protocol }) => protocol === 'autointerp')!.chance).toBeCloseTo(10 / 14, 1);
    expect([found.unreadable, found.left_out]).toEqual([0, []]);
    // What was said beforehand is what it took.
    expect(found.asked.requests).toBe(found.estimated.requests);
    expect(found.asked.tokens.prompt / found.estimated.prompt).toBeGreaterThan(0.5);
    expect(found.asked.tokens.prompt / found.estimated.prompt).toBeLessThan(1.5);
    expect(found.asked.tokens.completion).toBeLessThanOrEqual(found.estimated.completion);
    expect(found.asked.counted).toBe(true);
  });

  it('a random one is at chance, within its interval', async () => {
    const found = await explained({ kind: 'random' }, { latents: 16 });
    for (const { protocol, score, shuffled } of found.scores) {
      for (const each of [score!, shuffled!]) {
        expect(each.low, protocol).toBeLessThanOrEqual(0.5);
        expect(each.high, protocol).toBeGreaterThanOrEqual(0.5);
        expect(each.high - each.low).toBeLessThan(0.25);
      }
    }
  });

  it('one that is always wrong scores 0', async () => {
    const found = await explained({ kind: 'contrary' }, { latents: 6 });
    for (const { score } of found.scores) expect([score!.value, score!.low]).toEqual([0, 0]);
  });

  it('one that says the right things in the wrong order knows nothing: each answer is held to its own excerpt', async () => {
    const found = await explained({ kind: 'backwards' }, { latents: 16 });
    expect(found.latents.every(({ latent, explanation }) => explanation === `The word w${latent}`)).toBe(
      true,
    );
    for (const { protocol, score } of found.scores) {
      // Of autointerp's 14 excerpts 4 are right: by chance two lists agree at 1 − 2 · 4/14 · 10/14 of them.
      const chance = protocol === 'autointerp' ? 0.59 : 0.5;
      expect(Math.abs(score!.value - chance), protocol).toBeLessThan(0.13);
      expect(score!.high, protocol).toBeLessThan(0.8);
    }
  });

  it('answers that are none of those asked for are counted and score nothing', async () => {
    const found = await explained({ kind: 'rude' }, { latents: 3 });
    expect(found.scores.map(({ score, latents }) => [score, latents])).toEqual(Array(3).fill([null, 0]));
    // All three explanations are the same: there is no other to shuffle in.
    expect(found.unreadable).toBe(found.asked.requests - 3);
    expect(found.latents.every(({ shuffled }) => shuffled.detection === null)).toBe(true);
  });

  it('asks nothing twice: a second time all answers are in the cache', async () => {
    const cache = memory();
    const first = await explained({ kind: 'perfect', uncounted: true }, { latents: 4, cache });
    const before = server!.requests.length;
    const again = await explained({ kind: 'perfect' }, { latents: 4, cache });
    expect(server!.requests.length).toBe(before);
    expect([again.asked.requests, again.asked.answers]).toEqual([0, first.asked.answers]);
    expect(again.scores).toEqual(first.scores);
    expect(again.asked.counted).toBe(false);
  });

  it('keeps to the budget, leaves out what it does not reach, and goes on from there', async () => {
    const cache = memory();
    const first = await explained(
      { kind: 'perfect' },
      { latents: 6, cache, budget: { ...NO_LIMIT, requests: 30 } },
    );
    expect(server!.requests).toHaveLength(30);
    expect(first.left_out.length).toBeGreaterThan(0);
    expect(first.left_out.every(({ reason }) => reason === 'the budget was spent before')).toBe(true);
    const whole = await explained({ kind: 'perfect' }, { latents: 6, cache });
    expect(server!.requests).toHaveLength(whole.asked.answers);
    expect(whole.left_out).toEqual([]);
    const tokens = { ...NO_LIMIT, tokens: 2_000 };
    const few = await explained({ kind: 'perfect' }, { latents: 6, budget: tokens });
    expect(few.asked.tokens.prompt + few.asked.tokens.completion).toBeLessThanOrEqual(2_000);
    expect(few.asked.requests).toBeGreaterThan(2);
    const none = await explained(
      { kind: 'perfect' },
      { latents: 6, budget: { ...NO_LIMIT, milliseconds: 0 } },
    );
    expect(none.asked.requests).toBe(0);
  });

  it('asks again where the server was busy, sends the key, and follows no redirect', async () => {
    await explained({ kind: 'perfect', failures: [500, 429] }, { latents: 2, key: 'secret-1' });
    expect(new Set(server!.requests.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer secret-1']),
    );
    expect(server!.requests[0]!.body).toMatchObject({ model: 'some/model', max_tokens: 100 });
    await server!.close();
    server = undefined;
    await expect(explained({ kind: 'perfect', failures: [302] }, { latents: 2 })).rejects.toThrow(/HTTP 302/);
    await server!.close();
    server = undefined;
    const unauthorised = explained({ kind: 'perfect', failures: [401] }, { latents: 2 });
    await expect(unauthorised).rejects.toThrow(/HTTP 401 "\{\\"error\\".*Set OPENAI_API_KEY/);
    expect(String(await unauthorised.catch(String))).not.toContain('\u001b');
    await server!.close();
    server = undefined;
    const failing = explained({ kind: 'perfect', failures: Array(20).fill(503) }, { latents: 1 });
    await expect(failing).rejects.toThrow(/HTTP 503 \(6 attempts\).*answers that came are kept/);
    await server!.close();
    server = undefined;
    const endless = explained({ kind: 'endless' }, { latents: 1 });
    await expect(endless).rejects.toThrow(/some\/model.*more than 1000000 bytes; expected an answer.*\/v1/);
    await expect(endless).rejects.not.toThrow(/HF_ENDPOINT/);
  });
});

describe('the excerpts of a latent', () => {
  const textsOf = (evidence: FeatureFiles): Record<string, string> =>
    JSON.parse(evidence['index.json']!).tokens;

  it('that come twice, among the strongest and drawn at random, explain or score, never both', () => {
    const evidence = knownEvidence(8);
    const shard = featureShard.parse(JSON.parse(evidence['0.json']!));
    const { contexts } = shard.features[3]!;
    const [first] = contexts;
    const place = contexts.findIndex(({ kind }) => kind === 'sampled') + 1;
    contexts[place] = { ...contexts[place]!, ids: first!.ids, values: first!.values, peak: first!.peak };
    const [found] = drawnFrom('known', { ...evidence, '0.json': JSON.stringify(shard) }, [3], 5).examples;
    const explaining = found!.explain.map((excerpt) => shown(excerpt, false));
    const scoring = [...found!.detection, ...found!.fuzzing, ...found!.autointerp].map(({ excerpt }) =>
      shown(excerpt, false),
    );
    expect(explaining).toContain(
      shown({ tokens: first!.ids.map((id) => textsOf(evidence)[id]!), marked: [] }, false),
    );
    expect(scoring.filter((line) => explaining.includes(line))).toEqual([]);
  });

  it('explain or score, never both; marked wrongly where the latent is not', () => {
    const { examples } = drawnFrom('known', knownEvidence(8), [3, 99], 5);
    const [each] = examples;
    const lines = (
      excerpts: readonly { tokens: readonly string[]; marked: readonly boolean[] }[],
    ): string[] => excerpts.map((excerpt) => shown(excerpt, false));
    const explaining = new Set(lines(each!.explain));
    const scoring = [...each!.detection, ...each!.fuzzing, ...each!.autointerp];
    expect(lines(scoring.map(({ excerpt }) => excerpt)).filter((line) => explaining.has(line))).toEqual([]);
    for (const { excerpt, yes } of each!.detection) expect(shown(excerpt, false).includes('w3')).toBe(yes);
    for (const { excerpt, yes } of each!.fuzzing) expect(shown(excerpt, true).includes('<<w3>>')).toBe(yes);
    expect(each!.detection.filter(({ yes }) => yes)).toHaveLength(each!.detection.length / 2);
    expect(each!.autointerp).toHaveLength(14);
    expect(drawnFrom('known', knownEvidence(8), [3, 99], 5).leftOut).toEqual([
      { latent: 99, reason: 'there is no evidence of it' },
    ]);
    expect(drawnFrom('known', knownEvidence(8), [3], 5).examples).toEqual(examples);
  });

  it('stand in one line, marks around words and not their spaces', () => {
    const excerpt = { tokens: [' a', ' b', 'c\n', ' <<d'], marked: [false, true, true, false] };
    expect(shown(excerpt, true)).toBe('a <<bc↵>> < <d');
    expect(shown(excerpt, false)).toBe('a bc↵ < <d');
  });

  it('evidence is what its format says', () => {
    for (const [name, text] of Object.entries(knownEvidence(5))) checkFeatures(name, text, name);
    expect(() =>
      checkFeatures('explanations.json', '{"schema":"interpboard/explanations-1"}', 'x'),
    ).toThrow();
  });
});

describe('answers', () => {
  it('are one phrase without what cannot be seen', () => {
    expect(readExplanation('<think>hm\nhm</think>\n "The word  \u202eok\u0000." ')).toBe('The word ok');
    expect(readExplanation('  ')).toBeNull();
    expect(readExplanation('x'.repeat(301))).toBeNull();
  });

  it('are a list of the right length, or nothing', () => {
    expect(readList('[1, 0,1]', 3)).toEqual([true, false, true]);
    expect(readList('```json\n[1,0]\n```', 2)).toEqual([true, false]);
    for (const wrong of ['[1, 0]', '[1, 0, 2]', '1, 0, 1', '[1, 0, 1] because', '[true, 0, 1]', '[1,,1]'])
      expect(readList(wrong, 3), wrong).toBeNull();
  });

  it('are numbers of excerpts, or nothing', () => {
    expect(readNumbers('2, 3 and 1.', 4)).toEqual([true, true, true, false]);
    expect(readNumbers('None', 2)).toEqual([false, false]);
    for (const wrong of ['0', '5', 'all of them', '', '1, x'])
      expect(readNumbers(wrong, 4), wrong).toBeNull();
  });
});

describe('scores', () => {
  it('have Student’s interval over latents, Wilson’s where latents do not differ', () => {
    const mixed = scoreOf([{ correct: 1, of: 2 }, { correct: 2, of: 2 }, null, { correct: 3, of: 4 }])!;
    expect(mixed.value).toBeCloseTo(0.75, 12);
    // t(0.975, 2) = 4.3027, s = 0.25.
    expect(mixed.value - mixed.low).toBeCloseTo((4.302653 * 0.25) / Math.sqrt(3), 5);
    expect(mixed.high).toBe(1);
    const same = scoreOf([
      { correct: 10, of: 10 },
      { correct: 10, of: 10 },
    ])!;
    expect(same.low).toBeCloseTo(20 / (20 + 1.959964 ** 2), 6);
    expect(scoreOf([null])).toBeNull();
  });

  it('shuffled explanations are another latent’s, and differ', () => {
    const texts = ['a', 'b', 'c', 'a'];
    exchanged(texts, 3).forEach((other, i) => {
      expect(other).not.toBeNull();
      expect(other).not.toBe(texts[i]);
    });
    expect(exchanged(['a', 'a'], 3)).toEqual([null, null]);
  });
});

describe('who is asked', () => {
  const refused =
    (given: Parameters<typeof readExplainer>[0], environment = {}): (() => Explainer) =>
    () =>
      readExplainer(given, environment);
  it('is who the user names, and nobody otherwise', () => {
    expect(refused({})).toThrow(/OPENAI_BASE_URL: found nothing.*nothing is sent anywhere/);
    expect(refused({ endpoint: 'http://user:pass@host/v1', explainer: 'm' })).toThrow(/found something else/);
    expect(refused({ endpoint: 'ftp://host' })).toThrow(/--endpoint/);
    expect(refused({ endpoint: 'http://localhost:1/v1' })).toThrow(/--explainer: found nothing/);
    const key = { OPENAI_API_KEY: 'k' };
    expect(refused({ endpoint: 'http://example.org/v1', explainer: 'm' }, key)).toThrow(/without encryption/);
    expect(refused({ endpoint: 'http://127.0.0.1:1/v1', explainer: 'm' }, key)().key?.reveal()).toBe('k');
    const secret = { OPENAI_API_KEY: 'not-to-be-seen' };
    const read = refused({ endpoint: 'https://example.org/v1', explainer: 'm' }, secret)();
    expect(`${read.key} ${JSON.stringify(read)} ${inspect(read)}`).not.toContain('not-to-be-seen');
    expect(refused({}, { OPENAI_BASE_URL: 'https://example.org/v1', OPENAI_MODEL: 'm' })().model).toBe('m');
  });
});
