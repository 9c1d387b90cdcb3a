import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { APIRoute, GetStaticPaths } from 'astro';
import sharp from 'sharp';
import { releasePicture } from '../../lib/og-picture.ts';
import { loadRecords } from '../../lib/records.ts';
import { type Release, releasesOf } from '../../lib/releases.ts';

/** Only of a site that knows its address: others could not be linked to by a whole one. */
export const getStaticPaths = (async () =>
  import.meta.env.SITE
    ? releasesOf(await loadRecords()).map((release) => ({ params: { id: release.id }, props: { release } }))
    : []) satisfies GetStaticPaths;

const folder = join(process.env.INTERPBOARD_WORK ?? '.', '.cache/og');

export const GET: APIRoute<{ release: Release }> = async ({ props }) =>
  new Response(Uint8Array.from(await png(releasePicture(props.release))), {
    headers: { 'Content-Type': 'image/png' },
  });

/** A picture that was made before is not made again. */
async function png(svg: string): Promise<Buffer> {
  const file = join(folder, `${createHash('sha256').update(svg).digest('hex')}.png`);
  const before = await readFile(file).catch(() => null);
  if (before !== null) return before;
  const made = await sharp(Buffer.from(svg)).png().toBuffer();
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.${process.pid}`, made);
  await rename(`${file}.${process.pid}`, file);
  return made;
}
