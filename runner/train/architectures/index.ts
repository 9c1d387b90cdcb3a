/** The architectures that can be trained: a new one is a file beside this one, and its name in the list. */
import type { Settings } from './architecture.ts';
import { batchtopk } from './batchtopk.ts';
import { gated } from './gated.ts';
import { jumprelu } from './jumprelu.ts';
import { matryoshka } from './matryoshka.ts';
import { relu } from './relu.ts';
import { topk } from './topk.ts';

export const architectures = [topk, batchtopk, matryoshka, jumprelu, gated, relu] as const;

type Listed = (typeof architectures)[number];
export type ArchitectureName = Listed['name'];

type Merged<U> = (U extends unknown ? (each: U) => void : never) extends (each: infer I) => void ? I : never;

/** The settings of all of them. */
export const ownSettings = Object.assign({}, ...architectures.map(({ settings }) => settings)) as Merged<
  Listed['settings']
>;

export type OwnSetting = keyof typeof ownSettings;

export const architectureNames = architectures.map(({ name }) => name) as [
  ArchitectureName,
  ...ArchitectureName[],
];

export function architectureOf(recipe: { architecture: ArchitectureName }): Listed {
  return architectures.find(({ name }) => name === recipe.architecture)!;
}

/** Whether a field of the recipe means something to an architecture. */
export function applies(setting: string, name: ArchitectureName): boolean {
  const settings: Settings = architectureOf({ architecture: name }).settings;
  return setting in settings || !(setting in ownSettings);
}
