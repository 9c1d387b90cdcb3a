/** A cross-layer transcoder in the place of all MLPs: the losses, and each layer by itself (Ameisen et al. 2025). */
import { type CurveView, declareSuite } from '../suite.ts';
import { probedRows } from './k-sparse.ts';

/** Numbers of latents whose probes have a figure of their own. */
export const PROBED_LATENTS = [1, 2, 5, 10, 20, 50] as const;

const LAYER = { kind: 'curve', x: 'layer', xLabel: 'blocks before the MLP', scale: 'linear' } as const;
const NATS = { unit: 'nats', digits: 4, range: [0, null] } as const;

/** One statistic of each layer: of its MLP’s output, or of the latents that read there. */
function perLayer(key: string, title: string, definition: string, include: readonly number[]): CurveView {
  return {
    ...LAYER,
    key,
    title,
    lines: [{ key: 'transcoder', label: 'transcoder', column: title, definition }],
    include,
    note: '',
  };
}

function probing(k: number): CurveView {
  const definition = 'probe_acc_k@saebench';
  return {
    ...LAYER,
    key: `probing_k${k}`,
    title: `k-sparse probing accuracy, k = ${k}`,
    lines: [
      { key: 'sae', label: 'latents', column: 'Latents', definition },
      { key: 'channels', label: 'channels', column: 'Channels', definition },
      { key: 'ceiling', label: 'whole', column: 'All channels', definition },
    ],
    include: [0.5],
    note: 'Lines: latents that read at the layer, raw channels of what they read, and a probe on all of those.',
  };
}

export const crossLayer = declareSuite({
  id: 'cross-layer',
  title: 'All MLPs replaced',
  leads: true,
  about:
    'A cross-layer transcoder has latents that read at every layer and write to the MLP outputs of it and of all later ones. It stands in the place of all MLPs at once; with it in place its latents read the stream as it then is. Of each layer is shown how well its MLP’s output is rebuilt on the model left alone.',
  definitions: {
    'loss_recovered_all_mlps@v1': {
      metric: 'loss_recovered_all_mlps',
      title: 'Loss recovered with all MLPs replaced',
      short: 'loss rec. (all MLPs)',
      formula: '(L_zero − L_clt) / (L_zero − L_clean), the losses below',
      note: 'Not clipped: below 0 the transcoder is worse than no MLPs at all.',
      unit: '',
      direction: 'higher',
      digits: 4,
      range: [null, null],
    },
    'loss_all_mlps@v1': {
      metric: 'loss_all_mlps',
      title: 'Loss with all MLPs replaced',
      short: 'CE (all MLPs)',
      formula:
        'L_clt: next-token cross entropy with the transcoder’s output in the place of every MLP’s at every position',
      note: 'The latents of a layer read the stream as it is with the MLPs before it replaced. Mean over rows of the row’s mean.',
      ...NATS,
      direction: 'lower',
    },
    'loss_all_mlps_zero@v1': {
      metric: 'loss_all_mlps_zero',
      title: 'Loss with all MLP outputs set to zero',
      short: 'CE zero (all MLPs)',
      formula: 'L_zero: every MLP’s output replaced by 0 at every position',
      note: 'Mean over rows of the row’s mean.',
      ...NATS,
      direction: 'neutral',
    },
    'loss_all_mlps_mean@v1': {
      metric: 'loss_all_mlps_mean',
      title: 'Loss with all MLP outputs set to their means',
      short: 'CE mean (all MLPs)',
      formula:
        'L_mean: every MLP’s output replaced by its mean over the evaluation tokens of the model left alone',
      note: 'Mean over rows of the row’s mean.',
      ...NATS,
      direction: 'neutral',
    },
  },
  views: [
    {
      kind: 'measures',
      title: 'Losses with all MLPs replaced',
      ids: [
        'loss_recovered_all_mlps@v1',
        'loss_all_mlps@v1',
        'loss_clean@v1',
        'loss_all_mlps_zero@v1',
        'loss_all_mlps_mean@v1',
      ],
    },
    perLayer('var_exp', 'Variance explained of the MLP output', 'var_exp@pooled-v1', [0, 1]),
    perLayer('l0', 'L0: active latents per token', 'l0@v1', [0]),
    perLayer('alive', 'Alive latents', 'alive@v1', [0, 1]),
    ...PROBED_LATENTS.map(probing),
    { kind: 'table', key: 'data_sets', title: 'Data sets probed', row: 'Data set', columns: probedRows },
  ],
});
