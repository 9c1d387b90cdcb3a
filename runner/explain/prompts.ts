/**
 * What a language model is told. A change of a text is a new version: answers to another one are not compared, and the cache
 * does not give them. The protocols are those of delphi (Paulo et al. 2024, arXiv 2410.13928) and of SAEBench's autointerp
 * evaluation (Karvonen et al. 2025, arXiv 2503.09532); the words are this program's own.
 */
import type { Protocol } from '../report/explanation-kinds.ts';

const UNIT =
  'You study units of a neural network that reads text. Each unit responds to some tokens and not to others.';

export const prompts = {
  version: 'interpboard/explain-1',
  explain: `${UNIT} You are shown numbered excerpts in which one unit responds, the strongest responses first. The tokens it responds to are marked <<like this>>. Say what they have in common: a meaning, a kind of word, an exact word or part of one, and the surroundings where those matter. Be as specific as all of the excerpts allow, and no more. Answer with one phrase of at most 20 words, on one line, and nothing else.`,
  detection: `${UNIT} You are told what one unit responds to, and shown numbered excerpts. Decide for each whether the unit responds to any token in it. Answer with a JSON list and nothing else: for each excerpt, in order, 1 where it responds and 0 where it does not, such as [0, 1, 1].`,
  fuzzing: `${UNIT} You are told what one unit responds to, and shown numbered excerpts in which some tokens are marked <<like this>>. Decide for each whether the marked tokens are those that the unit responds to. Answer with a JSON list and nothing else: for each excerpt, in order, 1 where they are and 0 where they are not, such as [0, 1, 1].`,
  autointerp: `${UNIT} You are told what one unit responds to, and shown numbered excerpts in random order. Name those in which the unit responds to at least one token. Answer with their numbers alone, separated by commas, such as 2, 5, or with None where there are none.`,
} as const satisfies Record<Protocol | 'version' | 'explain', string>;

export interface Prompt {
  system: string;
  user: string;
}

/** @param excerpts with marks, the strongest first */
export function explainPrompt(excerpts: readonly string[]): Prompt {
  return { system: prompts.explain, user: numbered(excerpts) };
}

export function scorePrompt(protocol: Protocol, explanation: string, excerpts: readonly string[]): Prompt {
  return {
    system: prompts[protocol],
    user: `The unit responds to: ${explanation}\n\n${numbered(excerpts)}`,
  };
}

function numbered(excerpts: readonly string[]): string {
  return excerpts.map((excerpt, i) => `${i + 1}. ${excerpt}`).join('\n');
}
