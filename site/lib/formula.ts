/** A formula's plain text cut at its subscripts: L_zero is L with the subscript zero, loss_recovered is a name. */

export interface FormulaPart {
  text: string;
  subscript: boolean;
}

// A symbol (one letter, with its accents) or one of the few operators that carry subscripts.
const subscripted = /(?<![\p{L}\p{M}\d_])((?:\p{L}\p{M}*|mean|AUC))_([\p{L}\d]+)|(Σ)_([\p{L}\d]+)/gu;

export function formulaParts(text: string): FormulaPart[] {
  const parts: FormulaPart[] = [];
  let end = 0;
  const push = (piece: string, subscript: boolean): void => {
    if (piece !== '') parts.push({ text: piece, subscript });
  };
  for (const match of text.matchAll(subscripted)) {
    push(text.slice(end, match.index) + (match[1] ?? match[3] ?? ''), false);
    push(match[2] ?? match[4] ?? '', true);
    end = match.index + match[0].length;
  }
  push(text.slice(end), false);
  return parts;
}
