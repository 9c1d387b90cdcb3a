/** A template that cannot be read, or that fails on what it is given. */
export class TemplateError extends Error {}

/** Something that Jinja2 knows and this reader does not: said by its name, never passed over. */
export function unsupported(what: string): TemplateError {
  return new TemplateError(`${what}, which is not supported here`);
}
