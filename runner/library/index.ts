/**
 * The package's entry point: language models and SAEs for other programs. `import … from 'interpboard'` gives what `npm run
 * packages` builds of it, and so does `interpboard-library`, the package without command line and report.
 */
export { InterpboardError, MalformedError, UnavailableError, UserError } from '../errors.ts';
export { type Hook, type HookLike, hookName, type Site } from '../hook.ts';
export type { DownloadProgress } from '../hub/download.ts';
export type { Device } from '../onnx/devices.ts';
export type { LoadOptions } from '../sae/checkpoints/adapter.ts';
export { detectFormat } from '../sae/checkpoints/detect.ts';
export { loadSae, openSaeFile } from '../sae/checkpoints/load.ts';
export type { LoadedSae, SaeDetails, SaeFile, SaeFormat } from '../sae/checkpoints/loaded.ts';
export { type ReleaseDetails, writeRelease } from '../sae/checkpoints/reference-release.ts';
export { type SaeLensMetadata, writeSaeLens } from '../sae/checkpoints/sae-lens-export.ts';
export { type ConventionFit, type SelfTest, selfTest } from '../sae/checkpoints/self-test.ts';
export { type OpenSae, type OpenSaeOptions, openSae, type Reconstruction } from '../sae/open-sae.ts';
export type { SaePlace } from '../sae/published/place.ts';
export type { RegistryEntry, RegistryFilter } from '../sae/published/registry.ts';
export type { Architecture, Latents, Normalisation, Sae } from '../sae/sae.ts';
export { type LatentSlice, type StoredSae, storedSha256 } from '../sae/stored-sae.ts';
export type { OwnSuite, SuiteFile, SuiteKit } from '../suites/kit.ts';
export type { ScoredSae, SuiteContext, SuiteResult, SuiteRun } from '../suites/suite.ts';
export { type GetOptions, type GotSae, getSae, searchSaes } from './get-sae.ts';
export {
  type ContextOptions,
  type ContextsOfLatent,
  type EffectsOfLatent,
  type EncodedText,
  encodeText,
  logitEffects,
  nearestLatents,
  type TextContext,
  type TokenEffect,
  topContexts,
} from './latents.ts';
export { type Activations, type ModelOptions, openModel, type TextModel } from './open-model.ts';
