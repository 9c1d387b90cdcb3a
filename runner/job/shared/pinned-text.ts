/** The text of a run, fixed before it starts: names become declarations, and references become those of a commit. */
import { type RunConfig, runConfig } from '../../config/run-config.ts';
import { parseReference } from '../../hub/reference.ts';
import type { FindDataFiles } from '../../io/data-files.ts';
import { type DataReference, isDataReference } from '../../text/data-reference.ts';
import { DEMO_PROBES } from '../../text/demo-probes.ts';
import { declaredProbes, type ProbeDeclaration } from '../../text/probe-declaration.ts';
import { declarationsOf } from './text.ts';

/** A reference as it was written and the one it stands for. */
export interface Pin {
  given: string;
  data: string;
}

/** Whether a pin that came from elsewhere says at which commit a repository is read, and nothing else. */
export function isPinOfPlace({ given, data }: Pin): boolean {
  const place = (reference: string): string | undefined => {
    try {
      const parsed = parseReference(reference, { exists: () => false, home: '/' });
      return parsed.kind === 'hub' ? JSON.stringify([parsed.type, parsed.repo, parsed.path]) : undefined;
    } catch {
      return undefined;
    }
  };
  return place(given) !== undefined && place(given) === place(data);
}

/** What a configuration's references to text were pinned to; none where it is no configuration. */
export function pinsOf(config: unknown): Pin[] {
  const parsed = runConfig.safeParse(config);
  if (!parsed.success) return [];
  const pins = references(parsed.data).flatMap(({ given, data }) =>
    given === undefined ? [] : [{ given, data }],
  );
  return [...new Map(pins.map((pin) => [pin.given, pin])).values()];
}

/**
 * The configuration with all its text pinned, so that its hash tells one run from another: hub references name the
 * commit they resolve to now, or resolved to when the run began; local ones carry a fingerprint of their files. Files
 * that are missing are found out here, before anything is trained.
 *
 * @param before what references were pinned to when the run began, if it has begun
 * @throws UserError, MalformedError or UnavailableError as finding the files does
 */
export async function pinText(
  config: RunConfig,
  before: readonly Pin[],
  find: FindDataFiles,
): Promise<RunConfig> {
  const known = new Map(before.map(({ given, data }) => [given, data]));
  const found = new Map<string, { data: string; fingerprint?: string }>();
  const pinned = async <T extends DataReference>(declaration: T): Promise<T> => {
    const given = declaration.given ?? declaration.data;
    let place = found.get(given);
    if (place === undefined) {
      const { reference, fingerprint } = await find(known.get(given) ?? declaration.data);
      place = { data: reference, ...(fingerprint === null ? {} : { fingerprint }) };
      found.set(given, place);
    }
    return { ...declaration, ...place, given };
  };
  const corpus = async (source: RunConfig['corpus']['source']): Promise<RunConfig['corpus']['source']> => {
    const declarations = declarationsOf(source);
    return declarations === null ? source : inTurn(declarations, pinned);
  };
  const probe = async (set: string | ProbeDeclaration): Promise<string | ProbeDeclaration> => {
    const declared = typeof set === 'string' ? declaredProbes.find((each) => each.name === set) : set;
    // A name that is not known is reported by the loader, which knows all of them.
    if (
      declared === undefined ||
      (typeof set === 'string' && (DEMO_PROBES as readonly string[]).includes(set))
    )
      return set;
    return { ...declared, files: await inTurn(declared.files, pinned) };
  };
  const ofSuite = async ([id, settings]: [string, unknown]): Promise<[string, unknown]> => {
    // Data of a suite that does not run need not be there.
    const runs =
      config.evaluation.suites.includes(id) || config.evaluation.ownSuites.some((own) => own.id === id);
    if (!runs || typeof settings !== 'object' || settings === null) return [id, settings];
    const entries = await inTurn(
      Object.entries(settings),
      async ([name, value]): Promise<[string, unknown]> => [
        name,
        isDataReference(value) ? await pinned(value) : value,
      ],
    );
    return [id, Object.fromEntries(entries)];
  };
  const { source, heldout } = config.corpus;
  const own = heldout === null ? null : await corpus(heldout);
  return {
    ...config,
    corpus: {
      ...config.corpus,
      source: await corpus(source),
      heldout: own === 'small-world' || own === 'samples' ? null : own,
    },
    probing: {
      ...config.probing,
      tasks: await inTurn(config.probing.tasks, probe),
      sets: await inTurn(config.probing.sets, probe),
    },
    suites: Object.fromEntries(await inTurn(Object.entries(config.suites), ofSuite)) as RunConfig['suites'],
  };
}

function references(config: RunConfig): DataReference[] {
  const { source, heldout } = config.corpus;
  const lists = [source, heldout].filter((each) => each !== null && typeof each !== 'string');
  const probes = [...config.probing.tasks, ...config.probing.sets].filter((each) => typeof each !== 'string');
  const ofSuites = Object.values(config.suites).flatMap((settings) =>
    typeof settings === 'object' && settings !== null ? Object.values(settings).filter(isDataReference) : [],
  );
  return [...lists.flat(), ...probes.flatMap(({ files }) => files), ...ofSuites];
}

async function inTurn<T, U>(items: readonly T[], use: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await use(item));
  return results;
}
