/** Inserts `one` into a list in order of at most `most`, unless it comes after all that there is room for. */
export function keepFirst<T>(list: T[], one: T, most: number, before: (a: T, b: T) => boolean): void {
  if (list.length >= most && (most === 0 || !before(one, list[most - 1]!))) return;
  let place = list.length;
  while (place > 0 && before(one, list[place - 1]!)) place--;
  list.splice(place, 0, one);
  if (list.length > most) list.pop();
}
