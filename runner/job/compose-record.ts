/** A measured SAE as a record. Pure: everything it says is handed in. */
import type { Evaluated } from '../evaluation/evaluate.ts';
import type { DefinitionId } from '../report/definitions.ts';
import { type EvaluationRecord, schemaVersion } from '../report/schema.ts';

/** What is known of a run and one of its SAEs before it is evaluated. */
export interface RecordParts {
  run: string;
  model: EvaluationRecord['model'];
  sae: Omit<EvaluationRecord['sae'], 'name' | 'hook'>;
  data: NonNullable<EvaluationRecord['data']>;
  trajectory: EvaluationRecord['trajectory'];
  provenance: EvaluationRecord['provenance'];
  caveats: string[];
}

/** Name of the residual stream after a block, as TransformerLens and SAELens write it. */
export function residualHook(layer: number): string {
  return `blocks.${layer}.hook_resid_post`;
}

export function composeRecord(parts: RecordParts, evaluated: Evaluated): EvaluationRecord {
  const { run, sae, model, data, trajectory, provenance, caveats } = parts;
  return {
    schema: schemaVersion,
    id: `${run}-l${sae.layer}`,
    kind: 'measured',
    model,
    sae: { name: `${run} L${sae.layer}`, hook: residualHook(sae.layer), ...sae },
    data,
    metrics: evaluated.metrics as Record<DefinitionId, EvaluationRecord['metrics'][DefinitionId]>,
    interpscore: evaluated.interpscore,
    probes: evaluated.probes,
    tpp: evaluated.tpp,
    curves: evaluated.curves,
    trajectory,
    provenance,
    caveats,
  };
}
