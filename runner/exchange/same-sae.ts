/** Whether two records are about one SAE: by model, hook, sizes, architecture, k, where it comes from and its training step. */
import { quote, UserError } from '../errors.ts';
import type { EvaluationRecord } from '../report/schema.ts';

/** SAEBench's id of every SAE that no registry has. */
const CUSTOM = 'custom_sae';

type Facts = Record<string, string | number | null>;

/** What tells SAEs apart, null where nobody says it, in the order in which it is named. */
export function factsOf({ model, sae }: EvaluationRecord): Facts {
  const { origin } = sae;
  return {
    model: modelKey(model.id),
    layer: sae.layer,
    hook: sae.reads === undefined ? siteOf(sae.hook) : `${siteOf(sae.reads)} > ${siteOf(sae.hook)}`,
    architecture: sae.architecture,
    d_sae: sae.d_sae,
    k: sae.k,
    release: origin?.release ?? sae.repo,
    id: origin?.member ?? null,
    step: origin?.step ?? null,
    'tokens trained': sae.tokens_trained,
    'training settings': origin?.config_sha256 ?? null,
  };
}

/** The facts that both know and that differ. */
export function differences(a: EvaluationRecord, b: EvaluationRecord): string[] {
  const [left, right] = [factsOf(a), factsOf(b)];
  return Object.keys(left).filter(
    (fact) => left[fact] != null && right[fact] != null && left[fact] !== right[fact],
  );
}

/** How many of the facts are known. */
export function knownFacts(record: EvaluationRecord): number {
  return Object.values(factsOf(record)).filter((value) => value !== null).length;
}

/** Whether a release and an id name the same one SAE in both. */
function sameName(a: EvaluationRecord, b: EvaluationRecord): boolean {
  const [left, right] = [a.sae.origin, b.sae.origin];
  if (left == null || right == null || left.release === null || left.member === null) return false;
  if (left.member === CUSTOM || left.config_sha256 !== null) return false;
  return left.release === right.release && left.member === right.member;
}

/**
 * The record among others of the same SAE.
 *
 * @param path the file that the new record is of
 * @throws UserError when a release and id name an SAE of which the two say different things, or when what the file leaves
 *   open fits several
 */
export function sameSae<R extends EvaluationRecord>(
  record: EvaluationRecord,
  others: readonly R[],
  path: string,
): R | undefined {
  const fitting = others.filter((other) => {
    const differing = differences(record, other);
    if (differing.length === 0) return true;
    if (sameName(record, other)) {
      const [fact = ''] = differing;
      throw contradiction(path, fact, [factsOf(other)[fact], factsOf(record)[fact]], other.provenance.source);
    }
    return false;
  });
  if (fitting.length <= 1) return fitting[0];
  throw new UserError({
    thing: path,
    found: `an SAE that may be any of ${fitting.map(({ id }) => id).join(', ')}`.slice(0, 300),
    expected: 'a file that tells which',
    next: 'Give what tells them apart, such as --k or --layer.',
  });
}

/** Two sources that say different things. */
export function contradiction(
  path: string,
  fact: string,
  [first, second]: readonly [unknown, unknown],
  source: string,
): UserError {
  return new UserError({
    thing: `${path}, ${fact}`,
    found: shown(second),
    expected: `${shown(first)}, as ${source.slice(0, 200)} has it`,
    next: 'Correct the one that is wrong; --replace takes the new file’s values over those of an earlier import.',
  });
}

function shown(value: unknown): string {
  return typeof value === 'string' ? quote(value) : String(JSON.stringify(value)).slice(0, 120);
}

/** Some programs name a model without its owner. */
export function modelKey(id: string): string {
  return id.toLowerCase().replace(/^.*\//, '');
}

/** The place in a block, however a program writes it: resid_post, mlp_out, … */
function siteOf(hook: string): string {
  const text = hook.toLowerCase();
  const transformerLens = /hook_([a-z_]+)/.exec(text)?.[1];
  if (transformerLens !== undefined) return transformerLens;
  const named = /(resid_pre|resid_mid|resid_post|mlp_out|attn_out|attention_out)/.exec(text)?.[1];
  if (named !== undefined) return named.replace('attention', 'attn');
  if (/residual stream|^[\w.]*(?:layers|blocks|h)\.\d+(?:\.output)?$/.test(text)) return 'resid_post';
  return text.replace(/\d+/g, '#');
}

/** The block that a hook's name gives, where it gives one. */
export function layerInHook(hook: string): number | null {
  const found = /(?:blocks|layers|h)\.(\d+)\b|layer_(\d+)$/.exec(hook);
  return found === null ? null : Number(found[1] ?? found[2]);
}
