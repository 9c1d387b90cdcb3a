/** HTML and SVG as text, for pages at build and for the browser: what is put in is escaped unless it is markup itself. */

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** Nothing is written for null, undefined and false. */
export type Inserted = Markup | string | number | null | undefined | false | readonly Inserted[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return !/[&<>"']/.test(text) ? text : text.replace(/[&<>"']/g, (found) => escapes[found]!);
}

function inserted(value: Inserted): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(inserted).join('');
  return escaped(String(value));
}

/** Tag of a template: html`<b>${name}</b>`. Attributes must stand in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Inserted[]): Markup {
  return new Markup(strings.map((text, i) => text + (i < values.length ? inserted(values[i]) : '')).join(''));
}

/** JSON that may stand inside a script element: nothing in it can end the element. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
