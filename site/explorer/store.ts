/** What the explorer fetches, each once, and again after a failure: columns with intervals, and resamples by model. */
import { type Columns, type MetricColumn, type ModelDraws, metricFile, modelSlug } from '../lib/columns.ts';
import { fetchJson } from '../lib/fetch-json.ts';

export interface Store {
  columns: Columns;
  loaded: ReadonlyMap<string, MetricColumn>;
  draws: ReadonlyMap<string, ModelDraws>;
  /** Resolves when all that can be had is there; the words say what could not. */
  load(metrics: readonly string[]): Promise<string[]>;
  loadDraws(models: readonly string[]): Promise<string[]>;
}

/** @param folder address of the site's data/, with its final slash */
export async function openStore(folder: string): Promise<Store> {
  const columns = await fetchJson<Columns>(`${folder}explorer.json`);
  const loaded = new Map<string, MetricColumn>();
  const draws = new Map<string, ModelDraws>();
  const asked = new Map<string, Promise<string | null>>();

  const once = <T>(address: string, into: Map<string, T>, key: string): Promise<string | null> => {
    const known = asked.get(address);
    if (known !== undefined) return known;
    const coming = fetchJson<T>(address).then(
      (value) => {
        into.set(key, value);
        return null;
      },
      (reason: unknown) => {
        asked.delete(address);
        return reason instanceof Error ? reason.message : String(reason);
      },
    );
    asked.set(address, coming);
    return coming;
  };
  const all = async (each: readonly Promise<string | null>[]): Promise<string[]> =>
    (await Promise.all(each)).filter((failure) => failure !== null);

  return {
    columns,
    loaded,
    draws,
    load: (metrics) => all(metrics.map((id) => once(`${folder}metrics/${metricFile(id)}`, loaded, id))),
    loadDraws: (models) =>
      all(models.map(modelSlug).map((slug) => once(`${folder}draws/${slug}.json`, draws, slug))),
  };
}
