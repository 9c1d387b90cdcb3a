/** The parts of @huggingface/tokenizers that are used, with types: its own cannot be resolved by TypeScript as modules. */
import * as library from '@huggingface/tokenizers';

/** A model: pieces to the tokens they are made of. */
interface LibraryModel {
  tokens_to_ids: Map<string, number>;
  unk_token_id?: number;
  (pieces: string[]): string[];
}

interface Library {
  BPE: new (config: unknown) => LibraryModel;
  WordPiece: new (config: unknown) => LibraryModel;
  SplitPreTokenizer: new (config: unknown) => { pattern: RegExp | null };
}

export const { BPE, WordPiece, SplitPreTokenizer } = library as unknown as Library;
