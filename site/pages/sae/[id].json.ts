import type { APIRoute, GetStaticPaths } from 'astro';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { loadRecords } from '../../lib/records.ts';

export const getStaticPaths = (async () =>
  (await loadRecords()).map((entry) => ({
    params: { id: entry.id },
    props: { entry },
  }))) satisfies GetStaticPaths;

/** The record itself, for download and for the comparison page. */
export const GET: APIRoute<{ entry: EvaluationRecord }> = ({ props }) =>
  new Response(`${JSON.stringify(props.entry)}\n`, {
    headers: { 'Content-Type': 'application/json' },
  });
