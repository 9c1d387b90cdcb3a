/** Which of a program's operators a provider left to the CPU. */
import type { Pointer } from './functions.ts';
import type { Library } from './library.ts';

/** As onnxruntime names the provider that has every operator. */
const CPU = 'CPUExecutionProvider';

/** @returns names of operators, each once; of a session that was made to record them */
export function operatorsOnCpu(library: Library, session: Pointer): string[] {
  const { api, made, text } = library;
  const found = new Set<string>();
  const parts = listOf(library, (at, count) => api.Session_GetEpGraphAssignmentInfo(session, at, count));
  for (const part of parts) {
    if (text(made((out) => api.EpAssignedSubgraph_GetEpName(part, out))) !== CPU) continue;
    for (const node of listOf(library, (at, count) => api.EpAssignedSubgraph_GetNodes(part, at, count))) {
      found.add(text(made((out) => api.EpAssignedNode_GetOperatorType(node, out))));
    }
  }
  return [...found].sort();
}

function listOf(
  { check, copy }: Library,
  get: (at: BigUint64Array, count: BigUint64Array) => Pointer | null,
): BigUint64Array {
  const [at, count] = [new BigUint64Array(1), new BigUint64Array(1)];
  check(get(at, count));
  const list = new BigUint64Array(Number(count[0]));
  copy(list, at[0]!, list.byteLength);
  return list;
}
