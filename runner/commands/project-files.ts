/** What `init` writes. The workflows pin actions as this repository's own do, which a test holds them to. */

const checkout = 'actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2';
const setupNode = 'actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0';
const configurePages = 'actions/configure-pages@983d7736d9b0ae728b81ab479565c72886d7745b # v5.0.0';
const uploadPages = 'actions/upload-pages-artifact@56afc609e74202658d3ffba0e8f6dda462b719fa # v3.0.1';
const deployPages = 'actions/deploy-pages@d6db90164ac5ed86f2b6aed7e0febac5b3c0c03e # v4.0.5';

const setup = `      - uses: ${checkout}
        with:
          persist-credentials: false
      - uses: ${setupNode}
        with:
          node-version: '24'
          cache: npm
      - run: npm ci`;

const report = `# The report of content/ on GitHub Pages. The repository's settings must name "GitHub Actions" as the source of its pages.
name: Report
on:
  push:
    branches: [main]
  workflow_dispatch:
permissions:
  contents: read
concurrency:
  group: pages
  cancel-in-progress: false

jobs:
  build:
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    steps:
${setup}
      - id: pages
        uses: ${configurePages}
      - run: npx interpboard build
        env:
          INTERPBOARD_BASE: \${{ steps.pages.outputs.base_path }}/
          INTERPBOARD_SITE: \${{ steps.pages.outputs.origin }}
      - uses: ${uploadPages}
        with:
          path: dist

  deploy:
    needs: build
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      pages: write
      id-token: write
    environment:
      name: github-pages
      url: \${{ steps.deployment.outputs.page_url }}
    steps:
      - id: deployment
        uses: ${deployPages}
`;

const records = `# Records that a pull request brings are held to their format, and the report is built with them.
name: Records
on:
  pull_request:
    paths: ['content/**']
permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    steps:
${setup}
      - run: npx interpboard validate
      - run: npx interpboard build
`;

function readme(name: string): string {
  return `# ${name}

Sparse autoencoders, trained or taken from others, measured and reported by [Interpboard](https://www.npmjs.com/package/interpboard).

    npm install
    npm run eval

trains and evaluates what \`run.json\` says, on a small language model that comes along, and builds the report; \`npm run preview\` shows it.
For a model of your own, put it into \`run.json\`:

    { "name": "mine", "model": { "id": "owner/name", "reference": "owner/name" }, "layers": [4, 12] }

\`npx interpboard plan --config run.json\` says what a run takes before anything is downloaded, and \`npx interpboard eval --help\` lists all settings.

| place | what is there |
|---|---|
| \`run.json\` | settings of the run |
| \`content/\` | the records, which the report is made from: commit them |
| \`runs/\` | SAEs, logs and the state that a stopped run goes on from; not committed |
| \`dist/\` | the report; not committed |
| \`.github/workflows/report.yml\` | publishes the report on GitHub Pages at each push to \`main\` |
| \`.github/workflows/records.yml\` | checks records that a pull request brings |

Commit \`package-lock.json\` too: the workflows install what it says. To publish the report, choose "GitHub Actions" as the source under
*Settings, Pages* of the repository.
`;
}

/** Texts of the project's files, by path. @param version of this program, which the project asks for exactly */
export function projectFiles(name: string, version: string): Record<string, string> {
  const manifest = {
    name,
    private: true,
    type: 'module',
    scripts: {
      eval: 'interpboard eval --config run.json',
      build: 'interpboard build',
      preview: 'interpboard preview',
      validate: 'interpboard validate',
    },
    dependencies: { interpboard: version },
  };
  const run = { name: 'first', layers: [2, 4], sae: { architecture: 'topk', dSae: 1024, k: 32 } };
  return {
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
    'run.json': `${JSON.stringify(run, null, 2)}\n`,
    'README.md': readme(name),
    '.gitignore': 'node_modules/\nruns/\ndist/\n.cache/\n',
    // No package needs its install script, and onnxruntime's would fetch its CUDA provider, hundreds of megabytes.
    '.npmrc': 'ignore-scripts=true\n',
    // Git keeps no empty folder.
    'content/README.md': 'Records of SAEs: the report is made from them.\n',
    '.github/workflows/report.yml': report,
    '.github/workflows/records.yml': records,
  };
}
