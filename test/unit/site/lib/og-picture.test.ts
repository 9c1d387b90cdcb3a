import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { PICTURE, releasePicture } from '../../../../site/lib/og-picture.ts';
import { releasesOf } from '../../../../site/lib/releases.ts';

const release = releasesOf(publishedRecords()).find(({ id }) => id.includes('papergrade'))!;

describe('the picture of a release', () => {
  it('says its name, its headline and its metrics by layer, and becomes a PNG of the usual size', async () => {
    const svg = releasePicture(release);
    for (const words of ['qwen36-27b-sae-papergrade', '0.7507–0.7788', 'layers 11, 31, 55', 'by layer'])
      expect(svg).toContain(words);
    const { data, info } = await sharp(Buffer.from(svg)).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: PICTURE.width, height: PICTURE.height });
    // Something is drawn on either half.
    const colours = (from: number, to: number): number => {
      const found = new Set<number>();
      for (let y = 330; y < 600; y += 3)
        for (let x = from; x < to; x += 3)
          found.add(data.readUIntBE((y * info.width + x) * info.channels, 3));
      return found.size;
    };
    expect(colours(0, 600)).toBeGreaterThan(1);
    expect(colours(600, 1_200)).toBeGreaterThan(1);
  });

  it('shows foreign names as text and keeps them inside', () => {
    const long = { ...release, title: `<b>"x"&${'y'.repeat(200)}` };
    const svg = releasePicture(long);
    expect(svg).toContain('&lt;b&gt;&quot;x&quot;&amp;');
    expect(svg).not.toContain('<b>');
    expect(svg).not.toContain('y'.repeat(60));
  });
});
