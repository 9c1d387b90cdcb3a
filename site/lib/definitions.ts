/** Definitions as pages look them up: this program's, and those that a record carries for suites from files. */
import type { Definition } from '../../runner/report/definition.ts';
import { type Declaring, definitionOf } from '../../runner/report/suites/find.ts';

/** The schema refuses a record with a value of no known definition. */
export function definitionsOf(record: Declaring): (id: string) => Definition {
  return (id) => {
    const found = definitionOf(record, id);
    if (found === undefined) throw new RangeError(`no definition ${id} is known`);
    return found;
  };
}
