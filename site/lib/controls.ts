/** Controls of a record in words and in the order of a table. */
import type { DefinitionId } from '../../runner/report/definitions.ts';
import type { ControlName, Controls, Measure } from '../../runner/report/schema.ts';
import { describeMeasure, formatCount, formatNumber } from './format.ts';

export const controlWords = {
  notOfThis: 'This control has no such value.',
} as const;

const titles: Readonly<Record<ControlName, string>> = {
  identity: 'Identity',
  pca: 'Principal components',
  untrained: 'Untrained SAE',
  permuted_decoder: 'Permuted decoder',
  shuffled_labels: 'Shuffled labels',
  residual_probe: 'Probe on the activations',
  chance: 'Chance',
};

const notes: Readonly<Partial<Record<ControlName, string>>> = {
  shuffled_labels: 'The probe on the activations, labels in another order: its interval must hold 0.5.',
  residual_probe: 'The same probe on the token mean of the activations themselves.',
};

export interface ControlCell {
  id: DefinitionId;
  measure: Measure;
  /** Whether it is the floor or the reference of the skill. */
  role: 'floor' | 'reference' | null;
}

export interface ControlRow {
  title: string;
  note: string;
  /** In the order of `controlIds`. */
  cells: (ControlCell | null)[];
}

export function controlIds(controls: Controls): DefinitionId[] {
  return [...new Set(controls.values.map(({ id }) => id))];
}

/** The controls, then the SAE, then its skill. */
export function controlRows(controls: Controls): ControlRow[] {
  const ids = controlIds(controls);
  const names = [...new Set(controls.values.map(({ control }) => control))];
  const skillOf = (id: DefinitionId) => controls.skills.find((skill) => skill.id === id);
  const rows = names.map((name): ControlRow => {
    const found = controls.values.filter(({ control }) => control === name);
    const [first] = found;
    const note = first && (first.measure.value === null ? first.measure.reason : first.measure.note);
    return {
      title: titles[name],
      note: note ?? notes[name] ?? '',
      cells: ids.map((id) => {
        const value = found.find((each) => each.id === id);
        if (!value) return null;
        const skill = skillOf(id);
        const role =
          skill?.floor.control === name ? 'floor' : skill?.ceiling.control === name ? 'reference' : null;
        return { id, measure: value.measure, role };
      }),
    };
  });
  const own = (title: string, note: string, read: 'value' | 'skill'): ControlRow => ({
    title,
    note,
    cells: ids.map((id) => {
      const skill = skillOf(id);
      return skill ? { id: read === 'skill' ? 'skill@v1' : id, measure: skill[read], role: null } : null;
    }),
  });
  return [
    ...rows,
    own('This SAE', 'On the same rows.', 'value'),
    own('Skill', '(value − floor) / (reference − floor)', 'skill'),
  ];
}

/** What an untrained SAE of the same shape and L0 scores; null where the record does not say. */
export function untrainedValue(controls: Controls | undefined, id: string): number | null {
  return untrainedMeasure(controls, id)?.value ?? null;
}

function untrainedMeasure(controls: Controls | undefined, id: string): Measure | undefined {
  return controls?.values.find((each) => each.control === 'untrained' && each.id === id)?.measure;
}

/** What a value is held to: the floor and reference of its skill, and what an untrained SAE scores where that is another. */
export interface Ends {
  floor: number | null;
  reference: number | null;
  untrained: number | null;
  /** Tokens over which that was taken, where it depends on them. */
  window: number | null;
}

export function endsOf(controls: Controls | undefined, id: string): Ends {
  const skill = controls?.skills.find((each) => each.id === id);
  const found = skill?.floor.control === 'untrained' ? null : (untrainedMeasure(controls, id) ?? null);
  return {
    floor: skill?.floor.value ?? null,
    reference: skill?.ceiling.value ?? null,
    untrained: found?.value ?? null,
    window: found?.value == null ? null : (found.window_tokens ?? null),
  };
}

/** The same in words. */
export function endsText({ floor, reference, untrained, window }: Ends): string {
  const over = window === null ? '' : ` over ${formatCount(window)} tokens`;
  const words = [
    ['floor', floor, ''],
    ['untrained', untrained, over],
    ['reference', reference, ''],
  ] as const;
  return words
    .flatMap(([name, value, where]) => (value === null ? [] : `${name} ${formatNumber(value, 2)}${where}`))
    .join(', ');
}

/** The ends and the skill of a value in a few words, to stand beside it; null where the record has no controls of it. */
export function marksOf(controls: Controls | undefined, id: string): string | null {
  const ends = endsText(endsOf(controls, id));
  if (ends === '') return null;
  const skill = controls?.skills.find((each) => each.id === id)?.skill;
  const words = skill && describeMeasure(skill, 'skill@v1');
  return words?.value == null ? ends : `${ends}; skill ${words.value}`;
}
