import { type InterpboardError, MalformedError, UnavailableError, UserError } from '../../runner/errors.ts';
import { Stopped } from '../../runner/reporter.ts';

const complaint = { thing: 'thing', found: 'what is there', expected: 'what should be', next: 'What to do.' };

/** The classes of errors, whose exit codes come from the code. */
const classes: readonly { error: InterpboardError; what: string; next: string }[] = [
  {
    error: new UserError(complaint),
    what: 'a wrong option, preset, name or setting',
    next: 'change the command',
  },
  {
    error: new MalformedError(complaint),
    what: 'a file that is damaged, lies about itself or breaks its format',
    next: 'get the file again, or tell its author',
  },
  {
    error: new UnavailableError(complaint),
    what: 'something that cannot be had now: disk, memory, network, device, a folder that another process uses',
    next: 'run the same command again when it is there: nothing is lost',
  },
];

export function errorsPage(): string {
  const [first] = classes;
  return `
# Errors

A message is one line:

    error: ${first!.error.message}

| exit code | class | what it means | what to do |
|---|---|---|---|
| 0 | | done | |
| 1 | | a check that was asked for failed (\`verify\`, \`--overfit-one-batch\`, \`doctor\`), or a defect of the program, which says so | see the lines above it |
${classes.map(({ error, what, next }) => `| ${error.exitCode} | ${error.name} | ${what} | ${next} |`).join('\n')}
| 130 | ${Stopped.name} | stopped by Ctrl-C, with its state saved; other signals have 128 and their number | the same command goes on |

Text from files and repositories is quoted, cut to a bounded length, and shown without control characters. Tokens and passwords are never printed.
[Troubleshooting](../troubleshooting.md) goes through single messages.
`;
}
