/** SAEs of others as `plan` knows them: by their headers where they lie on this machine, else by their names. Nothing is downloaded. */
import type { RunConfig } from '../config/run-config.ts';
import { hookOf, hooksOfPlace, placeOf } from '../hook.ts';
import { pooledOf } from '../job/evaluation/pooled-memory.ts';
import type { OtherSae } from '../job/run/plan.ts';
import { checkAlone } from '../job/shared/cross-layer-transcoder.ts';
import { checkOther } from '../job/shared/crosscoder.ts';
import type { ModelShape } from '../job/shared/model-place.ts';
import { describePublished, type PublishedSae } from '../job/shared/published-saes.ts';
import { hooksOfCrossLayer, openCrossLayer } from '../sae/checkpoints/cross-layer.ts';
import { detectAdapter } from '../sae/checkpoints/detect.ts';
import { openSaeFile } from '../sae/checkpoints/load.ts';
import { parseSaeName } from '../sae/published/locate.ts';
import { locateHere } from './locate-saes.ts';

/** @throws UserError as `eval` would for those that lie on this machine */
export async function otherSaes(
  config: RunConfig,
  shape: ModelShape,
  other: ModelShape | null = null,
): Promise<OtherSae[]> {
  const elsewhere: OtherSae[] = [];
  const places = [];
  for (const name of config.saes) {
    const here = await locateHere([name]);
    if (here !== null) {
      places.push(...here);
      continue;
    }
    const { hook, layer, hooks: several } = parseSaeName(name).options;
    const said = hook ?? layer;
    const hooks =
      several?.map(hookOf) ??
      (said === undefined ? [] : hooksOfPlace(typeof said === 'number' ? hookOf(said) : said));
    elsewhere.push({ hooks, known: null });
  }
  const published = await describePublished(places, shape, unhashed, other);
  checkAlone(published, { train: config.train, shard: false, from: [], unknown: elsewhere.length });
  if (elsewhere.length === 0) checkOther(published, config.evaluation.otherModel);
  return [...elsewhere, ...(await Promise.all(published.map(sizeOf)))];
}

/** For what is known of SAEs before anything is read of them but headers. */
export async function unhashed(paths: readonly string[]): Promise<{ bytes: number; sha256: string }[]> {
  return paths.map(() => ({ bytes: 0, sha256: '' }));
}

async function sizeOf({ id, place, layers, places, d_sae, ...at }: PublishedSae): Promise<OtherSae> {
  if (places !== undefined) {
    const file = await (await detectAdapter(place.path)).crosscoder!(place.path, place.options);
    await file.close();
    const of = (number: number) => places.flatMap(({ model, hook }) => (model === number ? [hook] : []));
    const ofModels = 1 + Math.max(...places.map(({ model }) => model));
    const sizes = [pooledOf(file.sae)];
    return {
      hooks: of(0),
      otherHooks: of(1),
      known: { id, place: placeOf(at), d_sae, crossLayer: false, ofModels, sizes },
    };
  }
  if (layers !== undefined) {
    const file = await openCrossLayer(place.path);
    await file.close();
    // One residual goes on from it, from the first block on.
    return {
      hooks: hooksOfCrossLayer(file),
      known: {
        id,
        place: { layer: 0, site: file.reads },
        d_sae,
        crossLayer: true,
        sizes: file.layers.map(pooledOf),
      },
    };
  }
  const file = await openSaeFile(place.path, place.options);
  await file.close();
  return {
    hooks: hooksOfPlace(at),
    known: { id, place: placeOf(at), d_sae, crossLayer: false, sizes: [pooledOf(file.sae)] },
  };
}
