/** Controls of a record in words and in the order of a table. */
import type { DefinitionId } from '../../runner/report/definitions.ts';
import type { ControlName, Controls, Measure } from '../../runner/report/schema.ts';
import { describeMeasure, formatNumber } from './format.ts';

export const controlWords = {
  notOfThis: 'This control has no such value.',
} as const;

const titles: Readonly<Record<ControlName, string>> = {
  identity: 'Identity',
  pca: 'Principal components',
  untrained: 'Untrained SAE',
  permuted_decoder: 'Permuted decoder',
  shuffled_labels: 'Shuffled labels',
  residual_probe: 'Probe on the residual',
  chance: 'Chance',
};

const notes: Readonly<Partial<Record<ControlName, string>>> = {
  shuffled_labels: 'The probe on the residual, labels in another order: its interval must hold 0.5.',
  residual_probe: 'The same probe on the token mean of the residual itself.',
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

/** Floor, reference and skill of a value in a few words, to stand beside it; null where the record has no controls of it. */
export function marksOf(controls: Controls | undefined, id: string): string | null {
  const skill = controls?.skills.find((each) => each.id === id);
  if (!skill || skill.floor.value === null || skill.ceiling.value === null) return null;
  const words = describeMeasure(skill.skill, 'skill@v1');
  const ends = `floor ${formatNumber(skill.floor.value, 2)}, reference ${formatNumber(skill.ceiling.value, 2)}`;
  return words.value === null ? ends : `${ends}; skill ${words.value}`;
}
