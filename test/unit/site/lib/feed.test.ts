import { describe, expect, it } from 'vitest';
import { publishedRecords } from '../../../../runner/report/published.ts';
import { feed, robots, sitemap } from '../../../../site/lib/feed.ts';
import { fixture, fixtures } from '../fixtures.ts';

const home = new URL('https://example.org/board/');

function at(id: string, started: string, name?: string) {
  const entry = structuredClone(fixture('small-world-l0'));
  entry.id = id;
  Object.assign(entry.provenance, { started, wall_seconds: 90 });
  if (name !== undefined) entry.sae.name = name;
  return entry;
}

describe('what other programs find the site by', () => {
  it('feed: dated results, newest first, with their values; published figures have no date', () => {
    const text = feed(
      [
        at('older', '2026-01-02T03:04:05Z'),
        at('newer', '2026-02-02T03:04:05Z', 'A <b>name</b> & "more" \u0000'),
        ...publishedRecords(),
      ],
      home,
    );
    expect([...text.matchAll(/<entry>.*?<id>([^<]*)<\/id>/gs)].map(([, id]) => id)).toEqual([
      'https://example.org/board/sae/newer/',
      'https://example.org/board/sae/older/',
    ]);
    expect(/<updated>([^<]*)</.exec(text)?.[1]).toBe('2026-02-02T03:05:35.000Z');
    expect(text).toContain('A &lt;b&gt;name&lt;/b&gt; &amp; &quot;more&quot; \uFFFD');
    expect(text).toMatch(/interpscore@0\.0\.1 0\.\d{4} \(0\.\d{4}–0\.\d{4}\)/);
    expect(text).toContain('<link rel="self" href="https://example.org/board/feed.xml"/>');
  });

  it('feed: of a site without dated results it is whole all the same', () => {
    const text = feed(publishedRecords(), home);
    expect(text).not.toContain('<entry>');
    expect(text).toContain('<updated>1970-01-01T00:00:00.000Z</updated>');
    expect(feed(fixtures, home).match(/<entry>/g)?.length).toBeGreaterThan(1);
  });

  it('sitemap and robots.txt', () => {
    expect(sitemap(['https://example.org/b/?a=1&b', 'https://example.org/a/'])).toBe(
      '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">' +
        '<url><loc>https://example.org/a/</loc></url><url><loc>https://example.org/b/?a=1&amp;b</loc></url></urlset>\n',
    );
    expect(robots(home)).toContain('Sitemap: https://example.org/board/sitemap.xml\n');
    expect(robots(null)).toBe('User-agent: *\nAllow: /\n');
  });
});
