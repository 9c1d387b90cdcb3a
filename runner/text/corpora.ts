/** Corpora by name. The references carry no commit: a run pins the one it finds, and keeps it. */
import { type SourceDeclaration, sourceDeclaration } from './file-source.ts';

/**
 * The mixture of the reference release: shares of the texts drawn, not of tokens. Its conversations go through the
 * language model's chat template with thinking on.
 */
const reference = [
  {
    data: 'datasets/HuggingFaceFW/fineweb-edu:sample/10BT/*.parquet',
    weight: 0.7,
    extract: { kind: 'text' },
  },
  {
    data: 'datasets/open-thoughts/OpenThoughts-114k:data/*.parquet',
    weight: 0.2,
    extract: { kind: 'conversations', thinking: true },
  },
  {
    data: 'datasets/nvidia/OpenMathInstruct-2:data/train-*.parquet',
    weight: 0.1,
    extract: { kind: 'problem-solution', solutionField: 'generated_solution' },
  },
];

/** Held out by its makers: text for evaluation that no SAE trained on C4's training split has seen. */
const c4Validation = [
  { data: 'datasets/allenai/c4:en/c4-validation.*.json.gz', weight: 1, extract: { kind: 'text' } },
];

export const corpusNames = ['reference', 'c4-validation'] as const;

export const corpora: Readonly<Record<(typeof corpusNames)[number], readonly SourceDeclaration[]>> = {
  reference: reference.map((each) => sourceDeclaration.parse(each)),
  'c4-validation': c4Validation.map((each) => sourceDeclaration.parse(each)),
};
