/** The settings of suites as the configuration has them: folded over the list of suites, none of which it names. */
import { z } from 'zod';
import { suites } from '../suites/index.ts';
import type { Suite, SuiteSettings } from '../suites/suite.ts';

type Block = 'evaluation' | 'probing';

/** What suites add to a block that others have settings in too. Two suites share a setting by the same schema. */
export function foldedSettings(block: Block): Readonly<Record<never, z.ZodType>> {
  const fields: Record<string, z.ZodType> = {};
  for (const { declaration, settings } of suites) {
    for (const [name, schema] of Object.entries(settings[block] ?? {})) {
      if (fields[name] !== undefined && fields[name] !== schema) {
        throw new RangeError(`suite ${declaration.id}: ${block}.${name} is another suite's already`);
      }
      fields[name] = schema;
    }
  }
  return fields;
}

/** `suites.<id>` of each suite with settings of its own. */
export function suiteSettings(): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(
    suites.flatMap(({ declaration, settings: { own } }: Suite) =>
      own === undefined ? [] : [[declaration.id, z.strictObject(own).prefault({})]],
    ),
  );
}

interface Configured {
  evaluation: object;
  probing: object;
  suites: Readonly<Record<string, unknown>>;
}

/** A suite's settings, wherever they stand in a parsed configuration. */
export function settingsOf({ declaration, settings }: Suite, config: Configured): unknown {
  const own = config.suites[declaration.id];
  return {
    ...picked(config.evaluation, settings.evaluation),
    ...picked(config.probing, settings.probing),
    ...(typeof own === 'object' ? own : {}),
  };
}

function picked(block: object, shape: SuiteSettings[Block] = {}): Record<string, unknown> {
  const names = Object.keys(shape);
  return Object.fromEntries(Object.entries(block).filter(([name]) => names.includes(name)));
}
