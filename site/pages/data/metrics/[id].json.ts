import type { APIRoute, GetStaticPaths } from 'astro';
import type { MetricColumn } from '../../../lib/columns.ts';
import { metricColumns } from '../../../lib/columns-of.ts';
import { listedRecords } from '../../../lib/records.ts';

export const getStaticPaths = (async () =>
  [...metricColumns(await listedRecords())].map(([id, column]) => ({
    params: { id },
    props: { column },
  }))) satisfies GetStaticPaths;

/** One column with its intervals: loaded when a reader asks for it. */
export const GET: APIRoute<{ column: MetricColumn }> = ({ props }) => Response.json(props.column);
