import type { Checkpoint } from './checkpoint.ts';
import type { Family } from './families/family.ts';

/** The number of a block in a tensor's name; other towers of a multimodal model count their own. */
const BLOCK = /^(?!.*(?:vision|visual|audio)).*?\b(?:layers|h|blocks)\.(\d+)\./;

/** What a reader of results should know: notes of the files and of the family, and blocks of which the config says nothing. */
export function checkpointNotes(
  { config, tensors, notes: ofFiles }: Pick<Checkpoint, 'config' | 'tensors' | 'notes'>,
  { blocks, notes: ofFamily = [] }: Pick<Family, 'blocks' | 'notes'>,
): readonly string[] {
  const notes = [...ofFiles, ...ofFamily];
  let last = -1;
  for (const name of tensors.keys()) last = Math.max(last, Number(BLOCK.exec(name)?.[1] ?? -1));
  // Some families store the layers that predict further tokens behind the blocks.
  const { num_nextn_predict_layers: further } = config;
  const known = blocks + (typeof further === 'number' ? further : 0);
  if (last < known) return notes;
  return [
    ...notes,
    `config.json says ${blocks} blocks, and the files hold tensors of block ${last}: blocks from ${blocks} on are left out, as in transformers`,
  ];
}
