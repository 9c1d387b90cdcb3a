/**
 * Run in a process with a WebGPU device: the conformance suite of training backends on the graph backend there, as
 * JSON: for each case the largest difference from the reference, or what the backend does not compute. Arguments: titles
 * of the cases to run, all without.
 */
import { graphBackend } from '../../runner/train/backends/graph.ts';
import { conformanceCases, differenceFromReference } from '../unit/train/conformance.ts';
import { testedDevice } from './software-vulkan.ts';

const backend = graphBackend({ device: testedDevice });
const found: Record<string, { worst: number; where: string } | { unsupported: string }> = {};
const asked = process.argv.slice(2);
for (const each of conformanceCases) {
  if (asked.length > 0 && !asked.includes(each.title)) continue;
  const lacking = backend.unsupported(each.recipe);
  found[each.title] =
    lacking === null ? await differenceFromReference(backend, each) : { unsupported: lacking };
}
process.stdout.write(JSON.stringify(found));
