/** Options of `publish`. */
import { optionLines } from '../option-lines.ts';
import { ANY_WORDS } from '../parse-options.ts';
import { everyVerb, places } from '../shared-options.ts';

export const options = {
  to: { type: 'string', help: 'repository that receives the SAEs of the run: owner/name[@branch]' },
  records: {
    type: 'string',
    help: 'repository of a board, as datasets/owner/name: a pull request with the run’s records is opened there',
  },
  site: { type: 'string', help: 'where the report goes: spaces/owner/name, or a folder' },
  base: {
    type: 'string',
    help: 'path the report is served under, such as /repository on GitHub Pages (default /)',
  },
  license: { type: 'string', help: 'licence of the SAEs for the model card, such as apache-2.0' },
  private: { type: 'boolean', help: 'a repository that is made is private' },
  message: { type: 'string', help: 'first line of the commit' },
  'dry-run': { type: 'boolean', help: 'list what would be sent, and send nothing' },
  runs: places.runs,
  content: { type: 'string', help: 'folder that holds the records of the report (default content)' },
  ...everyVerb,
} as const;

export const words = ANY_WORDS;

export function help(): string {
  const lines = optionLines(options);
  return [
    'usage: npx interpboard publish RUN --to owner/name [options]',
    '       npx interpboard publish RUN --records datasets/owner/board [options]',
    '       npx interpboard publish --site spaces/owner/name|FOLDER [options]',
    '',
    'A run becomes a repository in the layout of the reference release: SAEs, interpscore and validation files, records,',
    'and a model card written from the records. The repository is made if there is none; a token that may write is read',
    'from HF_TOKEN or from where hf auth login keeps it. With --records the run’s records alone are offered to somebody’s board,',
    'into content/measured/RUN of its repository, by a pull request. A report goes to a static Space, or into a folder that any static',
    'host serves; for GitHub Pages give that folder to actions/upload-pages-artifact.',
    '',
    'Options',
    ...lines,
  ].join('\n');
}
