/** Lines of JSON and paragraphs, plain and compressed: the compressed bytes are damaged, or what they hold. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { BrokenRow, type Compression, jsonLines, paragraphs } from '../../../runner/formats/lines.ts';
import { mutated, strictSource } from '../../unit/formats/hostile.ts';
import { type FuzzFormat, pick } from '../format.ts';

const TEXT = Buffer.from(
  Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ text: `line ${i} of naïve 日本 🙂`, n: i, turns: [{ role: 'user', content: 'a' }] }),
  ).join('\n'),
);

const MOST_BROKEN = 1_000;

export const lines: FuzzFormat = {
  name: 'lines',
  async prepare() {
    return async (stream) => {
      const compression: Compression = pick(stream, ['none', 'gzip', 'zstd']);
      const outside = compression !== 'none' && stream.integer(2) === 0;
      let text: Uint8Array = outside ? TEXT : mutated(TEXT, stream);
      // Much of nothing, in few bytes.
      if (stream.integer(50) === 0)
        text = Buffer.concat([
          text,
          Buffer.alloc(2 ** 22, pick(stream, ['\n', ' ', '   \n', '\t\r\n', '[', '{"a":[]}\n'])),
        ]);
      const packed =
        compression === 'none' ? text : compression === 'gzip' ? gzipSync(text) : zstdCompressSync(text);
      const source = strictSource(outside ? mutated(packed, stream) : packed);
      const read = stream.integer(2) === 0 ? jsonLines(source, compression) : paragraphs(source, compression);
      let broken = 0;
      // Sources stop at the first broken row, or at a small share of them.
      for await (const row of read) {
        if ('value' in row && row.value instanceof BrokenRow && ++broken > MOST_BROKEN) break;
      }
    };
  },
};
