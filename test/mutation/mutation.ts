/** A small change of the program, and the tests that should notice it. */
export interface Mutation {
  file: string;
  /** Stands once in the file. */
  from: string;
  to: string;
  /** Test files that should fail. */
  tests: readonly string[];
  /** Of them the tests whose name holds this. */
  only?: string;
  /** Why no test can notice. */
  explained?: string;
}

/** Mutations of a folder of the runner. */
export const of =
  (folder: string) =>
  (file: string, from: string, to: string, tests: string | readonly string[], only?: string): Mutation => ({
    file: `runner/${folder}/${file}`,
    from,
    to,
    tests: typeof tests === 'string' ? [tests] : tests,
    ...(only === undefined ? {} : { only }),
  });
