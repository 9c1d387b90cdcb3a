/**
 * Tokens of a template to its syntax tree, with the grammar and the precedence of Jinja2 3.1. One file for one grammar:
 * its functions call each other in a circle.
 */
import type { Arguments, Comparison, Expression, Operator, Parameter, Statement, Target } from './ast.ts';
import { TemplateError, unsupported } from './errors.ts';
import { type Token, tokens } from './lexer.ts';
import { Float, type Value } from './values.ts';

/** @throws TemplateError where the source is no template, or uses what is not supported here */
export function parseTemplate(source: string): Statement[] {
  const parser = new Parser(tokens(source));
  return parser.statements([]).body;
}

const CONSTANTS: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};
/** Tags of Jinja2 that need other templates, or escape HTML. */
const OTHER_TAGS = ['block', 'extends', 'include', 'import', 'from', 'autoescape'];
const NO_ARGUMENTS: Arguments = { positional: [], keyword: [], spread: null, keywordSpread: null };

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Statements up to one of the tags in `ends`, which is read; up to the end of the source where there are none. */
  statements(ends: readonly string[]): { body: Statement[]; end: string } {
    const body: Statement[] = [];
    for (;;) {
      const token = this.#tokens[this.#at++];
      if (token === undefined) {
        if (ends.length > 0) throw new TemplateError(`expected ${ends.join(' or ')} before the end`);
        return { body, end: '' };
      }
      if (token.kind === 'data') body.push({ kind: 'data', text: token.value });
      else if (token.kind === 'open') {
        body.push({ kind: 'print', value: this.#tuple() });
        this.#expect('close');
      } else {
        const tag = this.#expect('name').value;
        if (ends.includes(tag)) return { body, end: tag };
        body.push(this.#statement(tag));
      }
    }
  }

  #statement(tag: string): Statement {
    switch (tag) {
      case 'for':
        return this.#for();
      case 'if':
        return this.#if();
      case 'set':
        return this.#set();
      case 'with':
        return this.#with();
      case 'macro': {
        const name = this.#expect('name').value;
        return { kind: 'macro', name, parameters: this.#parameters(), body: this.#body('endmacro') };
      }
      case 'call': {
        const parameters = this.#is('operator', '(') ? this.#parameters() : [];
        const call = this.#expression();
        if (call.kind !== 'call') throw this.#error('expected a call');
        return { kind: 'call-block', call, parameters, body: this.#body('endcall') };
      }
      case 'filter': {
        const filter = this.#filters(null, true);
        return { kind: 'filter-block', filter, body: this.#body('endfilter') };
      }
      case 'generation':
        return { kind: 'generation', body: this.#body('endgeneration') };
      case 'break':
      case 'continue':
        this.#expect('end');
        return { kind: tag };
      default:
        if (OTHER_TAGS.includes(tag)) throw unsupported(`{% ${tag} %}`);
        throw this.#error(`unknown tag "${tag}"`);
    }
  }

  /** The rest of a tag, the statements after it and the tag that ends them. */
  #body(end: string): Statement[] {
    this.#expect('end');
    const { body } = this.statements([end]);
    this.#expect('end');
    return body;
  }

  #for(): Statement {
    const target = this.#target();
    this.#expect('name', 'in');
    const over = this.#tuple({ conditions: false, stop: 'recursive' });
    const test = this.#skip('name', 'if') ? this.#expression() : null;
    if (this.#skip('name', 'recursive')) throw unsupported('a recursive for');
    this.#expect('end');
    const { body, end } = this.statements(['endfor', 'else']);
    const otherwise = end === 'else' ? this.#body('endfor') : null;
    if (otherwise === null) this.#expect('end');
    return { kind: 'for', target, over, test, body, otherwise };
  }

  #if(): Statement {
    const branches: [Expression, Statement[]][] = [];
    for (;;) {
      const test = this.#tuple({ conditions: false });
      this.#expect('end');
      const { body, end } = this.statements(['elif', 'else', 'endif']);
      branches.push([test, body]);
      if (end === 'elif') continue;
      const otherwise = end === 'else' ? this.#body('endif') : [];
      if (end === 'endif') this.#expect('end');
      return { kind: 'if', branches, otherwise };
    }
  }

  #set(): Statement {
    const target = this.#target();
    if (this.#skip('operator', '=')) {
      const value = this.#tuple();
      this.#expect('end');
      return { kind: 'set', target, value };
    }
    const filter = this.#is('operator', '|') ? this.#filters(null, false) : null;
    return { kind: 'set-block', target, filter, body: this.#body('endset') };
  }

  #with(): Statement {
    const bindings: [Target, Expression][] = [];
    while (!this.#is('end')) {
      if (bindings.length > 0) this.#expect('operator', ',');
      const target = this.#target();
      this.#expect('operator', '=');
      bindings.push([target, this.#expression()]);
    }
    return { kind: 'with', bindings, body: this.#body('endwith') };
  }

  #parameters(): Parameter[] {
    this.#expect('operator', '(');
    const parameters: Parameter[] = [];
    while (!this.#is('operator', ')')) {
      if (parameters.length > 0) this.#expect('operator', ',');
      const name = this.#expect('name').value;
      const otherwise = this.#skip('operator', '=') ? this.#expression() : null;
      if (otherwise === null && parameters.some((each) => each.otherwise !== null))
        throw this.#error('a parameter without a default after one with');
      parameters.push({ name, otherwise });
    }
    this.#expect('operator', ')');
    return parameters;
  }

  /** What a set or for assigns to: names, tuples of them, fields of a namespace. */
  #target(): Target {
    const items: Target[] = [];
    let [many, comma] = [false, false];
    do {
      if (items.length > 0 && !this.#is('name') && !this.#is('operator', '(')) break;
      if (this.#skip('operator', '(')) {
        items.push(this.#target());
        this.#expect('operator', ')');
      } else {
        const name = this.#expect('name').value;
        if (Object.hasOwn(CONSTANTS, name)) throw this.#error(`cannot assign to "${name}"`);
        items.push(
          this.#skip('operator', '.')
            ? { kind: 'member', object: name, name: this.#expect('name').value }
            : { kind: 'name', name },
        );
      }
      if (this.#is('name', 'in')) break;
      comma = this.#skip('operator', ',');
      many ||= comma;
    } while (comma);
    return many ? { kind: 'tuple', items } : items[0]!;
  }

  /** Expressions with commas between them as a tuple; a single one as itself. */
  #tuple({ conditions = true, stop = '', explicit = false } = {}): Expression {
    const items: Expression[] = [];
    let many = false;
    for (;;) {
      if (this.#is('close') || this.#is('end') || this.#is('operator', ')')) break;
      if (stop !== '' && this.#is('name', stop)) break;
      items.push(conditions ? this.#expression() : this.#or());
      if (!this.#skip('operator', ',')) break;
      many = true;
    }
    if (many) return { kind: 'tuple', items };
    if (items[0] !== undefined) return items[0];
    if (explicit) return { kind: 'tuple', items };
    throw this.#error('expected an expression');
  }

  #expression(): Expression {
    let result = this.#or();
    while (this.#skip('name', 'if')) {
      const test = this.#or();
      const otherwise = this.#skip('name', 'else') ? this.#expression() : null;
      result = { kind: 'condition', test, value: result, otherwise };
    }
    return result;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#skip('name', 'or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#skip('name', 'and')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (this.#skip('name', 'not')) return { kind: 'not', operand: this.#not() };
    return this.#compare();
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest: [Comparison, Expression][] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.kind === 'operator' && /^(?:[=!<>]=|[<>])$/.test(token.value)) {
        this.#at++;
        rest.push([token.value as Comparison, this.#sum()]);
      } else if (this.#skip('name', 'in')) rest.push(['in', this.#sum()]);
      else if (this.#is('name', 'not') && this.#tokens[this.#at + 1]?.value === 'in') {
        this.#at += 2;
        rest.push(['not in', this.#sum()]);
      } else return rest.length === 0 ? first : { kind: 'compare', first, rest };
    }
  }

  #binary(operators: readonly Operator[], next: () => Expression): Expression {
    let left = next();
    for (;;) {
      const operator = operators.find((each) => this.#is('operator', each));
      if (operator === undefined) return left;
      this.#at++;
      left = { kind: 'binary', operator, left, right: next() };
    }
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concat());
  }

  #concat(): Expression {
    const parts = [this.#product()];
    while (this.#skip('operator', '~')) parts.push(this.#product());
    return parts.length === 1 ? parts[0]! : { kind: 'concat', parts };
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#binary(['**'], () => this.#unary(true)));
  }

  #unary(filters: boolean): Expression {
    let node: Expression;
    if (this.#skip('operator', '-')) node = { kind: 'negative', operand: this.#unary(false) };
    else if (this.#skip('operator', '+')) node = { kind: 'positive', operand: this.#unary(false) };
    else node = this.#primary();
    node = this.#postfix(node);
    return filters ? this.#filtered(node) : node;
  }

  #primary(): Expression {
    const token = this.#tokens[this.#at++];
    switch (token?.kind) {
      case 'name':
        return Object.hasOwn(CONSTANTS, token.value)
          ? { kind: 'constant', value: CONSTANTS[token.value]! }
          : { kind: 'name', name: token.value };
      case 'string': {
        let { value } = token;
        while (this.#is('string')) value += this.#tokens[this.#at++]!.value;
        return { kind: 'constant', value };
      }
      case 'integer': {
        const value = Number(token.value.replaceAll('_', ''));
        if (!Number.isSafeInteger(value)) throw unsupported(`the integer ${token.value}`);
        return { kind: 'constant', value };
      }
      case 'float':
        return { kind: 'constant', value: new Float(Number(token.value.replaceAll('_', ''))) };
      case 'operator':
        if (token.value === '(') {
          const inner = this.#tuple({ explicit: true });
          this.#expect('operator', ')');
          return inner;
        }
        if (token.value === '[') return { kind: 'list', items: this.#upTo(']', () => this.#expression()) };
        if (token.value === '{') {
          const pairs = this.#upTo('}', (): [Expression, Expression] => {
            const key = this.#expression();
            this.#expect('operator', ':');
            return [key, this.#expression()];
          });
          return { kind: 'dict', pairs };
        }
    }
    this.#at--;
    throw this.#error(`unexpected ${JSON.stringify(token?.value ?? 'end')}`);
  }

  #upTo<T>(end: string, read: () => T): T[] {
    const items: T[] = [];
    while (!this.#is('operator', end)) {
      if (items.length > 0) this.#expect('operator', ',');
      if (this.#is('operator', end)) break;
      items.push(read());
    }
    this.#at++;
    return items;
  }

  #postfix(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.#skip('operator', '.')) {
        const token = this.#tokens[this.#at++];
        if (token?.kind === 'name') node = { kind: 'attribute', object: node, name: token.value };
        else if (token?.kind === 'integer')
          node = { kind: 'item', object: node, key: { kind: 'constant', value: Number(token.value) } };
        else throw this.#error('expected a name or number after "."');
      } else if (this.#skip('operator', '[')) node = this.#subscript(node);
      else if (this.#is('operator', '(')) node = { kind: 'call', callee: node, args: this.#arguments() };
      else return node;
    }
  }

  #subscript(object: Expression): Expression {
    const ends = (): boolean =>
      this.#is('operator', ':') || this.#is('operator', ']') || this.#is('operator', ',');
    const first = ends() ? null : this.#expression();
    let node: Expression;
    if (this.#skip('operator', ':')) {
      const second = ends() ? null : this.#expression();
      const third = this.#skip('operator', ':') && !ends() ? this.#expression() : null;
      node = { kind: 'slice', object, bounds: [first, second, third] };
    } else {
      if (first === null) throw this.#error('expected a subscript');
      node = { kind: 'item', object, key: first };
    }
    if (this.#is('operator', ',')) throw unsupported('a subscript of several parts');
    this.#expect('operator', ']');
    return node;
  }

  /** Filters, tests and calls behind an expression. */
  #filtered(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.#is('operator', '|')) node = this.#filters(node, false);
      else if (this.#is('name', 'is')) node = this.#test(node);
      else if (this.#is('operator', '(')) node = { kind: 'call', callee: node, args: this.#arguments() };
      else return node;
    }
  }

  /** @param inline whether the first name stands without a | before it, as in {% filter name %} */
  #filters(operand: Expression | null, inline: boolean): Expression {
    let node = operand;
    for (let first = inline; first || this.#skip('operator', '|'); first = false) {
      const name = this.#expect('name').value;
      const args = this.#is('operator', '(') ? this.#arguments() : NO_ARGUMENTS;
      node = { kind: 'filter', operand: node, name, args };
    }
    return node!;
  }

  #test(operand: Expression): Expression {
    this.#at++;
    const negated = this.#skip('name', 'not');
    const name = this.#expect('name').value;
    let args = NO_ARGUMENTS;
    const next = this.#tokens[this.#at];
    if (this.#is('operator', '(')) args = this.#arguments();
    else if (
      next !== undefined &&
      (['name', 'string', 'integer', 'float'].includes(next.kind) ||
        (next.kind === 'operator' && /^[[{]$/.test(next.value))) &&
      !(next.kind === 'name' && ['else', 'or', 'and'].includes(next.value))
    ) {
      if (this.#is('name', 'is')) throw this.#error('tests in a chain');
      args = { ...NO_ARGUMENTS, positional: [this.#postfix(this.#primary())] };
    }
    const test: Expression = { kind: 'test', operand, name, args };
    return negated ? { kind: 'not', operand: test } : test;
  }

  #arguments(): Arguments {
    this.#expect('operator', '(');
    const args: Arguments = { positional: [], keyword: [], spread: null, keywordSpread: null };
    let first = true;
    while (!this.#is('operator', ')')) {
      if (!first) this.#expect('operator', ',');
      first = false;
      if (this.#is('operator', ')')) break;
      if (this.#skip('operator', '*')) args.spread = this.#expression();
      else if (this.#skip('operator', '**')) args.keywordSpread = this.#expression();
      else if (this.#is('name') && this.#tokens[this.#at + 1]?.value === '=') {
        const name = this.#expect('name').value;
        this.#at++;
        args.keyword.push([name, this.#expression()]);
      } else {
        if (args.keyword.length > 0 || args.spread !== null)
          throw this.#error('a positional argument after others');
        args.positional.push(this.#expression());
      }
    }
    this.#at++;
    return args;
  }

  #is(kind: Token['kind'], value?: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === kind && (value === undefined || token.value === value);
  }

  #skip(kind: Token['kind'], value: string): boolean {
    const found = this.#is(kind, value);
    if (found) this.#at++;
    return found;
  }

  #expect(kind: Token['kind'], value?: string): Token {
    if (!this.#is(kind, value)) throw this.#error(`expected ${value ?? kind}`);
    return this.#tokens[this.#at++]!;
  }

  #error(message: string): TemplateError {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)];
    return new TemplateError(`line ${token?.line ?? 1}: ${message}`);
  }
}
