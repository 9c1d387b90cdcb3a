import type { APIRoute, GetStaticPaths } from 'astro';
import type { ModelDraws } from '../../../lib/columns.ts';
import { drawsByModel } from '../../../lib/columns-of.ts';
import { listedRecords } from '../../../lib/records.ts';

export const getStaticPaths = (async () =>
  [...drawsByModel(await listedRecords())].map(([model, draws]) => ({
    params: { model },
    props: { draws },
  }))) satisfies GetStaticPaths;

/** Resamples of the composite's components, to weigh them anew: loaded per model. */
export const GET: APIRoute<{ draws: ModelDraws }> = ({ props }) => Response.json(props.draws);
