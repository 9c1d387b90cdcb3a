/** package.json of the two packages, from that of the repository: one version, and of its dependencies those that are imported. */

/** What of the repository's package.json counts here. */
export interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  dependencies: Readonly<Record<string, string>>;
  optionalDependencies: Readonly<Record<string, string>>;
}

/** Where a package's source lies, as a workflow of GitHub knows it; provenance is refused without it. */
export interface Repository {
  type: 'git';
  url: string;
}

/** @returns undefined where no workflow runs */
export function repositoryOf(environment: NodeJS.ProcessEnv): Repository | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = environment;
  return server && name ? { type: 'git', url: `git+${server}/${name}.git` } : undefined;
}

/** Types lie apart: beside a module's TypeScript, which pages are made from, the compiler would read that instead. */
const entry = { types: './types/runner/library/index.d.ts', default: './runner/library/index.js' };

/** Of both: any packages named as imported stand with the exact version that is tested. */
function common(source: Manifest, repository: Repository | undefined) {
  const { version, license } = source;
  return {
    version,
    license,
    ...(repository === undefined ? {} : { repository }),
    type: 'module',
    exports: { '.': entry, './package.json': './package.json' },
    publishConfig: { access: 'public' },
  };
}

/** The command line, the report's pages, and the library with them. */
export function programManifest(source: Manifest, repository?: Repository) {
  const { name, description, dependencies, optionalDependencies } = source;
  return {
    name,
    description,
    ...common(source, repository),
    bin: { [name]: 'runner/interpboard.mjs' },
    keywords: ['sparse autoencoder', 'sae', 'interpretability', 'evaluation', 'language model'],
    // Older ones run the program on the Node that comes as an optional dependency.
    engines: { node: '>=20' },
    dependencies,
    optionalDependencies,
  };
}

/** The library alone. @param imported names of the packages that its files import */
export function libraryManifest(source: Manifest, imported: ReadonlySet<string>, repository?: Repository) {
  const dependencies = Object.fromEntries(
    Object.entries(source.dependencies).filter(([name]) => imported.has(name)),
  );
  const missing = [...imported].filter((name) => !(name in dependencies));
  if (missing.length > 0)
    throw new Error(`the library imports ${missing.join(', ')}: no dependency of package.json`);
  return {
    name: `${source.name}-library`,
    description: 'Open, run and write sparse autoencoders and language models: the library of Interpboard.',
    ...common(source, repository),
    keywords: ['sparse autoencoder', 'sae', 'interpretability', 'safetensors'],
    engines: { node: '>=22.18' },
    dependencies,
  };
}
