/** The values by which SAEs are listed and ranked, as suites declare them (`headline` of a definition). Free of zod. */
import type { DefinitionId } from './definitions.ts';
import type { SuiteDeclaration } from './suite.ts';
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
