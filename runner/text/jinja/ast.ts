/** Syntax tree of a template. */
import type { Value } from './values.ts';

export interface Arguments {
  positional: Expression[];
  keyword: [string, Expression][];
  /** `*a` and `**k`. */
  spread: Expression | null;
  keywordSpread: Expression | null;
}

export type Expression =
  | { kind: 'constant'; value: Value }
  | { kind: 'name'; name: string }
  | { kind: 'list' | 'tuple'; items: Expression[] }
  | { kind: 'dict'; pairs: [Expression, Expression][] }
  | { kind: 'attribute'; object: Expression; name: string }
  | { kind: 'item'; object: Expression; key: Expression }
  | { kind: 'slice'; object: Expression; bounds: [Expression | null, Expression | null, Expression | null] }
  | { kind: 'call'; callee: Expression; args: Arguments }
  /** `operand` null: the text of a block. */
  | { kind: 'filter'; operand: Expression | null; name: string; args: Arguments }
  | { kind: 'test'; operand: Expression; name: string; args: Arguments }
  | { kind: 'not' | 'negative' | 'positive'; operand: Expression }
  | { kind: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'binary'; operator: Operator; left: Expression; right: Expression }
  | { kind: 'concat'; parts: Expression[] }
  | { kind: 'compare'; first: Expression; rest: [Comparison, Expression][] }
  | { kind: 'condition'; test: Expression; value: Expression; otherwise: Expression | null };

export type Operator = '+' | '-' | '*' | '/' | '//' | '%' | '**';
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export type Target =
  | { kind: 'name'; name: string }
  | { kind: 'tuple'; items: Target[] }
  | { kind: 'member'; object: string; name: string };

export interface Parameter {
  name: string;
  otherwise: Expression | null;
}

export type Statement =
  | { kind: 'data'; text: string }
  | { kind: 'print'; value: Expression }
  | {
      kind: 'for';
      target: Target;
      over: Expression;
      test: Expression | null;
      body: Statement[];
      otherwise: Statement[] | null;
    }
  | { kind: 'if'; branches: [Expression, Statement[]][]; otherwise: Statement[] }
  | { kind: 'set'; target: Target; value: Expression }
  | { kind: 'set-block'; target: Target; filter: Expression | null; body: Statement[] }
  | { kind: 'with'; bindings: [Target, Expression][]; body: Statement[] }
  | { kind: 'macro'; name: string; parameters: Parameter[]; body: Statement[] }
  | {
      kind: 'call-block';
      call: Extract<Expression, { kind: 'call' }>;
      parameters: Parameter[];
      body: Statement[];
    }
  | { kind: 'filter-block'; filter: Expression; body: Statement[] }
  /** transformers' `generation`: marks the assistant's text, and prints it. */
  | { kind: 'generation'; body: Statement[] }
  | { kind: 'break' | 'continue' };
