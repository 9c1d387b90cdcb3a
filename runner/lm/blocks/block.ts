/** A decoder block as its sublayers, and the steps between the hooks in it. */

import type { Site } from '../../hook.ts';
import type { Value } from '../../onnx/graph.ts';
import type { Build } from '../build.ts';

type Part = (build: Build, x: Value) => Value;

/** What blocks need besides the residual, made in earlier parts of the model, by name: [N, width] each. */
export type Aside = Map<string, Value>;

/** Values are [N, dModel], but for what `mix` gives. */
export interface Block {
  /** Attention and MLP both read the residual before the block; else the MLP reads it after attention. */
  parallel: boolean;
  /** Whether norms stand behind attention and MLP, before what they give is added to the residual. */
  normsWhatIsAdded?: boolean;
  /** Numbers of a token that `mix` gives: heads times what each reads. */
  mixedWidth: number;
  /** What the block makes of the residual before anything reads it, where it is not the residual itself. */
  begin?(build: Build, x: Value, aside: Aside): Value;
  /** Residual -> what queries, keys and values are products of. */
  beforeAttention: Part;
  /** -> what the heads have mixed, [N, mixedWidth]. */
  mix(build: Build, x: Value, aside: Aside): Value;
  /** -> what is added to the residual. */
  afterAttention: Part;
  beforeMlp: Part;
  /** -> what is added to the residual, which stands beside it. */
  mlp(build: Build, x: Value, residual: Value): Value;
  /** What the block makes of the residual after attention, and after the MLP, where it is not the residual itself. */
  middle?(build: Build, x: Value, aside: Aside): Value;
  end?(build: Build, x: Value, aside: Aside): Value;
}

/** What the rest of a model follows from at a place within a block. */
export interface Bundle {
  /** The hook's own tensor; null where it is the residual. */
  value: Value | null;
  /** What it, or what follows from it, is added to. */
  residual: Value;
  /** Parts of the model add to it as they are built. */
  aside: Aside;
}

/** A step on its own: from the bundle at the site before to that at its site. */
export interface BlockStep {
  site: Site;
  run(build: Build, block: Block, bundle: Bundle): Bundle;
}

const added = ({ graph }: Build, { residual, value }: Bundle): Value => graph.node('Add', [residual, value!]);

const mix: BlockStep = {
  site: 'attn_z',
  run(build, block, bundle) {
    const residual = block.begin?.(build, bundle.residual, bundle.aside) ?? bundle.residual;
    const value = block.mix(build, block.beforeAttention(build, residual), bundle.aside);
    return { ...bundle, residual, value };
  },
};
const project: BlockStep = {
  site: 'attn_out',
  run: (build, block, bundle) => ({ ...bundle, value: block.afterAttention(build, bundle.value!) }),
};
const addAttention: BlockStep = {
  site: 'resid_mid',
  run(build, { middle }, bundle) {
    const sum = added(build, bundle);
    const residual = middle === undefined ? sum : middle(build, sum, bundle.aside);
    return { ...bundle, residual, value: null };
  },
};
const readMid: BlockStep = {
  site: 'mlp_in',
  run: (build, block, bundle) => ({ ...bundle, value: block.beforeMlp(build, bundle.residual) }),
};
const readBefore: BlockStep = {
  site: 'mlp_in',
  run: (build, block, bundle) => ({
    ...bundle,
    value: block.beforeMlp(build, bundle.residual),
    residual: added(build, bundle),
  }),
};
const mlp: BlockStep = {
  site: 'mlp_out',
  run: (build, block, bundle) => ({
    ...bundle,
    value: block.mlp(build, bundle.value!, bundle.residual),
  }),
};
const addMlp: BlockStep = {
  site: 'resid_post',
  run(build, { end }, bundle) {
    const sum = added(build, bundle);
    const residual = end === undefined ? sum : end(build, sum, bundle.aside);
    return { ...bundle, residual, value: null };
  },
};

const sequential = [mix, project, addAttention, readMid, mlp, addMlp];
const beside = [mix, project, readBefore, mlp, addMlp];

/** In order; each site is that of one step. */
export function stepsOf({ parallel }: Block): readonly BlockStep[] {
  return parallel ? beside : sequential;
}

/** Residual before a block -> residual after it. */
export function throughBlock(build: Build, block: Block, residual: Value, aside: Aside): Value {
  const start: Bundle = { value: null, residual, aside };
  return stepsOf(block).reduce((bundle, step) => step.run(build, block, bundle), start).residual;
}
