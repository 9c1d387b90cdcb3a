/** `publish`: a finished run becomes a release repository, the report a static Space or a folder for any host. */
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { quote, UserError } from '../errors.ts';
import { openHubHere } from '../hub/here.ts';
import { type HubReference, parseReference, repositoryLabel } from '../hub/reference.ts';
import type { Hub } from '../hub/transport.ts';
import { type PlannedFile, planUpload, type UploadFile, upload } from '../hub/upload.ts';
import { filesOfRelease, recordFiles } from '../job/release/release.ts';
import { counted } from '../report/counted.ts';
import { Stopped } from '../reporter.ts';
import { inWorkFolder } from './astro.ts';
import { buildSite } from './build-site.ts';
import { finishedRunFolder, withFinishedRun } from './finished-run.ts';
import { options, words } from './options/publish.ts';
import { parseOptions, refuseIdleOptions } from './parse-options.ts';
import { projectFolder } from './paths.ts';
import { type ProgressView, progressView } from './progress.ts';
import { whenInterrupted } from './when-interrupted.ts';

/** @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions('publish', args, options, words);
  const [name] = positionals;
  if (
    positionals.length > 1 ||
    (values.to === undefined && values.records === undefined) !== (name === undefined) ||
    (!values.to && !values.site && !values.records)
  ) {
    throw new UserError({
      thing: 'arguments of publish',
      found: args.length === 0 ? 'none' : args.map(quote).join(' '),
      expected: 'a run with --to owner/name or --records datasets/owner/name, or --site, or both',
      next: 'Run npx interpboard publish --help.',
    });
  }
  const { to, site } = values;
  const space = site !== undefined && isSpace(site);
  refuseIdleOptions(values, [
    ['license', to !== undefined, '--to: it is of the model card'],
    ['private', to !== undefined || space, '--to, or --site with a Space: nothing else is made'],
    ['base', site !== undefined && !space, '--site with a folder: a Space has an address of its own'],
  ]);
  const view = progressView(process.stdout);
  const send = { dryRun: values['dry-run'] ?? false, private: values.private ?? false, view };
  try {
    if (name !== undefined) {
      const release = values.to === undefined ? null : hubTarget('--to', values.to);
      const board = values.records === undefined ? null : hubTarget('--records', values.records);
      const runFolder = finishedRunFolder(name, values.runs);
      await withFinishedRun(runFolder, async (runName) => {
        if (release !== null) {
          const card = { repo: release.repo, license: licence(values.license) };
          const files = await filesOfRelease(runFolder, runName, card);
          await deliver(release, files, values.message ?? `Release ${runName}`, send);
        }
        if (board !== null) {
          const title = values.message ?? `Records of ${runName}`;
          await deliver(board, await recordFiles(runFolder, runName), title, { ...send, pullRequest: true });
        }
      });
    }
    if (values.site !== undefined) {
      const content = projectFolder('content', values.content);
      await publishSite(values.site, { content, base: basePath(values.base), message: values.message, send });
    }
    return 0;
  } finally {
    view.end();
  }
}

function isSpace(target: string): boolean {
  return /^(hf:\/\/)?spaces\//.test(target);
}

interface Sending {
  dryRun: boolean;
  /** Into a repository of somebody else, which is not made. */
  pullRequest?: boolean;
  private: boolean;
  view: ProgressView;
}

async function publishSite(
  target: string,
  site: { content: string; base: string; message: string | undefined; send: Sending },
): Promise<void> {
  const { content, base, send } = site;
  const hub = isSpace(target) ? hubTarget('--site', target) : null;
  if (hub === null && !send.dryRun) {
    const out = resolve(target);
    await buildSite({ content, out, base, files: NOT_JEKYLL, view: send.view });
    send.view.line(`report   ${relative(process.cwd(), out) || out}, to be served under ${base}`);
    return;
  }
  await inWorkFolder(async (folder) => {
    const out = join(folder, 'site');
    await (hub === null
      ? buildSite({ content, out, base, files: NOT_JEKYLL, view: send.view })
      : buildSite({ content, out, base: '/', files: { 'README.md': spaceCard(hub) }, view: send.view }));
    const files = await filesOf(out);
    if (hub === null) listFiles(resolve(target), await planFolder(files), send.view);
    else await deliver(hub, files, site.message ?? 'Report', send);
  });
}

/** GitHub Pages would leave out folders that begin with an underscore. */
const NOT_JEKYLL = { '.nojekyll': '' };

/** What the hub reads to serve a folder of files. */
function spaceCard({ repo }: HubReference): string {
  const title = repo.slice(repo.indexOf('/') + 1);
  return [
    '---',
    `title: ${JSON.stringify(title)}`,
    'sdk: static',
    'app_file: index.html',
    'pinned: false',
    '---',
    '',
    'A report of sparse autoencoders, built by Interpboard.',
    '',
  ].join('\n');
}

async function deliver(
  reference: HubReference,
  files: readonly UploadFile[],
  title: string,
  { dryRun, private: hidden, pullRequest = false, view }: Sending,
): Promise<void> {
  const planned = await planUpload({ reference, files });
  listFiles(`${repositoryLabel(reference)}@${reference.revision}`, planned, view);
  if (dryRun) return;
  const hub = await openHubHere();
  const { url, commit } = await sendFiles(hub, { reference, planned, title, hidden, pullRequest, view });
  view.line(pullRequest ? `asked      ${url}` : `published  ${url} (${commit.slice(0, 8)})`);
}

async function sendFiles(
  hub: Hub,
  what: {
    reference: HubReference;
    planned: readonly PlannedFile[];
    title: string;
    hidden: boolean;
    pullRequest: boolean;
    view: ProgressView;
  },
): Promise<{ url: string; commit: string }> {
  const { reference, planned, title, hidden, pullRequest, view } = what;
  const abort = new AbortController();
  const uninterrupted = whenInterrupted(() => abort.abort());
  const sizes = new Map(planned.map(({ path, bytes }) => [path, bytes]));
  const total = planned.reduce((sum, { bytes }) => sum + bytes, 0);
  const fractions = new Map<string, number>();
  const began = performance.now();
  try {
    return await upload(hub, {
      reference,
      files: planned,
      title,
      ...(pullRequest ? { pullRequest } : { create: { private: hidden } }),
      signal: abort.signal,
      onProgress: ({ path, state, fraction }) => {
        if (state !== 'uploading') return;
        fractions.set(path, fraction);
        let done = 0;
        for (const [each, part] of fractions) done += part * (sizes.get(each) ?? 0);
        const seconds = (performance.now() - began) / 1000;
        const fields = { files: `${fractions.size}/${planned.length}` };
        view.show({
          stage: 'upload',
          done,
          total,
          unit: 'B',
          rate: seconds > 0.2 ? done / seconds : 0,
          fields,
        });
      },
    });
  } catch (error) {
    if (abort.signal.aborted)
      throw new Stopped(
        'stopped; the repository is as it was, and large files that arrived are not sent again',
      );
    throw error;
  } finally {
    uninterrupted();
  }
}

/** Exactly what is sent, or would be. */
function listFiles(target: string, files: readonly PlannedFile[], view: ProgressView): void {
  const width = Math.max(...files.map(({ path }) => path.length));
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes, sha256 } of files)
    view.line(`  ${path.padEnd(width)}  ${String(bytes).padStart(12)} bytes  sha256 ${sha256.slice(0, 16)}`);
  view.line(`${counted(files.length, 'file')}, ${total.toLocaleString('en')} bytes for ${target}`);
}

async function filesOf(folder: string): Promise<UploadFile[]> {
  const files: UploadFile[] = [];
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const source = join(folder, name);
    if ((await stat(source)).isFile()) files.push({ path: name.split(sep).join('/'), source });
  }
  return files;
}

/** The plan of a folder: names are its own, no repository's. */
async function planFolder(files: readonly UploadFile[]): Promise<PlannedFile[]> {
  const reference: HubReference = { kind: 'hub', type: 'space', repo: 'here', revision: 'main', path: null };
  return planUpload({ reference, files });
}

/** What kinds of repositories an option takes. */
const targets = {
  '--to': { types: ['model'], expected: 'owner/name[@branch]' },
  '--records': { types: ['dataset', 'space', 'model'], expected: 'datasets/owner/name or spaces/owner/name' },
  '--site': { types: ['space'], expected: 'spaces/owner/name[@branch], or a folder' },
} as const;

function hubTarget(option: keyof typeof targets, text: string): HubReference {
  const reference = parseReference(text.replace(/^hf:\/\//, ''), { exists: () => false, home: homedir() });
  const types: readonly HubReference['type'][] = targets[option].types;
  if (
    reference.kind === 'hub' &&
    types.includes(reference.type) &&
    reference.path === null &&
    reference.repo.includes('/')
  )
    return reference;
  throw new UserError({
    thing: option,
    found: quote(text),
    expected: targets[option].expected,
    next: 'Name the repository that is to receive the files.',
  });
}

function licence(text: string | undefined): string | undefined {
  if (text === undefined || /^[A-Za-z0-9][A-Za-z0-9.+-]{0,60}$/.test(text)) return text;
  throw new UserError({
    thing: '--license',
    found: quote(text),
    expected: 'the identifier of a licence, such as apache-2.0, mit or cc-by-4.0',
    next: 'See the list of licences in the documentation of the hub.',
  });
}

function basePath(text = '/'): string {
  const base = `/${text}/`.replace(/\/{2,}/g, '/');
  if (/^\/(?:[\w.~-]+\/)*$/.test(base)) return base === '/' ? base : base.slice(0, -1);
  throw new UserError({
    thing: '--base',
    found: quote(text),
    expected: 'a path, such as /repository',
    next: 'Give the part of the address after the host name.',
  });
}
