/** Of language models' parts: what a family says and what its fixtures notice. */
import { type Mutation, of } from './mutation.ts';

const lm = of('lm');

const FAMILIES = 'test/unit/lm/families.test.ts';
const HOOKS = 'test/unit/lm/hooks.test.ts';
const CONFIGS = 'test/unit/lm/config-variants.test.ts';
const FP8 = 'test/unit/lm/fp8.test.ts';

export const languageModelMutations: readonly Mutation[] = [
  lm(
    'blocks/experts.ts',
    'groups === undefined ? biased : ofBestGroups',
    'true ? biased : ofBestGroups',
    FAMILIES,
    'deepseek',
  ),
  lm(
    'blocks/experts.ts',
    "graph.node('GatherElements', [probabilities, which]",
    "graph.node('GatherElements', [rated, which]",
    FAMILIES,
    'deepseek',
  ),
  lm(
    'blocks/experts.ts',
    "expert(graph.node('Mul', [given, graph.cast(own, graph.precision)]), index)",
    'expert(given, index)',
    FAMILIES,
    'llama4',
  ),
  lm('blocks/plain-attention.ts', '(position % chunk) + 1', 'position + 1', FAMILIES, 'llama4'),
  lm('blocks/attention.ts', 'shape.chunk >= build.maxTokens', 'shape.chunk >= 0', FAMILIES, 'llama4'),
  lm('blocks/rotary.ts', 'interleaved: rotary.interleaved ? 1 : 0', 'interleaved: 0', FAMILIES, 'glm4'),
  lm(
    'blocks/self-attention.ts',
    "normed(own ?? k, 'v', keys, shape.valueNorm)",
    "normed(own ?? k, 'v', keys, norm)",
    FAMILIES,
    'gemma4',
  ),
  lm(
    'blocks/latent-attention.ts',
    'together([turnedKey, plainKey], keySize)',
    'together([plainKey, turnedKey], keySize)',
    FAMILIES,
    'deepseek',
  ),
  lm(
    'blocks/block.ts',
    'block.mlp(build, bundle.value!, bundle.residual)',
    'block.mlp(build, bundle.value!, bundle.value!)',
    HOOKS,
    'gemma4',
  ),
  lm('families/decoder.ts', 'gain === 1 ? x :', 'true ? x :', [FAMILIES, HOOKS], 'granite'),
  lm(
    'families/shared-keys.ts',
    "site === 'resid_post' ? layer : layer - 1;",
    'layer;',
    HOOKS,
    'gemma4-small',
  ),
  lm('families/gemma3n.ts', "hook.site === 'resid_pre' ||", 'false ||', HOOKS, 'gemma3n'),
  lm(
    'families/soft-tokens.ts',
    "graph.node('Where', [reaches(from), own, other])",
    'own',
    FAMILIES,
    'gemma3n',
  ),
  lm('blocks/altup.ts', 'i === 0 ? stream :', 'i < 0 ? stream :', FAMILIES, 'gemma3n'),
  lm('blocks/mlp.ts', 'normalThreshold(1 - quantile)', 'normalThreshold(quantile)', FAMILIES, 'gemma3n'),
  lm(
    'families/shared-keys.ts',
    'types.lastIndexOf(kind) > layer',
    'types.lastIndexOf(kind) > layer + 1',
    HOOKS,
    'gemma4-small',
  ),
  lm('families/gemma4.ts', "types[decoder.blocks - 1] = 'full';", '', CONFIGS, 'gemma4_text'),
  lm('families/rope.ts', 'i < turned ? Math.fround', 'i < turned + 1 ? Math.fround', FAMILIES, 'gemma4'),
  lm('segments.ts', 'const inside = !isResidual(at);', 'const inside = false;', HOOKS, 'gemma4-small'),
  lm('fp8.ts', 'places(columns, block[1])', 'places(columns, block[0])', FP8),
  lm('build.ts', 'const all = part === undefined ? own : [shape[0]!, ...own];', 'const all = own;', FP8),
];
