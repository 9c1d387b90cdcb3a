import { describe, expect, it } from 'vitest';
import { definitionIds, definitions } from '../../../../runner/report/definitions.ts';
import { leadFigures } from '../../../../runner/report/headline.ts';
import { publishedRecords } from '../../../../runner/report/published.ts';
import type { EvaluationRecord } from '../../../../runner/report/schema.ts';
import { marksOf } from '../../../../site/lib/controls.ts';
import { architectureFacts, dataFacts, provenanceFacts, trainingFacts } from '../../../../site/lib/facts.ts';
import { formulaParts } from '../../../../site/lib/formula.ts';
import { headlines } from '../../../../site/lib/release-text.ts';
import { verdictText } from '../../../../site/lib/sae-text.ts';
import { leadMeasures, statisticsOf, unmentioned } from '../../../../site/lib/statistics.ts';
import {
  comparePath,
  definitionAnchor,
  definitionPath,
  recordPath,
  saePath,
  sitePath,
} from '../../../../site/lib/url.ts';
import { fixture } from '../fixtures.ts';

function marked(text: string): string {
  return formulaParts(text)
    .map((part) => (part.subscript ? `<${part.text}>` : part.text))
    .join('');
}

describe('formulas', () => {
  it('sets subscripts of symbols and leaves names alone', () => {
    expect(marked('clip((L_zero − L_sae) / max(AUC_ablated, 1), 0, 1)')).toBe(
      'clip((L<zero> − L<sae>) / max(AUC<ablated>, 1), 0, 1)',
    );
    expect(marked('Σ_chunks Σ‖x − x̄_chunk‖², mean_t ‖e_t‖²')).toBe(
      'Σ<chunks> Σ‖x − x̄<chunk>‖², mean<t> ‖e<t>‖²',
    );
    expect(marked('0.30 loss_recovered + 0.15 l0_score')).toBe('0.30 loss_recovered + 0.15 l0_score');
  });

  it('loses no text of any definition', () => {
    for (const id of definitionIds) {
      const parts = formulaParts(definitions[id].formula);
      const whole = parts.map((part) => (part.subscript ? `_${part.text}` : part.text)).join('');
      expect(whole).toBe(definitions[id].formula);
    }
  });
});

describe('addresses', () => {
  it('stand under the base path and are safe in HTML and URLs', () => {
    expect(sitePath('compare/')).toBe('/compare/');
    expect(saePath('a.b-l1')).toBe('/sae/a.b-l1/');
    expect(recordPath('a')).toBe('/sae/a.json');
    expect(definitionPath('var_exp@pooled-v1')).toBe('/methodology/#var-exp-pooled-v1');
    expect(comparePath(['a', 'b&c'])).toBe('/compare/?sae=a&sae=b%26c');
    expect(comparePath(['a', 'b', 'c', 'd', 'e'])).toBe('/compare/?sae=a&sae=b&sae=c&sae=d');
  });

  it('give every definition its own anchor', () => {
    expect(new Set(definitionIds.map(definitionAnchor)).size).toBe(definitionIds.length);
  });
});

describe('statistics', () => {
  it('put every definition into one group', () => {
    expect(definitions['tpp@interpscore-0.0.1'].group).toBe('InterpScore');
    expect(definitions['loss_zero@v1'].group).toBe('Loss');
    expect(definitions['alive@v1'].group).toBe('Reconstruction and sparsity');
  });

  it('list what a record mentions and what it leaves out', () => {
    const entry = fixture('small-world-l4');
    expect(statisticsOf(entry, 'Loss').map((one) => one.id)).toContain('loss_mean@v1');
    // What is named among the composite's components is not left out.
    expect(unmentioned(entry, 'Loss')).toEqual([]);
    expect(unmentioned(fixture('awkward-import'), 'Reconstruction and sparsity')).toContain('l0@v1');
  });

  it('fall back to the variant of variance explained that a record has', () => {
    const lead = (entry: EvaluationRecord) => leadMeasures(entry).variance;
    expect(lead(fixture('small-world-l0')).id).toBe('var_exp@pooled-v1');
    expect(lead(publishedRecords()[0] ?? fixture('small-world-l0')).id).toBe('var_exp@chunk-v1');
    expect(lead(fixture('awkward-import')).measure?.value ?? null).toBeNull();
  });
});

describe('an SAE in words', () => {
  it('names one loss recovered, in the sentence and among the figures of its release', () => {
    const entry = structuredClone(fixture('small-world-l2'));
    const pooled = entry.metrics['loss_recovered@pooled-v1']!;
    const clipped = entry.suites.interpscore!.measures!['loss_recovered@interpscore-0.0.1']!;
    Object.assign(pooled, { value: 0.25, interval: null });
    Object.assign(clipped, { value: 0.75, interval: null });
    const said = () => [
      verdictText(entry),
      headlines([entry]).map(({ definition, text }) => [definition, text]),
    ];
    expect(said()[0]).toContain('recovers 25.0 % of the loss that zeroing the hook would cost');
    expect(said()[1]).toContainEqual(['loss_recovered@pooled-v1', '0.2500']);
    delete entry.metrics['loss_recovered@pooled-v1'];
    expect(said()[0]).toContain('recovers 75.0 % of');
    expect(said()[1]).toContainEqual(['loss_recovered@interpscore-0.0.1', '0.7500']);
  });

  it('is judged by what its suites lead with: InterpScore, or recovery of the true features', () => {
    const entry = structuredClone(fixture('small-world-l2'));
    expect(leadFigures(entry)).toEqual(['interpscore@0.0.1']);
    const mcc = { value: 0.4, interval: null, interval_note: 'it follows from the decoder alone' };
    entry.suites = { 'ground-truth': { measures: { 'mcc@synthsaebench': mcc } } };
    expect(leadFigures(entry)).toEqual(['mcc@synthsaebench']);
    entry.suites = { 'ground-truth': { measures: { 'f1@synthsaebench': mcc, 'mcc@synthsaebench': mcc } } };
    expect(leadFigures(entry)).toEqual(['mcc@synthsaebench', 'f1@synthsaebench']);
    expect(headlines([entry])[0]).toMatchObject({ title: 'Mean correlation coefficient', text: '0.4000' });
    entry.suites = {};
    expect(leadFigures(entry)).toEqual(['interpscore@0.0.1']);
  });

  it('says how good and how sure, or that no interval is known', () => {
    const measured = verdictText(fixture('small-world-l2'));
    expect(measured).toBe(
      'It explains 86.1 % (85.7–86.5) of the residual’s variance, recovers 96.6 % (96.4–96.8) of the loss that zeroing the hook would cost and leaves 5.4 % (5.1–5.7) of its latents unused in 131,072 tokens. In brackets: 95 % intervals.',
    );
    expect(verdictText(publishedRecords()[0]!)).toMatch(/^It explains 84\.3 % of .*No interval is known\.$/);
    expect(verdictText(fixture('awkward-import'))).toBeNull();
  });
});

describe('what a value is held to', () => {
  it('names the floor, and what an untrained SAE scores where that is not the floor', () => {
    const marks = (name: string, id: string) => marksOf(fixture(name).controls, id);
    expect(marks('small-world-l0', 'probe_auc_dense@interpscore-0.0.1')).toMatch(
      /^floor 0\.50, untrained 0\.81, reference 0\.97; skill \d/,
    );
    expect(marks('small-world-l0', 'loss_recovered@interpscore-0.0.1')).toMatch(
      /^floor 0\.62, reference 1\.00; skill /,
    );
    // Nothing is its floor or its reference.
    expect(marks('small-world-l0', 'tpp@interpscore-0.0.1')).toBe('untrained 0.06');
    // Of another window than the SAE's own, and says so.
    expect(marks('small-world-l0', 'alive@v1')).toBe('untrained 0.98 over 8,192 tokens');
    expect(marks('small-world-l4', 'tpp@interpscore-0.0.1')).toBeNull();
    expect(marks('small-world-l2', 'tpp@interpscore-0.0.1')).toBeNull();
  });
});

describe('facts', () => {
  it('print every setting and leave the unknown null', () => {
    const training = trainingFacts(fixture('small-world-l0'));
    expect(training).toContainEqual({ name: 'Weight of the auxiliary loss (α)', value: '0.03125' });
    const provenance = provenanceFacts(fixture('awkward-import'));
    expect(provenance.find((fact) => fact.name === 'Address')).toEqual({ name: 'Address', value: null });
    expect(
      architectureFacts(fixture('awkward-import')).find((fact) => fact.name === 'Latents kept per token (k)')
        ?.value,
    ).toBeNull();
    expect(dataFacts(fixture('awkward-import'))).toEqual([]);
    const entry = fixture('small-world-l0');
    const encoding = { k: 3, transcoder: true, residual_threshold: 0.015, stop_on_duplicate_support: false };
    const facts = architectureFacts({ ...entry, sae: { ...entry.sae, encoding } });
    const told = new Set(architectureFacts(entry).map(({ name }) => name));
    expect(facts.filter(({ name }) => !told.has(name))).toEqual([
      { name: 'Norm of what is left at which encoding ends', value: '0.015' },
      { name: 'Encoding ends at a step that adds no latent', value: 'no' },
    ]);
  });
});
