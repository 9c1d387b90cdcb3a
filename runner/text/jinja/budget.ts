/** What rendering one conversation may take, so that a template from a repository ends, and in bounded memory. */
import { TemplateError } from './errors.ts';

/** Steps: an expression or statement is one, an item gone over too. Long conversations take about a million. */
const MAX_STEPS = 5_000_000;
/** Characters of the text, and of any string on the way to it. */
const MAX_CHARACTERS = 2 ** 26;
/** Characters of all strings that are built, one after the other. */
const MAX_BUILT = 2 ** 30;
/** Macros within macros. */
const MAX_DEPTH = 100;

export class Budget {
  readonly #maxSteps: number;
  #steps = 0;
  #built = 0;
  #depth = 0;

  constructor(maxSteps = MAX_STEPS) {
    this.#maxSteps = maxSteps;
  }

  /** @throws TemplateError when the steps are used up */
  step(count = 1): void {
    this.#steps += count;
    if (!(this.#steps <= this.#maxSteps)) throw new TemplateError(`more than ${this.#maxSteps} steps`);
  }

  /** To be called before a string of so many characters is made. */
  build(characters: number): void {
    this.#built += characters;
    if (!(characters <= MAX_CHARACTERS && this.#built <= MAX_BUILT))
      throw new TemplateError(`a string of more than ${MAX_CHARACTERS} characters, or too many of them`);
  }

  nest<T>(use: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new TemplateError(`more than ${MAX_DEPTH} macros within each other`);
    try {
      return use();
    } finally {
      this.#depth--;
    }
  }
}
