import { describe, expect, test } from 'vitest';
import { interpScoreOf } from '../../../runner/report/measures.ts';
import { modelCard } from '../../../runner/report/model-card.ts';
import type { EvaluationRecord } from '../../../runner/report/schema.ts';
import { fixtures } from '../site/fixtures.ts';

const measured = fixtures.filter(({ kind }) => kind === 'measured');
const records = measured.filter(({ model }) => model.id === measured[0]!.model.id);
const [first] = records as [EvaluationRecord];

/** Rows of the table under a heading, as cells. */
function tableUnder(card: string, heading: string): string[][] {
  const section = card.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| ---'))
    .map((line) => line.slice(2, -2).split(' | '));
}

describe('a model card', () => {
  const card = modelCard(records, { repo: 'me/saes', license: 'apache-2.0' });

  test('begins with what the hub reads', () => {
    const [, front] = card.split('---\n');
    expect(front).toMatch(/^license: apache-2\.0$/m);
    expect(front).toMatch(/^- sparse-autoencoder$/m);
    expect(modelCard(records, { repo: 'me/saes' })).not.toContain('license');
  });

  test('has the figures of the records and no others', () => {
    const scores = tableUnder(card, 'InterpScore v0.0.1');
    const score = interpScoreOf(first)!.score as { value: number; interval: { low: number; high: number } };
    expect(scores[1]![1]).toContain(score.value.toFixed(4));
    expect(scores[1]![1]).toContain(`[${score.interval.low.toFixed(4)}, ${score.interval.high.toFixed(4)}]`);
    expect(scores).toHaveLength(1 + records.filter((each) => interpScoreOf(each) !== null).length);
    expect(tableUnder(card, 'SAEs')).toHaveLength(1 + records.length);
    const settings = Object.keys(first.sae.training ?? {});
    expect(tableUnder(card, 'Training recipe').map(([name]) => name)).toEqual([
      'setting',
      ...settings.map((name) => `\`${name}\``),
    ]);
    for (const caveat of first.caveats) expect(card).toContain(caveat);
  });

  test('every table has as many cells in each row', () => {
    for (const part of card.split('\n\n').filter((block) => block.startsWith('|'))) {
      const widths = part.split('\n').map((line) => line.split(/(?<!\\)\|/).length);
      expect(new Set(widths).size).toBe(1);
    }
  });

  test('says how SAEs and transcoders are used, each by its own rule', () => {
    const sae = { ...first.sae, hook: 'blocks.2.hook_mlp_out', reads: 'blocks.2.mlp.hook_in' };
    const training = { ...first.sae.training, applyBDecToInput: false, transcode: 'plain' };
    const transcoder = { ...first, sae: { ...sae, training } };
    const both = modelCard([first, transcoder], { repo: 'me/saes' });
    expect(both.match(/def encode/g)).toHaveLength(2);
    expect(both).toMatch(
      /`b_dec` is subtracted.*`b_dec` is not subtracted.*stands for `blocks\.2\.hook_mlp_out`/s,
    );
    expect(both).toMatch(/activations at blocks\.2\.mlp\.hook_in, float32\n +pre = x @/);
    const alone = modelCard([transcoder], { repo: 'me/saes' });
    expect(alone).toMatch(/^# Transcoders for /m);
    expect(alone).toContain('One transcoder (topk) for activations of');
    expect(alone).not.toContain('(x - sae["b_dec"])');
    const skip = { ...transcoder, sae: { ...sae, training: { ...training, transcode: 'skip' } } };
    expect(modelCard([skip], { repo: 'me/saes' })).not.toContain('def encode');
  });

  test('names the base model and data sets of the hub, and nothing local', () => {
    const model = { ...first.model, id: 'Qwen/Qwen3-0.6B@main', revision: 'a'.repeat(40) };
    const source = `70 % datasets/HuggingFaceFW/fineweb-edu@${'b'.repeat(40)}:sample/*, 30 % notes.txt (local, fingerprint 0)`;
    const of = { ...first, model, sae: { ...first.sae, training: { source } } };
    const front = modelCard([of], { repo: 'me/saes' }).split('---\n')[1]!;
    expect(front).toContain('base_model: Qwen/Qwen3-0.6B\n');
    expect(front).toContain('datasets:\n- HuggingFaceFW/fineweb-edu\n');
    expect(modelCard([first], { repo: 'me/saes' })).not.toContain('base_model');
  });

  test('of a run in training leaves out what is not measured yet', () => {
    const early: EvaluationRecord = {
      ...first,
      metrics: {},
      suites: {},
      data: null,
      caveats: [],
    };
    const short = modelCard([early], { repo: 'me/saes' });
    expect(short).toContain('## SAEs');
    expect(short).not.toMatch(/## (Validation|InterpScore|Probing|Limits)/);
    expect(short).not.toContain('undefined');
    expect(short).not.toContain('NaN');
  });

  test('foreign text makes no markup', () => {
    const model = { ...first.model, id: 'a|b\n## <script>x</script>' };
    const hostile = modelCard([{ ...first, model }], { repo: 'me/saes' });
    expect(hostile).not.toMatch(/^## <|<script>/m);
  });
});
