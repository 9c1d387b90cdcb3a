import { noise } from './open.ts';

/** Files of a small repository: large ones of equal bytes, an empty one, one in folders. */
export const BIG = noise(300_000);
export const CONTENTS = {
  'config.json': { text: '{}' },
  'empty.txt': { text: '' },
  'model.safetensors': { text: BIG, lfs: true },
  'same.bin': { text: BIG, lfs: true },
  'sub/deep/a.txt': { text: 'hello' },
};
