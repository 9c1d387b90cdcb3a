/** A tidy table as a parquet file: what is null there is null, and numbers keep every digit. */
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import type { TidyColumn } from './tidy.ts';

export function tidyParquet(table: readonly TidyColumn[]): ArrayBuffer {
  return parquetWriteBuffer({ columnData: table.map(columnOf) });
}

function columnOf({ name, type, cells }: TidyColumn): ColumnSource {
  switch (type) {
    case 'text':
      return { name, data: cells, type: 'STRING', nullable: true };
    case 'integer':
      // Tokens pass 2³¹.
      return {
        name,
        data: cells.map((cell) => (cell === null ? null : BigInt(cell))),
        type: 'INT64',
        nullable: true,
      };
    case 'number':
      return { name, data: cells, type: 'DOUBLE', nullable: true };
  }
}
