/** What explanations are scored by. Free of zod: the browser shows them too. */

/**
 * - detection: does the latent fire in this stretch? Of stretches with and without, as many of each.
 * - fuzzing: are the marked tokens the ones that it fires on? Of stretches rightly and wrongly marked, as many of each.
 * - autointerp: which of these numbered stretches does it fire in? By SAEBench's rule.
 */
export const protocols = ['detection', 'fuzzing', 'autointerp'] as const;
export type Protocol = (typeof protocols)[number];
