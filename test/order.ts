/** Which files are tested first: those that take longest, so that no worker is left alone with one of them at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds of a whole file of each project are minutes, tens of seconds, seconds. */
const projects = ['e2e', 'wiring', 'gpu', 'unit'];

export class LongestFirst extends BaseSequencer {
  /** By project; within one as vitest has it: by what a file took the last time, or by its size. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ project }: TestSpecification): number => projects.indexOf(project.name);
    return sorted.toSorted((a, b) => place(a) - place(b));
  }
}
