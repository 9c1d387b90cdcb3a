/** What axe knows against a page as it stands. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The dark theme changes colours alone: the rules that look at them are asked again. */
const rules = { light: null, dark: ['color-contrast', 'link-in-text-block'] };

export interface Violation {
  id: string;
  /** Some of the elements, and what to do about them. */
  nodes: string[];
}

export async function violationsOf(
  page: Page,
  colorScheme: 'light' | 'dark',
): Promise<{ violations: Violation[]; passes: number }> {
  await page.evaluate(source);
  return page.evaluate(async (only) => {
    const found: AxeResults = await Reflect.get(window, 'axe').run(
      document,
      only === null ? {} : { runOnly: { type: 'rule', values: only } },
    );
    return {
      passes: found.passes.length,
      violations: found.violations.map(({ id, nodes }) => ({
        id,
        nodes: nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`),
      })),
    };
  }, rules[colorScheme]);
}
