/** How alike the decoders of two SAEs are. Values of a pair, so that no record has them: they stand in a file of the run's own. */
import { grouped } from './definition.ts';

const rule =
  'd_j the decoder row of latent j; alive latents alone, those that fired on the run’s evaluation text. The sign counts: latents are never negative, so that a direction and its opposite stand for different things. Of an SAE with itself the latent is left out.';

export const similarityDefinitions = grouped('Similarity of decoders', {
  'decoder_twins@cosine-0.7': {
    metric: 'decoder_twins',
    title: 'Latents with a near twin',
    short: 'near twins',
    formula: '#{j of A : max_l cos(d_j, d′_l) > 0.7, l of B} / #{j of A}',
    note: `${rule} Not symmetric: of A’s latents the share that has a twin in B. Between SAEs of one hook that differ in their seed alone it is their stability. Floor: as many random directions as B has latents.`,
    unit: '',
    direction: 'neutral',
    digits: 3,
    range: [0, 1],
  },
  'decoder_mmcs@v1': {
    metric: 'decoder_mmcs',
    title: 'Mean max cosine similarity of decoders (MMCS)',
    short: 'MMCS',
    formula: 'mean over j of A of max_l cos(d_j, d′_l), l of B',
    note: `${rule} The measure of Sharkey et al. 2022, which needs no threshold. Floor: as many random directions as B has latents.`,
    unit: '',
    direction: 'neutral',
    digits: 3,
    range: [-1, 1],
  },
});

export type SimilarityId = keyof typeof similarityDefinitions;

export const similarityIds = Object.keys(similarityDefinitions) as [SimilarityId, ...SimilarityId[]];

/** A cosine above it makes a twin, by the definition that names it. */
export const TWIN_COSINE = 0.7;
