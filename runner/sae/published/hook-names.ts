/** Names of hooks, as programs write them. */
import { quote, UserError } from '../../errors.ts';
import { type Hook, hookName, hookOf, readHook, type Site } from '../../hook.ts';
import type { SaeDetails } from '../checkpoints/loaded.ts';
import type { SaePlace } from './place.ts';

/** What a name says. */
export interface NamedHook extends Hook {
  /**
   * Whether it is what the module gives: where a norm stands behind it, as in Gemma 2 and OLMo 2, that is not what is
   * added to the residual stream.
   */
  ofModule: boolean;
}

/** TransformerLens' names behind `blocks.N.`. Its ln2.hook_normalized is left out: what the norm gives without its weight, which is none of the sites. */
const behindBlock: Readonly<Record<string, Site>> = {
  hook_resid_pre: 'resid_pre',
  'attn.hook_z': 'attn_z',
  hook_attn_out: 'attn_out',
  hook_resid_mid: 'resid_mid',
  'mlp.hook_in': 'mlp_in',
  hook_mlp_out: 'mlp_out',
  hook_resid_post: 'resid_post',
  // Short for attn.hook_z in some releases' ids.
  hook_z: 'attn_z',
};

const lensName = /^blocks\.(\d+)\.([a-z_.0-9]+)$/;
const moduleName =
  /^(?:model\.|transformer\.|gpt_neox\.|language_model\.|decoder\.)*(?:layers|h|blocks)\.(\d+)(?:\.(.+))?$/;

/** Of transformers' modules, with whose input or output it is; that of a module named alone is its output. */
const behindLayer: readonly (readonly [pattern: RegExp, site: Site, ofModule?: true])[] = [
  [/^input$/, 'resid_pre'],
  [/^(?:output)?$/, 'resid_post'],
  [
    /^(?:self_attn\.(?:o_proj|out_proj|dense)|linear_attn\.out_proj|attn\.(?:c_proj|out_proj|attention\.out_proj)|attention\.dense)\.input$/,
    'attn_z',
  ],
  [/^(?:self_attn|attn|attention)(?:\.output)?$/, 'attn_out', true],
  [/^(?:mlp\.input|pre_feedforward_layernorm\.output)$/, 'mlp_in'],
  [/^mlp(?:\.output)?$/, 'mlp_out', true],
  [/^post_feedforward_layernorm\.output$/, 'mlp_out'],
];

/** Null where the name is of no hook that is known here, or means different things in different models. */
export function namedHook(name: string): NamedHook | null {
  const lens = lensName.exec(name);
  // As TransformerBridge calls it, before a norm that may stand behind.
  if (lens?.[2] === 'mlp.hook_out') return { layer: Number(lens[1]), site: 'mlp_out', ofModule: true };
  const site = lens && behindBlock[lens[2]!];
  if (lens && site) return { ...hookOf({ layer: Number(lens[1]), site }), ofModule: false };
  const found = moduleName.exec(name);
  const entry = found && behindLayer.find(([pattern]) => pattern.test(found[2] ?? ''));
  if (!found || !entry) return null;
  return { ...hookOf({ layer: Number(found[1]), site: entry[1] }), ofModule: entry[2] ?? false };
}

/** As TransformerLens and SAELens write it; of the MLP's input as TransformerBridge does, which has the norm's weight in it. */
export function hookPath({ layer, site }: Hook): string {
  const [name] = Object.entries(behindBlock).find(([, each]) => each === site)!;
  return `blocks.${layer}.${name}`;
}

/**
 * The place that the words of a repository, a release or a path stand for; null where they say another one than these.
 * Gemma Scope's and Llama Scope's words are those that SAELens knows; another repository's `mlp` may be either end of it.
 */
export function siteInWords(text: string): Site | null {
  const word = (words: string): boolean => new RegExp(`(^|[-_/ ])(?:${words})(?=[-_/ ]|$)`, 'i').test(text);
  if (/transcoder/i.test(text) || word('clt|lxtc|embedding')) return null;
  if (word('lxm')) return 'mlp_out';
  if (word('lxa')) return 'attn_out';
  if (!word('mlp|att|attn')) return /hook_z/.test(text) ? null : 'resid_post';
  if (!/gemma-scope/i.test(text)) return null;
  return word('mlp') ? 'mlp_out' : 'attn_z';
}

/**
 * The hook that an SAE reads: as the user says, else as its files say, else as its path does. A block that the user names
 * is of the place that these say, the residual stream where they say none. Null where nothing says it, or says one that is
 * not known here.
 */
export function saeHookIfSaid(
  { hook_name, hook_name_out }: Pick<SaeDetails, 'hook_name' | 'hook_name_out'>,
  { asked, fromPath }: SaePlace['hook'],
): NamedHook | null {
  const said =
    hook_name === null ? fromPath && { ...readHook(fromPath), ofModule: false } : namedHook(hook_name);
  if (typeof asked === 'object' && (asked.reads !== undefined || hook_name_out === undefined))
    return { ...hookOf(readHook(asked)), ofModule: false };
  const layer = typeof asked === 'object' ? asked.layer : asked;
  if (layer !== undefined) return { ofModule: false, site: 'resid_post', ...said, layer };
  return said;
}

/** @throws UserError where `saeHookIfSaid` knows none */
export function saeHook(
  name: string,
  details: Pick<SaeDetails, 'hook_name' | 'hook_name_out'>,
  given: SaePlace['hook'],
): NamedHook {
  const said = saeHookIfSaid(details, given);
  if (said !== null) return said;
  const { hook_name } = details;
  throw new UserError({
    thing: `SAE ${quote(name)}`,
    found: hook_name === null ? 'nothing that says its hook' : `the hook ${quote(hook_name)}`,
    expected: `one such as ${hookName({ layer: 4, site: 'resid_post' })} or ${hookName({ layer: 4, site: 'mlp_out' })}`,
    next: 'If you know it, append it to the name of the SAE: #hook=mlp_out:4, or #layer=4 for the residual stream after a block.',
  });
}

/**
 * The hook that a transcoder reconstructs, by the same precedence. A block that the user names is of both its hooks.
 *
 * @throws UserError where nothing says it
 */
export function transcoderTarget(
  name: string,
  { hook_name_out }: Pick<SaeDetails, 'hook_name_out'>,
  { asked, fromPath }: SaePlace['hook'],
): NamedHook {
  if (typeof asked === 'object') return { ...hookOf(asked), ofModule: false };
  const path = fromPath?.reads === undefined ? null : { ...hookOf(fromPath), ofModule: false };
  const said = hook_name_out == null ? path : namedHook(hook_name_out);
  if (said !== null) return { ...said, layer: asked ?? said.layer };
  throw new UserError({
    thing: `transcoder ${quote(name)}`,
    found:
      hook_name_out == null ? 'nothing that says what it reconstructs' : `the hook ${quote(hook_name_out)}`,
    expected: 'the hook that it reconstructs, such as mlp_out:4',
    next: 'If you know both its hooks, append them to its name, in quotes: "#hook=mlp_in:4>mlp_out:4".',
  });
}
