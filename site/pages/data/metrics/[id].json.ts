import type { APIRoute, GetStaticPaths } from 'astro';
import type { MetricColumn } from '../../../lib/columns.ts';
import { listedMetrics } from '../../../lib/listed.ts';

export const getStaticPaths = (async () =>
  [...(await listedMetrics())].map(([id, column]) => ({
    params: { id },
    props: { column },
  }))) satisfies GetStaticPaths;

/** One column with its intervals: loaded when a reader asks for it. */
export const GET: APIRoute<{ column: MetricColumn }> = ({ props }) => Response.json(props.column);
