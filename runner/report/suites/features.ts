/** What latents fire on: no score, but the evidence to read them by. */
import { declareSuite } from '../suite.ts';

export const features = declareSuite({
  id: 'features',
  title: 'Latents',
  about:
    'How many latents were looked at one by one, and why these. What each fires on stands on a page of its own.',
  definitions: {},
  views: [
    {
      kind: 'table',
      key: 'chosen',
      title: 'Latents with evidence',
      row: 'Chosen as',
      columns: [{ key: 'latents', label: 'Latents' }],
    },
    {
      kind: 'table',
      key: 'ablated',
      title: 'Latents taken out of the activations',
      row: 'Drawn from',
      columns: [
        { key: 'latents', label: 'Latents' },
        { key: 'rows', label: 'Rows of text without one of them' },
      ],
    },
  ],
});
