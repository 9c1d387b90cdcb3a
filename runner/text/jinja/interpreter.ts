/** Runs a template's syntax tree. */
import type { Arguments, Expression, Parameter, Statement, Target } from './ast.ts';
import type { Budget } from './budget.ts';
import { TemplateError, unsupported } from './errors.ts';
import { applyFilter, type FilterContext } from './filters.ts';
import { setField } from './functions.ts';
import { attribute, item, slice } from './members.ts';
import { binary, holds } from './operators.ts';
import { joined } from './strings.ts';
import { applyTest } from './tests.ts';
import {
  Callable,
  equal,
  Float,
  iterate,
  type Keywords,
  keyOf,
  Loop,
  Namespace,
  numeric,
  print,
  Tuple,
  truth,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

export class Scope {
  readonly #names = new Map<string, Value>();
  readonly #outer: Scope | null;
  constructor(outer: Scope | null, names: Iterable<readonly [string, Value]> = []) {
    this.#outer = outer;
    for (const [name, value] of names) this.#names.set(name, value);
  }
  get(name: string): Value | undefined {
    for (let scope: Scope | null = this; scope !== null; scope = scope.#outer) {
      const value = scope.#names.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }
  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }
}

type Flow = 'next' | 'break' | 'continue';

export class Interpreter {
  readonly #budget: Budget;
  readonly #filters: FilterContext;

  constructor(budget: Budget) {
    this.#budget = budget;
    this.#filters = { budget, item: (object, key) => item(object, key, budget) };
  }

  /** The text that the statements print. */
  render(body: readonly Statement[], scope: Scope): string {
    const out: string[] = [];
    this.#run(body, scope, out);
    return joined(out, '', this.#budget);
  }

  #run(body: readonly Statement[], scope: Scope, out: string[]): Flow {
    for (const statement of body) {
      const flow = this.#execute(statement, scope, out);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  #execute(statement: Statement, scope: Scope, out: string[]): Flow {
    this.#budget.step();
    switch (statement.kind) {
      case 'data':
        this.#print(statement.text, out);
        return 'next';
      case 'print':
        this.#print(print(this.#evaluate(statement.value, scope)), out);
        return 'next';
      case 'for':
        return this.#for(statement, scope, out);
      case 'if': {
        const branch = statement.branches.find(([test]) => truth(this.#evaluate(test, scope)));
        return this.#run(branch?.[1] ?? statement.otherwise, scope, out);
      }
      case 'set':
        this.#assign(statement.target, this.#evaluate(statement.value, scope), scope);
        return 'next';
      case 'set-block': {
        const text = this.render(statement.body, new Scope(scope));
        this.#assign(statement.target, this.#filterText(text, statement.filter, scope), scope);
        return 'next';
      }
      case 'with': {
        const inner = new Scope(scope);
        for (const [target, value] of statement.bindings)
          this.#assign(target, this.#evaluate(value, scope), inner);
        return this.#run(statement.body, inner, out);
      }
      case 'macro':
        scope.set(statement.name, this.#macro(statement.name, statement.parameters, statement.body, scope));
        return 'next';
      case 'call-block': {
        const { call, parameters, body } = statement;
        const caller = this.#macro('caller', parameters, body, scope);
        this.#print(print(this.#call(call.callee, call.args, scope, caller)), out);
        return 'next';
      }
      case 'filter-block': {
        const text = this.render(statement.body, new Scope(scope));
        this.#print(print(this.#filterText(text, statement.filter, scope)), out);
        return 'next';
      }
      case 'generation':
        this.#print(this.render(statement.body, new Scope(scope)), out);
        return 'next';
      case 'break':
      case 'continue':
        return statement.kind;
      default:
        return statement satisfies never;
    }
  }

  #print(text: string, out: string[]): void {
    this.#budget.build(text.length);
    out.push(text);
  }

  #for(statement: Extract<Statement, { kind: 'for' }>, scope: Scope, out: string[]): Flow {
    const { target, test, body, otherwise } = statement;
    let items = iterate(this.#evaluate(statement.over, scope));
    this.#budget.step(items.length);
    if (test !== null) {
      items = items.filter((each) => {
        const inner = new Scope(scope, [['loop', new Undefined("'loop'")]]);
        this.#assign(target, each, inner);
        return truth(this.#evaluate(test, inner));
      });
    }
    let complete = false;
    const changed: { last: Value | null } = { last: null };
    for (const [index, each] of items.entries()) {
      const inner = new Scope(scope, [['loop', loopOf(items, index, changed)]]);
      this.#assign(target, each, inner);
      const flow = this.#run(body, inner, out);
      if (flow === 'break') break;
      if (flow === 'next') complete = true;
    }
    // As in Jinja2, a loop of which every turn was cut short counts as one without turns.
    return complete || otherwise === null ? 'next' : this.#run(otherwise, new Scope(scope), out);
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    switch (target.kind) {
      case 'name':
        scope.set(target.name, value);
        return;
      case 'member': {
        const object = scope.get(target.object);
        if (!(object instanceof Namespace))
          throw new TemplateError('cannot assign attribute on non-namespace object');
        setField(object, target.name, value);
        return;
      }
      case 'tuple': {
        const values = iterate(value);
        if (values.length !== target.items.length)
          throw new TemplateError(`expected ${target.items.length} values to unpack, not ${values.length}`);
        target.items.forEach((each, i) => {
          this.#assign(each, values[i]!, scope);
        });
        return;
      }
      default:
        target satisfies never;
    }
  }

  #macro(name: string, parameters: readonly Parameter[], body: readonly Statement[], scope: Scope): Callable {
    const special = ['caller', 'varargs', 'kwargs'].filter(
      (each) => mentions(body, each) && !parameters.some((parameter) => parameter.name === each),
    );
    return new Callable(name, (args, keywords) =>
      this.#budget.nest(() => {
        const inner = new Scope(scope);
        const rest = new Map(keywords);
        const pending: Parameter[] = [];
        for (const [i, parameter] of parameters.entries()) {
          const given = args[i] ?? (args.length > i ? null : rest.get(parameter.name));
          if (args.length <= i) rest.delete(parameter.name);
          inner.set(
            parameter.name,
            given ?? (given === null ? null : new Undefined(`parameter '${parameter.name}'`)),
          );
          if (given === undefined && parameter.otherwise !== null) pending.push(parameter);
        }
        if (special.includes('caller')) {
          inner.set('caller', rest.get('caller') ?? new Undefined("'caller'"));
          rest.delete('caller');
        }
        if (special.includes('kwargs')) inner.set('kwargs', new Map(rest));
        else if (rest.size > 0)
          throw new TemplateError(`macro '${name}' takes no keyword argument '${[...rest.keys()][0]}'`);
        if (special.includes('varargs')) inner.set('varargs', new Tuple(args.slice(parameters.length)));
        else if (args.length > parameters.length)
          throw new TemplateError(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
        for (const { name: each, otherwise } of pending) inner.set(each, this.#evaluate(otherwise!, inner));
        return this.render(body, inner);
      }),
    );
  }

  #filterText(text: string, filter: Expression | null, scope: Scope): Value {
    if (filter === null) return text;
    return this.#evaluate(filter, scope, text);
  }

  /** @param piped what a filter without an operand is applied to */
  #evaluate(node: Expression, scope: Scope, piped?: string): Value {
    this.#budget.step();
    const value = (each: Expression): Value => this.#evaluate(each, scope, piped);
    switch (node.kind) {
      case 'constant':
        return node.value;
      case 'name':
        return scope.get(node.name) ?? this.#unknown(node.name, scope);
      case 'list':
        return node.items.map(value);
      case 'tuple':
        return new Tuple(node.items.map(value));
      case 'dict':
        return new Map(node.pairs.map(([key, each]): [Value, Value] => [keyOf(value(key)), value(each)]));
      case 'attribute':
        return attribute(value(node.object), node.name, this.#budget);
      case 'item':
        return item(value(node.object), value(node.key), this.#budget);
      case 'slice': {
        const object = value(node.object);
        return slice(
          object,
          node.bounds.map((bound) => (bound === null ? undefined : value(bound))),
          this.#budget,
        );
      }
      case 'call':
        return this.#call(node.callee, node.args, scope);
      case 'filter': {
        const operand = node.operand === null ? piped! : value(node.operand);
        const { args, keywords } = this.#arguments(node.args, scope);
        return applyFilter(node.name, operand, args, keywords, this.#filters);
      }
      case 'test': {
        const operand = value(node.operand);
        return applyTest(node.name, operand, this.#arguments(node.args, scope).args);
      }
      case 'not':
        return !truth(value(node.operand));
      case 'negative':
      case 'positive': {
        const operand = value(node.operand);
        const found = numeric(operand);
        if (found === null) throw new TemplateError(`bad operand type for unary: '${typeName(operand)}'`);
        const signed = node.kind === 'negative' ? 0 - found : found;
        return operand instanceof Float ? new Float(node.kind === 'negative' ? -found : found) : signed;
      }
      case 'and': {
        const left = value(node.left);
        return truth(left) ? value(node.right) : left;
      }
      case 'or': {
        const left = value(node.left);
        return truth(left) ? left : value(node.right);
      }
      case 'binary':
        return binary(node.operator, value(node.left), value(node.right), this.#budget);
      case 'concat':
        return joined(
          node.parts.map((part) => print(value(part))),
          '',
          this.#budget,
        );
      case 'compare': {
        let left = value(node.first);
        for (const [comparison, expression] of node.rest) {
          const right = value(expression);
          if (!holds(comparison, left, right)) return false;
          left = right;
        }
        return true;
      }
      case 'condition':
        if (truth(value(node.test))) return value(node.value);
        return node.otherwise === null ? new Undefined('an if without else') : value(node.otherwise);
      default:
        return node satisfies never;
    }
  }

  #unknown(name: string, scope: Scope): Value {
    const value = scope.get(name);
    if (value === null) return null;
    if (name === 'self' || name === 'super') throw unsupported(`"${name}"`);
    return new Undefined(`'${name}'`);
  }

  #arguments(given: Arguments, scope: Scope): { args: Value[]; keywords: Keywords } {
    const args = given.positional.map((each) => this.#evaluate(each, scope));
    if (given.spread !== null) args.push(...iterate(this.#evaluate(given.spread, scope)));
    const keywords = new Map(
      given.keyword.map(([name, each]): [string, Value] => [name, this.#evaluate(each, scope)]),
    );
    if (given.keywordSpread !== null) {
      const more = this.#evaluate(given.keywordSpread, scope);
      if (!(more instanceof Map)) throw new TemplateError('the argument after ** must be a mapping');
      for (const [name, value] of more) keywords.set(print(name), value);
    }
    return { args, keywords };
  }

  #call(callee: Expression, given: Arguments, scope: Scope, caller?: Callable): Value {
    const callable = this.#evaluate(callee, scope);
    const { args, keywords } = this.#arguments(given, scope);
    if (callable instanceof Undefined) throw new TemplateError(`${callable.what} is undefined`);
    if (!(callable instanceof Callable))
      throw new TemplateError(`'${typeName(callable)}' object is not callable`);
    return callable.call(args, caller === undefined ? keywords : new Map(keywords).set('caller', caller));
  }
}

function loopOf(items: readonly Value[], index: number, changed: { last: Value | null }): Loop {
  return new Loop((name) => {
    switch (name) {
      case 'index':
        return index + 1;
      case 'index0':
        return index;
      case 'revindex':
        return items.length - index;
      case 'revindex0':
        return items.length - index - 1;
      case 'first':
        return index === 0;
      case 'last':
        return index === items.length - 1;
      case 'length':
        return items.length;
      case 'depth':
      case 'depth0':
        return name === 'depth' ? 1 : 0;
      case 'previtem':
        return valueAt(items, index - 1, 'there is no previous item, which');
      case 'nextitem':
        return valueAt(items, index + 1, 'there is no next item, which');
      case 'cycle':
        return new Callable(name, (args) => {
          if (args.length === 0) throw new TemplateError('no items for cycling given');
          return args[index % args.length]!;
        });
      case 'changed':
        return new Callable(name, (args) => {
          const now = new Tuple(args);
          const same = changed.last !== null && equal(changed.last, now);
          changed.last = now;
          return !same;
        });
      default:
        return new Undefined(`'LoopContext object' has no attribute '${name}', which`);
    }
  });
}

function valueAt(items: readonly Value[], index: number, what: string): Value {
  const value = items[index];
  return value === undefined ? new Undefined(what) : value;
}

/** Whether statements name a variable. */
function mentions(node: unknown, name: string): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if ('kind' in node && node.kind === 'name' && 'name' in node && node.name === name) return true;
  return Object.values(node).some((each) => mentions(each, name));
}
