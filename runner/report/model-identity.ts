/** Which records are of the same model: by its checksum, and where a record has none by its id and revision. Free of zod. */
import type { EvaluationRecord } from './schema.ts';

type Model = EvaluationRecord['model'];

/** Equal for records of the same model: its checksum where the record has one, else its id and revision. */
export function modelIdentity({ id, revision, sha256 }: Model): string {
  return sha256 ?? nameOf({ id, revision });
}

/**
 * The same among models of which some have no checksum: such a one is that of its id and revision, unless the others of
 * this name have several.
 */
export function modelIdentities(models: readonly Model[]): string[] {
  const checksums = new Map<string, Set<string>>();
  for (const model of models) {
    if (model.sha256 == null) continue;
    const name = nameOf(model);
    checksums.set(name, (checksums.get(name) ?? new Set()).add(model.sha256));
  }
  return models.map((model) => {
    const known = [...(checksums.get(nameOf(model)) ?? [])];
    return model.sha256 == null && known.length === 1 ? known[0]! : modelIdentity(model);
  });
}

function nameOf({ id, revision }: Pick<Model, 'id' | 'revision'>): string {
  return JSON.stringify([id, revision]);
}
