/** A crosscoder at its places: reconstruction and losses at each, and of which place its latents are (Lindsey et al. 2024). */
import { declareSuite } from '../suite.ts';

/**
 * Relative norms ‖second‖ / (‖first‖ + ‖second‖) up to which a latent is of the first place alone, between which it is shared, and
 * from which it is of the second alone: the bounds of Minder et al. 2025 (arXiv 2504.02922).
 */
export const FIRST_UP_TO = 0.1;
export const SHARED = [0.4, 0.6] as const;
export const SECOND_FROM = 0.9;

const SHARE = { unit: '', digits: 4, range: [0, 1], direction: 'neutral' } as const;
const OF_DECODER =
  'r = ‖W_dec at the second place‖ / (‖at the first‖ + ‖at the second‖) of scaled activations. It follows from the decoder alone: no token decides it.';

export const crosscoder = declareSuite({
  id: 'crosscoder',
  title: 'Places of the crosscoder',
  leads: true,
  about:
    'A crosscoder has one code of the activations at several places: the same hook of two models, or several hooks of one. Its latents are those of the models left alone, at all places; then each place’s activations by themselves are replaced by what the code stands for there.',
  definitions: {
    'loss_recovered_places@v1': {
      metric: 'loss_recovered_places',
      title: 'Loss recovered, mean over places',
      short: 'loss rec. (places)',
      formula:
        'mean over places of loss_recovered@pooled-v1, of the place’s model with its activations there replaced',
      note: 'Not clipped. Each place’s reconstruction is of the code of all places.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, null],
    },
    'latents_first_only@v1': {
      metric: 'latents_first_only',
      title: 'Latents of the first place alone',
      short: 'first alone',
      formula: `share of latents with a decoder whose r ≤ ${FIRST_UP_TO}`,
      note: OF_DECODER,
      ...SHARE,
    },
    'latents_shared@v1': {
      metric: 'latents_shared',
      title: 'Shared latents',
      short: 'shared',
      formula: `share of latents with a decoder whose r is ${SHARED[0]} to ${SHARED[1]}`,
      note: OF_DECODER,
      ...SHARE,
    },
    'latents_second_only@v1': {
      metric: 'latents_second_only',
      title: 'Latents of the second place alone',
      short: 'second alone',
      formula: `share of latents with a decoder whose r ≥ ${SECOND_FROM}`,
      note: OF_DECODER,
      ...SHARE,
    },
    'decoder_share@v1': {
      metric: 'decoder_share',
      title: 'Share of the decoders’ length',
      short: 'share of length',
      formula: 'mean over latents with a decoder of ‖W_dec at the place‖ / Σ over places of ‖W_dec there‖',
      note: 'Of scaled activations. It follows from the decoder alone.',
      ...SHARE,
    },
  },
  views: [
    {
      kind: 'measures',
      title: 'Over all places',
      ids: [
        'loss_recovered_places@v1',
        'latents_shared@v1',
        'latents_first_only@v1',
        'latents_second_only@v1',
      ],
    },
    {
      kind: 'table',
      key: 'places',
      title: 'Each place',
      row: 'Place',
      columns: [
        { key: 'var_exp', label: 'Variance explained', definition: 'var_exp@pooled-v1', compared: true },
        {
          key: 'loss_recovered',
          label: 'Loss recovered',
          definition: 'loss_recovered@pooled-v1',
          compared: true,
        },
        { key: 'loss_sae', label: 'Loss replaced', definition: 'loss_sae@v1', compared: true },
        { key: 'loss_clean', label: 'Loss', definition: 'loss_clean@v1' },
        { key: 'loss_zero', label: 'Loss at zero', definition: 'loss_zero@v1' },
        { key: 'loss_mean', label: 'Loss at the mean', definition: 'loss_mean@v1' },
        { key: 'share', label: 'Share of decoder length', definition: 'decoder_share@v1' },
        { key: 'longest', label: 'Latents longest here' },
      ],
    },
    {
      kind: 'table',
      key: 'latents',
      title: 'Latents by the length of their decoders',
      row: 'Latents',
      columns: [
        { key: 'norms', label: 'Relative norm r' },
        { key: 'latents', label: 'Latents' },
        { key: 'alive', label: 'Of them fired' },
        { key: 'cosine', label: 'Median cosine of the two decoders' },
      ],
    },
  ],
});
