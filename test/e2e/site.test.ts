/** The built site's files, and what a build makes of content of a wrong shape. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSite } from './build-site.ts';
import { root } from './program.ts';
import { base, fixtures, type ServedSite, serveSite } from './served-site.ts';
import { budgets, scriptBytes } from './site-bytes.ts';

let site: ServedSite;
beforeAll(async () => {
  site = await serveSite();
});
afterAll(() => site?.close());

async function builtPages(): Promise<{ file: string; html: string }[]> {
  const files = await readdir(site.dist, { recursive: true });
  const pages = files.filter((file) => file.endsWith('.html'));
  return Promise.all(
    pages.map(async (file) => ({ file, html: await readFile(join(site.dist, file), 'utf8') })),
  );
}

function attributes(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map((match) =>
    (match[1] ?? '').replaceAll('&amp;', '&').replaceAll('&#38;', '&'),
  );
}

describe('built files', () => {
  it('has a page for every record and every part', async () => {
    const files = (await builtPages()).map((page) => page.file);
    expect(files.filter((file) => !file.startsWith('docs'))).toHaveLength(6 + 11 + 6 + 6 + 5);
  });

  it('has a page for every file of docs/, and the parts that the search looks through', async () => {
    const written = (await readdir(join(root, 'docs'), { recursive: true })).filter((file) =>
      file.endsWith('.md'),
    );
    const built = (await builtPages()).filter(({ file }) => file.startsWith('docs'));
    expect(built).toHaveLength(written.length);
    const sections = JSON.parse(await readFile(join(site.dist, 'docs/search.json'), 'utf8')) as {
      path: string;
    }[];
    for (const { path } of sections) {
      const [page, anchor] = path.split('#');
      const { html } = built.find(({ file }) => file.replaceAll(sep, '/') === `${page}index.html`)!;
      expect(attributes(html, 'id'), path).toContain(anchor);
    }
    expect(sections.length).toBeGreaterThan(100);
  });

  it('keeps every internal link and anchor', async () => {
    const pages = await builtPages();
    const files = new Set(await readdir(site.dist, { recursive: true }));
    const ids = new Map(pages.map((page) => [page.file, new Set(attributes(page.html, 'id'))]));
    const broken: string[] = [];
    let links = 0;
    for (const { file, html } of pages) {
      const addresses = [
        ...attributes(html, 'href'),
        ...attributes(html, 'src'),
        ...attributes(html, 'component-url'),
      ];
      for (const address of addresses) {
        if (/^https?:/.test(address)) continue;
        links++;
        const [path = '', anchor] = address.split('#');
        let target = file;
        if (path !== '') {
          const inside = (path.split('?')[0] ?? '').slice(base.length);
          target = inside === '' || inside.endsWith('/') ? `${inside}index.html` : inside;
          if (!path.startsWith(base) || !files.has(target)) broken.push(`${file}: ${address}`);
        }
        if (anchor && !ids.get(target)?.has(anchor)) broken.push(`${file}: ${address} (no such anchor)`);
      }
    }
    expect(broken).toEqual([]);
    expect(links).toBeGreaterThan(500);
  });

  it('uses every id once a page, and nothing from elsewhere', async () => {
    for (const { file, html } of await builtPages()) {
      const ids = attributes(html, 'id');
      expect(ids.length - new Set(ids).size, `${file}: repeated ids`).toBe(0);
      const sources = [...attributes(html, 'src'), ...attributes(html, 'component-url')];
      expect(sources.filter((source) => !source.startsWith(base))).toEqual([]);
      expect(html).not.toMatch(/\sstyle="|\son[a-z]+="/);
      expect(html).toContain('http-equiv="content-security-policy"');
    }
  });

  it('offers each record for download as it was written', async () => {
    const written = JSON.parse(await readFile(join(fixtures, 'small-world-l2.json'), 'utf8'));
    expect(JSON.parse(await readFile(join(site.dist, 'sae/small-world-l2.json'), 'utf8'))).toEqual(written);
  });

  it('sends no framework to pages of charts, and few bytes of scripts', async () => {
    for (const file of ['trajectories/index.html', 'sae/small-world-l4/index.html']) {
      const html = await readFile(join(site.dist, file), 'utf8');
      expect(attributes(html, 'component-url')).toEqual([]);
      expect(scriptBytes(site.dist, file, base)).toBeLessThan(budgets.pageScripts);
      // What a chart is drawn from is data, not a script.
      const inline = [...html.matchAll(/<script(?![^>]*json)[^>]*>([\s\S]*?)<\/script>/g)];
      expect(Math.max(...inline.map((match) => match[1]!.length))).toBeLessThan(2_500);
    }
  });

  it('leaves demo and external rows out of the start view', async () => {
    const html = await readFile(join(site.dist, 'index.html'), 'utf8');
    const table = html.slice(html.indexOf('<table'), html.indexOf('</table>'));
    expect(table.match(/class="badge (?:measured|published)"/g)?.length).toBeGreaterThan(40);
    expect(table).not.toMatch(/class="badge (?:demo|external)"/);
  });
});

describe('the release page of the reference release', () => {
  it('says every figure of its card', async () => {
    const html = await readFile(
      join(site.dist, 'release/caiovicentino1-qwen36-27b-sae-papergrade/index.html'),
      'utf8',
    );
    const card = JSON.parse(await readFile(join(fixtures, '../reference-card.json'), 'utf8'));
    const text = (part: string): string =>
      part
        .replace(/<script[\s\S]*?<\/script>/g, '')
        // A formula in an attribute may hold a ">".
        .replace(/<(?:"[^"]*"|[^">])*>/g, ' ')
        .replaceAll('&quot;', '"')
        .replaceAll('&#34;', '"')
        .replace(/[\s\u00a0]+/g, ' ');
    /** From a heading to the next one of its level. */
    const section = (id: string): string => (html.split(`id="${id}"`)[1] ?? '').split(/<h2/)[0] ?? '';
    /** Cells of the row that begins so. */
    const row = (part: string, name: string): string[] =>
      [...part.matchAll(/<tr[\s\S]*?<\/tr>/g)]
        .map(([found]) => found)
        .filter((found) => text(found).trimStart().startsWith(name))
        .flatMap((found) =>
          [...found.matchAll(/<td[^>]*>([\s\S]*?)<\/td>/g)].map((cell) => text(cell[1]!).trim()),
        );
    for (const words of card.title) expect(text(html)).toContain(words);
    for (const [name, values] of Object.entries(card.validation))
      expect(row(section('validation'), name), name).toEqual(values);
    for (const [name, values] of Object.entries(card.trajectory))
      expect(
        row(section('training').split('class="trajectories"')[1]!.split('</details>').at(-1)!, name),
        name,
      ).toEqual(values);
    for (const [name, values] of Object.entries<string[]>(card.dead))
      expect(
        row(section('dead'), name).map((cell) => cell.replace(/ of .*/, '')),
        name,
      ).toEqual(values);
    for (const words of card.dead_words) expect(text(section('dead'))).toContain(words);
    for (const [name, values] of Object.entries(card.interpscore))
      expect(row(section('interpscore'), name), name).toEqual(values);
    for (const words of card.interpscore_words) expect(text(section('interpscore'))).toContain(words);
    for (const [name, value] of Object.entries(card.recipe))
      expect(text(section('recipe')), name).toContain(`${name} ${value}`);
    for (const words of card.caveats) expect(text(section('caveats'))).toContain(words);
    for (const words of card.files) expect(text(section('files'))).toContain(words);
    for (const words of card.use) expect(text(html)).toContain(words);
  });
});

describe('content of a wrong shape', () => {
  it.each([
    [
      'a wrong type and an unknown field',
      'wrong.json',
      (text: string) => text.replace('"k": 32', '"k": -3, "colour": "red"'),
      /sae\.k.*>=0[\s\S]*colour/,
    ],
    [
      'a value out of its definition’s range',
      'range.json',
      (text: string) => {
        const entry = JSON.parse(text);
        entry.metrics['cosine@v1'].value = 1.7;
        return JSON.stringify(entry);
      },
      /metrics\.cosine@v1.*1\.7/,
    ],
    ['half a file', 'half.json', (text: string) => text.slice(0, 400), /half\.json failed to parse/],
  ])('fails the build by file and field: %s', async (_, name, spoil, field) => {
    const content = join(site.folder, `content-${name}`);
    await mkdir(content);
    const text = await readFile(join(fixtures, 'small-world-l0.json'), 'utf8');
    await writeFile(join(content, name), spoil(text));
    const out = join(site.folder, `out-${name}`);
    const build = await buildSite({ content, out, cache: join(site.folder, `cache-${name}`), base });
    expect(build.code).not.toBe(0);
    expect(build.output).toContain(name);
    expect(build.output).toMatch(field);
    expect(await readdir(out).catch(() => [])).toEqual([]);
  });
});
