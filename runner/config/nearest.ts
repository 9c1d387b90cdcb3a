/** Edits that a mistyped name may be away from the one that was meant: a third of its letters, at least 2. */
const allowed = (name: string): number => Math.max(2, Math.floor(name.length / 3));

/** The name that a mistyped one was meant to be; undefined where none is near. */
function nearest(found: string, names: readonly string[]): string | undefined {
  const wanted = found.toLowerCase();
  const near = names
    .map((name) => ({ name, edits: edits(wanted, name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.min(allowed(found), name.length - 1))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.name;
}

/** The next step of an error about a name that is not known. */
export function didYouMean(found: string, names: readonly string[], otherwise: string): string {
  const name = nearest(found, names);
  return name === undefined ? otherwise : `Did you mean ${name}?`;
}

/** Letters to put in, take out, replace or exchange with their neighbour (optimal string alignment). */
function edits(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          replaced,
          last[j]! + 1,
          row[j - 1]! + 1,
          swapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
