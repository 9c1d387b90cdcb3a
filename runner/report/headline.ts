/** The values by which SAEs are listed and ranked, as suites declare them (`headline` of a definition). Free of zod. */
import type { DefinitionId } from './definitions.ts';
import type { SuiteDeclaration } from './suite.ts';
import { type Declaring, suitesOf } from './suites/find.ts';
import { declarations } from './suites/index.ts';

export interface Headline {
  id: DefinitionId;
  suite: SuiteDeclaration;
  /** What it is the weighted sum of, in the order shown; the weights stand in a record's part. Empty where it is none. */
  components: readonly DefinitionId[];
}

export const headlines: readonly Headline[] = declarations.flatMap((suite: SuiteDeclaration) =>
  Object.entries(suite.definitions).flatMap(([id, { headline }]) => {
    if (!headline) return [];
    const view = suite.views.find((each) => each.kind === 'measures' && each.total === id);
    const ids = view?.kind === 'measures' ? view.ids.filter((each) => each !== id) : [];
    // A built-in suite names definitions of its own and of every run, which a test holds it to.
    return [{ id: id as DefinitionId, suite, components: ids as readonly DefinitionId[] }];
  }),
);

/** Figures of a leading suite that has no total. */
const FIRST = 2;

/** What an SAE is judged by: of each suite that leads its total, or what it names first of what the record has; InterpScore where none does. */
export function leadFigures(
  entry: Declaring & { suites: Readonly<Record<string, unknown>> },
): readonly string[] {
  const views = suitesOf([entry])
    .filter(({ leads: first }) => first)
    .flatMap((suite) => {
      const view = suite.views.find((each) => each.kind === 'measures');
      const { measures = {} } = (entry.suites[suite.id] ?? {}) as { measures?: object };
      return view === undefined ? [] : [{ ...view, has: (id: string) => Object.hasOwn(measures, id) }];
    });
  const ids = views.flatMap(({ total, ids: all, has }) =>
    total === undefined ? all.filter(has).slice(0, FIRST) : [total],
  );
  return ids.length === 0 ? ['interpscore@0.0.1'] : ids;
}
