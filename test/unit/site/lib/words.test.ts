import { describe, expect, it } from 'vitest';
import { definitionIds, definitions } from '../../../../runner/report/definitions.ts';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { architectureFacts, dataFacts, provenanceFacts, trainingFacts } from '../../../../site/lib/facts.ts';
import { formulaParts } from '../../../../site/lib/formula.ts';
import { headlineVariance, statisticsOf, unmentioned } from '../../../../site/lib/statistics.ts';
import { metricsOf, trajectoryPanel, trajectoryPanels } from '../../../../site/lib/trajectories.ts';
import { type LoggedKey, scaleOf, trajectoryMetrics } from '../../../../site/lib/trajectory-metrics.ts';
import {
  comparePath,
  definitionAnchor,
  definitionPath,
  recordPath,
  saePath,
  sitePath,
} from '../../../../site/lib/url.ts';
import { fixture, fixtures } from '../fixtures.ts';

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
    expect(headlineVariance(fixture('small-world-l0'))?.id).toBe('var_exp@pooled-v1');
    expect(headlineVariance(publishedRecords()[0] ?? fixture('small-world-l0'))?.id).toBe('var_exp@chunk-v1');
    expect(headlineVariance(fixture('awkward-import'))).toBeNull();
  });
});

describe('facts', () => {
  it('print every setting and leave the unknown null', () => {
    const training = trainingFacts(fixture('small-world-l0'));
    expect(training).toContainEqual({ name: 'alphaAux', value: '0.03125' });
    const provenance = provenanceFacts(fixture('awkward-import'));
    expect(provenance.find((fact) => fact.name === 'Address')).toEqual({ name: 'Address', value: null });
    expect(architectureFacts(fixture('awkward-import')).find((fact) => fact.name === 'k')?.value).toBeNull();
    expect(dataFacts(fixture('awkward-import'))).toEqual([]);
  });
});

describe('trajectories', () => {
  it('draw every record that has one, and thin long tables', () => {
    const panel = trajectoryPanel(fixtures);
    for (const { series } of panel!.metrics)
      expect(series.map(({ label }) => label)).toEqual(['L0', 'L2', 'L4']);
    expect(panel?.definitions).toEqual(['var_exp@pooled-v1']);
    expect(panel?.thinned).toBe(true);
    expect(panel?.rows).toHaveLength(72);
    expect(panel?.rows.filter((row) => row.label === 'L0').at(-1)?.tokens).toBe('2,000,000');
  });

  it('draw whatever was logged, each metric once, with its last value in the table', () => {
    const entry = fixture('small-world-l4');
    const panel = trajectoryPanel([entry])!;
    const logged = Object.keys(entry.trajectory!.points[0]!).filter(
      (key) => !['tokens', 'step'].includes(key),
    );
    expect(panel.metrics.map(({ metric }) => metric.key).toSorted()).toEqual(logged.toSorted());
    expect(logged).toHaveLength(trajectoryMetrics.length);
    const last = entry.trajectory!.points.at(-1)!;
    expect(panel.rows.at(-1)!.cells).toEqual(
      panel.metrics.map(({ metric }) => metric.format(last[metric.key as LoggedKey]!)),
    );
    expect(metricsOf([trajectoryPanel(publishedRecords())!, panel])).toEqual(trajectoryMetrics);
  });

  it('take a logarithmic value axis where a metric falls by more than a decade, and stays above 0', () => {
    const [loss, dead] = ['loss', 'dead'].map((key) => trajectoryMetrics.find((one) => one.key === key)!);
    expect(scaleOf(loss!, [40, 20, 3])).toBe('log');
    expect(scaleOf(loss!, [40, 20, 5])).toBe('linear');
    expect(scaleOf(loss!, [40, 0])).toBe('linear');
    expect(scaleOf(dead!, [1, 400])).toBe('linear');
  });

  it('keep gaps as gaps', () => {
    const panel = trajectoryPanel(publishedRecords());
    // What nobody logged has neither chart nor column.
    expect(panel?.metrics.map(({ metric }) => metric.key)).toEqual(['var_exp', 'dead']);
    expect(panel?.metrics[1]?.series[0]?.points.map((point) => point.x)).toEqual([40e6, 70e6, 90e6, 200e6]);
    expect(panel?.rows[0]).toEqual({ label: 'L11', tokens: '10,000,000', cells: ['0.716', null] });
  });

  it('tell two records of one layer apart in few letters', () => {
    const entry = fixture('small-world-l4');
    const panel = trajectoryPanel([entry, fixture('small-world-l0'), { ...entry, id: 'again' }]);
    expect(panel?.metrics[0]?.series.map((series) => series.label)).toEqual(['L4·1', 'L0', 'L4·2']);
  });

  it('of a sweep are one panel a layer, each line named by what sets its SAE apart', () => {
    const swept = ['small-world-l4', 'small-world-l0'].flatMap((name) =>
      [8, 16].flatMap((k) =>
        [0, 1].map((seed) => {
          const entry = fixture(name);
          const sae = { ...entry.sae, k, training: { ...entry.sae.training, k, seed } };
          return { ...entry, id: `${name}-k${k}-s${seed}`, sae };
        }),
      ),
    );
    const panels = trajectoryPanels(swept);
    expect(panels.map(({ layer }) => layer)).toEqual([0, 4]);
    for (const { panel } of panels) {
      const labels = panel.metrics[0]!.series.map((series) => series.label);
      expect(labels).toEqual(['k8 s0', 'k8 s1', 'k16 s0', 'k16 s1']);
    }
    expect(trajectoryPanels(fixtures).map(({ layer }) => layer)).toEqual([null]);
  });

  it('are absent where no record has one', () => {
    expect(trajectoryPanel([fixture('awkward-import')])).toBeNull();
  });
});
