import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MalformedError } from '../errors.ts';
import { rebuildFolder } from '../io/rebuilt-folder.ts';
import { inWorkFolder, startAstro } from './astro.ts';
import type { ProgressView } from './progress.ts';

/** Lines of the builder's output kept for an error. */
const TAIL_LINES = 12;

/**
 * Builds the static site from the records in `content` beside its final place, then exchanges the folders: a reader of
 * `out` sees the old site or the new one. Of several builds at once, each works in folders of its own, and the one
 * that finishes last is seen.
 *
 * @throws MalformedError when the build fails, with the builder's last lines (a wrong record is named there)
 */
export async function buildSite(site: {
  content: string;
  out: string;
  /** Path it is served under; without it that of the environment, or /. */
  base?: string | undefined;
  /** Texts of further files, by name: they appear together with the site. */
  files?: Readonly<Record<string, string>>;
  view: ProgressView;
}): Promise<void> {
  const { content, out, base, files = {}, view } = site;
  const progress = { stage: 'site', total: 1, unit: 'site', rate: 0, fields: {} };
  view.show({ ...progress, done: 0 });
  await rebuildFolder(out, async (made) => {
    const { code, output } = await inWorkFolder((work) =>
      astroBuild(work, {
        INTERPBOARD_CONTENT: content,
        INTERPBOARD_OUT: made,
        ...(base === undefined ? {} : { INTERPBOARD_BASE: base }),
      }),
    );
    if (code === 0) {
      for (const [name, text] of Object.entries(files)) await writeFile(join(made, name), text);
      return;
    }
    throw new MalformedError({
      thing: `site build from ${content}`,
      found: output.trim().split('\n').slice(-TAIL_LINES).join(' | '),
      expected: 'records that follow runner/report/schema.ts',
      next: 'Mend or remove the record named there, then run npx interpboard build.',
    });
  });
  view.show({ ...progress, done: 1 });
}

function astroBuild(
  work: string,
  settings: Record<string, string>,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = startAstro(work, ['build'], settings, 'pipe');
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = `${output}${chunk.toString()}`.slice(-20_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
