import type { Random } from '../../math/random.ts';
import { type Agreement, capitalised, conjugate, type Tense, withArticle } from './grammar.ts';

/**
 * Sentence templates. The notation, inside ordinary text:
 *
 *   {A} {A.him} {T.a}   a slot of the scene, in one of its forms
 *   {A~}                the slot's pronoun when it is already the subject being talked about, else its name
 *   <go> <B.go>         a verb in the scene's tense, agreeing with a slot: the one named, else the person
 *                       (A, B or C) last named as a subject in the template, else A
 *   <not.go> <B.not.go> the same, negated; `it` and `they` stand for themselves as subjects
 *   (a|b|)              one of the alternatives, which may hold anything but quotation of these signs;
 *                       one that starts with + (or -) is open only to scenes that end well (or badly)
 *   [list]              a random word of a list of the scene's
 */
type Node =
  | string
  | { kind: 'slot'; name: string; form: string; pronoun: boolean }
  | { kind: 'verb'; subject: string; verb: string; negated: boolean }
  | { kind: 'choice'; always: Node[][]; good: Node[][]; bad: Node[][] }
  | { kind: 'word'; list: string };

/** Something a template can name. */
export interface Slot {
  /** The text of a form; '' is the plain form. */
  form(form: string): string;
  agreement: Agreement;
  /** Whether it can be the subject that a later pronoun points back to. */
  person: boolean;
}

export interface Scene {
  random: Random;
  tense: Tense;
  /** Whether this text ends well. */
  good: boolean;
  slots: Map<string, Slot>;
  words: Readonly<Record<string, readonly string[]>>;
  /** The slot that a pronoun would point to now. */
  focus: string;
}

const PEOPLE = ['A', 'B', 'C', 'X', 'Y', 'Z'];
const compiled = new Map<string, Node[]>();

interface Parser {
  text: string;
  at: number;
  /** The person named last as a subject. */
  subject: string;
}

function compile(text: string): Node[] {
  let nodes = compiled.get(text);
  if (nodes === undefined) {
    const parser: Parser = { text, at: 0, subject: 'A' };
    nodes = parse(parser, '');
    if (parser.at !== text.length) throw new Error(`template: stray sign at ${parser.at} in ${text}`);
    compiled.set(text, nodes);
  }
  return nodes;
}

function parse(parser: Parser, until: string): Node[] {
  const nodes: Node[] = [];
  const { text } = parser;
  let plain = '';
  const flush = (): void => {
    if (plain !== '') nodes.push(plain);
    plain = '';
  };
  while (parser.at < text.length && !until.includes(text[parser.at]!)) {
    const sign = text[parser.at++]!;
    if (sign === '(') {
      flush();
      nodes.push(parseChoice(parser));
    } else if (sign === '{' || sign === '<' || sign === '[') {
      flush();
      const close = text.indexOf({ '{': '}', '<': '>', '[': ']' }[sign], parser.at);
      if (close < 0) throw new Error(`template: ${sign} is not closed in ${text}`);
      nodes.push(parseMark(parser, sign, text.slice(parser.at, close)));
      parser.at = close + 1;
    } else {
      plain += sign;
    }
  }
  flush();
  return nodes;
}

function parseChoice(parser: Parser): Node {
  const choice = {
    kind: 'choice' as const,
    always: [] as Node[][],
    good: [] as Node[][],
    bad: [] as Node[][],
  };
  for (;;) {
    const mark = parser.text[parser.at];
    if (mark === '+' || mark === '-') parser.at++;
    const option = parse(parser, '|)');
    (mark === '+' ? choice.good : mark === '-' ? choice.bad : choice.always).push(option);
    const end = parser.text[parser.at++];
    if (end === undefined) throw new Error(`template: ( is not closed in ${parser.text}`);
    if (end === ')') break;
  }
  // Open to a scene means: its own alternatives and those that are always open.
  return { ...choice, good: [...choice.always, ...choice.good], bad: [...choice.always, ...choice.bad] };
}

function parseMark(parser: Parser, sign: string, mark: string): Node {
  const parts = mark.split('.');
  if (sign === '[') return { kind: 'word', list: mark };
  if (sign === '<') {
    const negated = parts.length > 1 && parts.at(-2) === 'not';
    const subject = parts.length > (negated ? 2 : 1) ? parts[0]! : parser.subject;
    return { kind: 'verb', subject, verb: parts.at(-1)!, negated };
  }
  const pronoun = parts[0]!.endsWith('~');
  const name = pronoun ? parts[0]!.slice(0, -1) : parts[0]!;
  const form = parts[1] ?? '';
  if (PEOPLE.includes(name) && (form === '' || form === 'he' || form === 'full')) {
    parser.subject = name;
  }
  return { kind: 'slot', name, form, pronoun };
}

/** One sentence or more, each beginning with a capital. */
export function sentence(scene: Scene, template: string): string {
  return capitalised(render(scene, compile(template))).replace(/[.!?] "?[a-z]/g, (start) =>
    start.toUpperCase(),
  );
}

/** The template's text as it stands, for use inside a sentence. */
export function phrase(scene: Scene, template: string): string {
  return render(scene, compile(template));
}

function render(scene: Scene, nodes: readonly Node[]): string {
  let text = '';
  for (const node of nodes) {
    if (typeof node === 'string') text += node;
    else if (node.kind === 'slot') text += renderSlot(scene, node);
    else if (node.kind === 'verb') {
      const agreement =
        node.subject === 'it'
          ? 'third'
          : node.subject === 'they'
            ? 'plural'
            : slotOf(scene, node.subject).agreement;
      text += conjugate(node.verb, agreement, scene.tense, node.negated);
    } else if (node.kind === 'choice') {
      const open = scene.good ? node.good : node.bad;
      text += render(scene, open[scene.random.integer(open.length)]!);
    } else {
      const words = scene.words[node.list];
      if (words === undefined) throw new Error(`template: no list [${node.list}]`);
      text += words[scene.random.integer(words.length)]!;
    }
  }
  return text;
}

function renderSlot(scene: Scene, node: { name: string; form: string; pronoun: boolean }): string {
  const slot = slotOf(scene, node.name);
  if (node.pronoun && scene.focus === node.name && scene.random.next() < 0.8) return slot.form('he');
  if (slot.person && node.form === '') scene.focus = node.name;
  return slot.form(node.form);
}

function slotOf(scene: Scene, name: string): Slot {
  const slot = scene.slots.get(name);
  if (slot === undefined) throw new Error(`template: no slot {${name}}`);
  return slot;
}

/** A slot that is plain words; the form `a` puts the article before them. */
export function wordsSlot(words: string, agreement: Agreement = 'third'): Slot {
  return { form: (form) => (form === 'a' ? withArticle(words) : words), agreement, person: false };
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.integer(items.length)]!;
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}
