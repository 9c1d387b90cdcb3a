import { expect, it } from 'vitest';
import { docsOrder, docsPath, sectionsOf, siteHtml, titleOf } from '../../../../site/lib/docs.ts';
import { searchSections } from '../../../../site/lib/search-sections.ts';

const text = `<!-- made -->
# Concepts

What a \`hook\` is: see [the guide](guides/gpu.md).

## Loss recovered

The share of the damage of zeroing, in *nats*.
`;

it('links between files become links between pages; what is no page keeps its words', () => {
  const ids = new Set(['README', 'intervals', 'guides/gpu']);
  const site = (path: string) => `/base/${path}`;
  const made = (href: string) => siteHtml(`<a href="${href}">words</a>`, 'guides/gpu', ids, site);
  expect(made('../intervals.md#ranks')).toBe('<a href="/base/docs/intervals/#ranks">words</a>');
  expect(made('../README.md')).toBe('<a href="/base/docs/">words</a>');
  expect(made('gpu.md')).toBe('<a href="/base/docs/guides/gpu/">words</a>');
  expect(made('../../test/fixtures/sae/README.md')).toBe('words');
  expect(made('../examples/single-latent.ts')).toBe('words');
  expect(made('https://example.org/x.md')).toBe('<a href="https://example.org/x.md">words</a>');
  expect(siteHtml('<td style="text-align: right">1</td>', 'x', ids, site)).toBe('<td class="right">1</td>');
  expect(made('#here')).toBe('<a href="#here">words</a>');
});

it('pages stand in the order of the first one, each once', () => {
  expect(docsOrder('[A](a.md) and [b](guides/b.md), [again](a.md), [out](../X)')).toEqual([
    { id: 'a', label: 'A' },
    { id: 'guides/b', label: 'B' },
  ]);
  expect(docsPath('README')).toBe('docs/');
});

it('parts of a page have their anchors and plain words', () => {
  expect(titleOf({ id: 'concepts', text })).toBe('Concepts');
  expect(sectionsOf({ id: 'concepts', text }, ['concepts', 'loss-recovered'])).toEqual([
    {
      path: 'docs/concepts/#concepts',
      page: 'Concepts',
      heading: 'Concepts',
      text: 'What a hook is: see the guide.',
    },
    {
      path: 'docs/concepts/#loss-recovered',
      page: 'Concepts',
      heading: 'Loss recovered',
      text: 'The share of the damage of zeroing, in nats.',
    },
  ]);
});

it('the search finds beginnings of words, all of them, headings first', () => {
  const sections = sectionsOf({ id: 'concepts', text }, ['concepts', 'loss-recovered']);
  const found = (query: string) => searchSections(sections, query).map(({ section }) => section.heading);
  expect(found('hook')).toEqual(['Concepts']);
  expect(found('Zero dama')).toEqual(['Loss recovered']);
  expect(found('hook zeroing')).toEqual([]);
  expect(found('ook')).toEqual([]);
  expect(found('concepts')).toEqual(['Concepts', 'Loss recovered']);
  expect(found('  ')).toEqual([]);
  // Signs of patterns are words, or nothing.
  expect(found('(h.ok)+$')).toEqual([]);
  expect(searchSections(sections, 'nats')[0]!.excerpt).toContain('in nats.');
});
