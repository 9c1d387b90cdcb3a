/** From the evidence of a latent to the excerpts that it is explained from and those that the explanation is tried on. */
import { random, shuffle } from '../math/random.ts';
import type { FeatureWindows } from '../report/feature-windows.ts';
import type { Feature } from '../report/features.ts';

/** Tokens are marked where the latent is at least so much of its largest value in the excerpt, as delphi does. */
const MARKED_FROM = 0.3;
/** Excerpts of SAEBench's autointerp: of the strongest, of others with the latent, and at random. */
const AUTOINTERP = { top: 2, sampled: 2, random: 10 } as const;
/** Fewer excerpts than this say nothing. */
const LEAST = 2;

export interface Excerpt {
  /** Texts of its tokens. */
  tokens: readonly string[];
  marked: readonly boolean[];
}

export interface Labelled {
  excerpt: Excerpt;
  /** Whether the right answer is yes. */
  yes: boolean;
}

export interface LatentExamples {
  latent: number;
  explain: Excerpt[];
  detection: Labelled[];
  fuzzing: Labelled[];
  autointerp: Labelled[];
}

/**
 * Every other context explains, the others score, each text once, so that no excerpt does both. Against those with the latent
 * stand as many windows without it, at random; for fuzzing with as many tokens marked at random as are marked in those with it.
 *
 * @returns a reason where there is too little to explain or to score with
 */
export function examplesOf(
  feature: Feature,
  windows: FeatureWindows,
  text: (id: number) => string,
  seed: number,
): LatentExamples | string {
  const { latent } = feature;
  const stream = random('explain', latent, seed);
  const kept = { explain: [] as Excerpt[], top: [] as Excerpt[], sampled: [] as Excerpt[] };
  const known = new Set<string>();
  for (const kind of ['top', 'sampled'] as const) {
    const all = feature.contexts.filter((each) => each.kind === kind);
    for (const [i, { ids, values }] of all.entries()) {
      const key = ids.join(' ');
      if (known.has(key)) continue;
      known.add(key);
      const most = values.reduce((a, b) => Math.max(a, b), 0);
      const excerpt = {
        tokens: ids.map(text),
        marked: values.map((value) => value > 0 && value >= MARKED_FROM * most),
      };
      (i % 2 === 0 ? kept.explain : kept[kind]).push(excerpt);
    }
  }
  const active = [...kept.top, ...kept.sampled];
  if (kept.explain.length < LEAST || active.length < LEAST) return 'it has too few contexts';
  const fires = new Set(windows.fires[String(latent)] ?? []);
  const order = shuffle(
    windows.windows.map((_, place) => place),
    stream,
  );
  const plain = (place: number): Excerpt => {
    const { ids } = windows.windows[place]!;
    return { tokens: ids.map((id) => windows.tokens[String(id)] ?? text(id)), marked: ids.map(() => false) };
  };
  const silent = order.filter((place) => !fires.has(place));
  const count = Math.min(active.length, Math.floor(silent.length / 2));
  if (count < LEAST) return 'it fires in nearly every stretch of the text';
  const without = silent.slice(0, count).map(plain);
  const marks = active.reduce((sum, { marked }) => sum + marked.filter(Boolean).length, 0);
  const wrong = silent.slice(count, 2 * count).map((place) => {
    const { tokens } = plain(place);
    const chosen = shuffle(
      tokens.map((_, i) => i),
      stream,
    ).slice(0, Math.max(1, Math.round(marks / active.length)));
    return { tokens, marked: tokens.map((_, i) => chosen.includes(i)) };
  });
  const used = shuffle([...active], stream).slice(0, count);
  const mixed = (yes: readonly Excerpt[], no: readonly Excerpt[]): Labelled[] =>
    shuffle(
      [...yes.map((excerpt) => ({ excerpt, yes: true })), ...no.map((excerpt) => ({ excerpt, yes: false }))],
      stream,
    );
  const drawn = shuffle([...order], stream).slice(0, AUTOINTERP.random);
  return {
    latent,
    explain: kept.explain,
    detection: mixed(used, without),
    fuzzing: mixed(used, wrong),
    autointerp: shuffle(
      [
        ...[...kept.top.slice(0, AUTOINTERP.top), ...kept.sampled.slice(0, AUTOINTERP.sampled)].map(
          (excerpt) => ({ excerpt, yes: true }),
        ),
        ...drawn.map((place) => ({ excerpt: plain(place), yes: fires.has(place) })),
      ],
      stream,
    ),
  };
}

/** An excerpt as the prompts show it: stretches of marked tokens between << and >>, in one line. */
export function shown({ tokens, marked }: Excerpt, marks: boolean): string {
  let line = '';
  tokens.forEach((token, i) => {
    const before = marks && marked[i]! && !marked[i - 1];
    const after = marks && marked[i]! && !marked[i + 1];
    const text = token.replaceAll('<<', '< <').replaceAll('>>', '> >');
    // A space before a word is no part of what is marked.
    const lead = before ? /^\s*/.exec(text)![0] : '';
    line += `${lead}${before ? '<<' : ''}${text.slice(lead.length)}${after ? '>>' : ''}`;
  });
  return line.replaceAll('\ufffd', '').replace(/\r?\n/g, '↵').trim();
}
