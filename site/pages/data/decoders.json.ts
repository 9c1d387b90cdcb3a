/** How alike the decoders of each run's SAEs are, for other programs. */
import { loadSimilarities } from '../../lib/records.ts';

export async function GET(): Promise<Response> {
  return Response.json(await loadSimilarities());
}
