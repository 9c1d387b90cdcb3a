/** English inflection, as much of it as the small world speaks. */
import irregularVerbs from './data/irregular-verbs.json' with { type: 'json' };

export type Agreement = 'I' | 'third' | 'plural';
export type Tense = 'past' | 'present';

const PAST: Readonly<Record<string, string>> = irregularVerbs;

const MODALS: Readonly<Record<string, string>> = {
  can: 'could',
  will: 'would',
  may: 'might',
  should: 'should',
};
const DOUBLED = new Set(
  'stop plan drop nod grab chat beg hug wrap clap rub knit step slip pat tap trip pin hum stir'.split(' '),
);

function pastOf(verb: string): string {
  const irregular = PAST[verb];
  if (irregular !== undefined) return irregular;
  if (verb.endsWith('e')) return `${verb}d`;
  if (/[^aeiou]y$/.test(verb)) return `${verb.slice(0, -1)}ied`;
  if (DOUBLED.has(verb)) return `${verb}${verb.at(-1)}ed`;
  return `${verb}ed`;
}

function thirdOf(verb: string): string {
  if (verb === 'have') return 'has';
  if (/(s|sh|ch|x|z|o)$/.test(verb)) return `${verb}es`;
  if (/[^aeiou]y$/.test(verb)) return `${verb.slice(0, -1)}ies`;
  return `${verb}s`;
}

const inflected = new Map<string, string>();

/** The finite form of a verb for its subject and tense, with "not" and the auxiliary it needs. */
export function conjugate(verb: string, subject: Agreement, tense: Tense, negated: boolean): string {
  const key = `${verb} ${subject} ${tense} ${negated}`;
  let form = inflected.get(key);
  if (form === undefined) {
    form = inflect(verb, subject, tense, negated);
    inflected.set(key, form);
  }
  return form;
}

function inflect(verb: string, subject: Agreement, tense: Tense, negated: boolean): string {
  const not = negated ? ' not' : '';
  if (verb === 'be') {
    if (tense === 'past') return (subject === 'plural' ? 'were' : 'was') + not;
    return { I: 'am', third: 'is', plural: 'are' }[subject] + not;
  }
  const modal = MODALS[verb];
  if (modal !== undefined) {
    const form = tense === 'past' ? modal : verb;
    return form === 'can' && negated ? 'cannot' : form + not;
  }
  if (tense === 'past') return negated ? `did not ${verb}` : pastOf(verb);
  if (negated) return `${subject === 'third' ? 'does' : 'do'} not ${verb}`;
  return subject === 'third' ? thirdOf(verb) : verb;
}

/** "a" or "an" before the words. */
export function withArticle(words: string): string {
  return `${/^(?!one|use|uni)[aeiou]|^hour|^honest/i.test(words) ? 'an' : 'a'} ${words}`;
}

export function capitalised(text: string): string {
  const at = text.search(/[A-Za-z]/);
  return at < 0 ? text : text.slice(0, at) + text.charAt(at).toUpperCase() + text.slice(at + 1);
}

const SMALL =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** A whole number from 0 to 99 in words; larger numbers in digits. */
export function inWords(value: number): string {
  if (value < 20) return SMALL[value]!;
  if (value > 99) return String(value);
  const unit = value % 10;
  const ten = TENS[(value - unit) / 10]!;
  return unit === 0 ? ten : `${ten}-${SMALL[unit]}`;
}

/** "a, b and c". */
export function listed(items: readonly string[]): string {
  if (items.length <= 1) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

const ODD_SINGULARS: Readonly<Record<string, string>> = {
  loaves: 'loaf',
  potatoes: 'potato',
  tomatoes: 'tomato',
  berries: 'berry',
  cherries: 'cherry',
  boxes: 'box',
  glasses: 'glass',
  brushes: 'brush',
  fish: 'fish',
  knives: 'knife',
};

/** The singular of a plural noun of the lexicon. */
export function singular(noun: string): string {
  return ODD_SINGULARS[noun] ?? noun.replace(/s$/, '');
}
