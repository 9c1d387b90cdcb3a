/** A part of a tokenizer.json that would be computed otherwise than by the Python library: refused by name. */
export class UnsupportedPart extends Error {}
