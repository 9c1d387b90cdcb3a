/** Files that import one another in a circle, each as the way around it. @param imports what each file imports, by path */
export function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const circleFrom = (path: string, above: readonly string[]): string | null => {
    const at = above.indexOf(path);
    if (at >= 0) return [...above.slice(at), path].join(' -> ');
    if (done.has(path)) return null;
    for (const next of imports.get(path) ?? []) {
      const found = circleFrom(next, [...above, path]);
      if (found !== null) return found;
    }
    done.add(path);
    return null;
  };
  return [...imports.keys()].map((path) => circleFrom(path, [])).filter((each) => each !== null);
}
