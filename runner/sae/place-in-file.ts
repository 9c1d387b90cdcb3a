/** The large matrices of a stored SAE as stretches of its file, which the runtime maps itself. */
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { MatrixPlace, StoredMatrix } from '../formats/stored-matrix.ts';
import { elementTypes, type Graph, type Value } from '../onnx/graph.ts';
import { type MatrixName, type PlaceTensor, vectorIn } from './programs.ts';
import type { StoredSae } from './stored-sae.ts';

const onnxTypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16', F64: 'float64' } as const;

/**
 * Where the tensors stand for a program. A matrix that lies in the file as the program needs it is left there: W_enc
 * in either orientation, W_dec with a latent's row in one piece; other number types become float32 when the program is
 * loaded. Any other matrix is read now and becomes part of the program.
 *
 * @param needed the matrices of the program
 * @throws MalformedError when a checksum of the file is another
 * @returns what `openSession` needs besides the program: the folder of the file
 */
export async function inFile(
  sae: StoredSae,
  needed: readonly MatrixName[],
): Promise<{ place: PlaceTensor; folder?: string }> {
  const placed = new Map<MatrixName, (graph: Graph) => { value: Value; turned: boolean }>();
  let folder: string | undefined;
  for (const name of needed) {
    const matrix = sae[name];
    const { place } = matrix;
    if (place !== null && (name === 'W_enc' || !place.turned)) {
      await matrix.verify();
      // Links are followed: the runtime refuses a file that a link leads to outside the folder.
      const file = await realpath(place.file);
      folder = dirname(file);
      placed.set(name, (graph) => external(graph, matrix, place, basename(file)));
    } else {
      const data = await matrix.read();
      placed.set(name, (graph) => ({
        value: graph.floats(data, [matrix.rows, matrix.columns]),
        turned: false,
      }));
    }
  }
  return {
    place: (graph, name) => {
      if (name === 'b_enc' || name === 'b_dec') return { value: vectorIn(graph, name, sae), turned: false };
      const found = placed.get(name);
      if (found === undefined) throw new RangeError(`a program that was not said to need ${name}`);
      return found(graph);
    },
    ...(folder === undefined ? {} : { folder }),
  };
}

function external(
  graph: Graph,
  { rows, columns }: StoredMatrix,
  { dtype, start, byteLength, turned }: MatrixPlace,
  file: string,
): { value: Value; turned: boolean } {
  const shape = turned ? [columns, rows] : [rows, columns];
  const stored = graph.external(onnxTypes[dtype], shape, { file, offset: start, length: byteLength });
  const value =
    dtype === 'F32' ? stored : graph.node('Cast', [stored], { attributes: { to: elementTypes.float32 } });
  return { value, turned };
}
