/** Probe sets out of data files, sampled as a suite asks for them. */
import { MalformedError, quote } from '../errors.ts';
import { describeFiles, type FindDataFiles } from '../io/data-files.ts';
import { type Random, random, shuffle } from '../math/random.ts';
import { fieldOf } from './extract.ts';
import { fileRows } from './file-source.ts';
import { documentHash } from './holdout.ts';
import type { ProbeDeclaration } from './probe-declaration.ts';
import { checkClasses, type ProbeDemand, type ProbeRow, type ProbeSet } from './probe-sets.ts';
import { START } from './source.ts';

type Split = ProbeDeclaration['files'][number]['split'];

/** Rows read of a split at most: sets that are larger are declared with `draw: first`. */
const MAX_ROWS = 20_000_000;

/** A row with what tells its text from others. */
interface Candidate extends ProbeRow {
  hash: string;
}

/**
 * @param onRow called for every row that is read; what it throws ends the reading
 * @throws MalformedError when a part has one class only, too few rows of a class, or a label column that is not there;
 *   UserError or UnavailableError when the files cannot be had
 */
export async function fileProbeSet(
  declaration: ProbeDeclaration,
  demand: ProbeDemand,
  find: FindDataFiles,
  onRow: () => void = () => undefined,
): Promise<ProbeSet> {
  const { name, classes, attribute } = declaration;
  const reader = new Reader(declaration, find, onRow);
  const { train, test, duplicates } =
    demand.kind === 'first'
      ? { train: await firstRows(reader, demand.rows), test: [], duplicates: 0 }
      : await balanced(reader, declaration, demand);
  const strip = ({ hash: _, ...row }: Candidate): ProbeRow => row;
  return checkClasses({
    name,
    data: [...reader.references].join(', '),
    classes: classes.map((each) => each.name),
    attribute: attribute && { name: attribute.name, values: attribute.values.map((each) => each.name) },
    train: train.map(strip),
    test: test.map(strip),
    removed: { duplicates, unused: reader.unused },
  });
}

/** Rows of the files of a declaration, with labels as indices. */
class Reader {
  readonly references = new Set<string>();
  unused = 0;
  readonly #declaration: ProbeDeclaration;
  readonly #find: FindDataFiles;
  readonly #onRow: () => void;

  constructor(declaration: ProbeDeclaration, find: FindDataFiles, onRow: () => void) {
    this.#declaration = declaration;
    this.#find = find;
    this.#onRow = onRow;
  }

  /** @param wanted asked before each row of a file, by the file's number; reading it stops when it says no */
  async *rows(splits: readonly Split[], wanted: (file: number) => boolean): AsyncGenerator<Candidate> {
    const { name, files, label, attribute, classes } = this.#declaration;
    const labels = indexOf(classes);
    const attributes = indexOf(attribute?.values ?? []);
    for (const [index, file] of files.entries()) {
      if (!splits.includes(file.split)) continue;
      const found = await this.#find(file.data);
      this.references.add(describeFiles(found));
      const text = file.text ?? this.#declaration.text;
      const constant =
        file.class === undefined ? null : classes.findIndex((each) => each.name === file.class);
      if (constant === -1) {
        throw new MalformedError({
          thing: `probe set ${name}, ${found.reference}`,
          found: `class ${quote(file.class ?? '')}`,
          expected: `one of ${classes.map((each) => quote(each.name)).join(', ')}`,
          next: 'Correct the declaration.',
        });
      }
      const fields = [
        text,
        ...(constant === null ? [label] : []),
        ...(attribute === null ? [] : [attribute.field]),
      ];
      let read = 0;
      for await (const { value, place } of fileRows(found.files, START, { fields, documents: 'line' })) {
        this.#onRow();
        if (++read > MAX_ROWS || !wanted(index)) break;
        const row = this.#row(value, place, { text, constant, labels, attributes });
        if (row === null) this.unused++;
        else yield row;
      }
    }
  }

  #row(
    value: unknown,
    place: string,
    how: {
      text: string;
      constant: number | null;
      labels: ReadonlyMap<string, number>;
      attributes: ReadonlyMap<string, number>;
    },
  ): Candidate | null {
    const { label, attribute, skipCharacters, fewestCharacters } = this.#declaration;
    const found = how.constant ?? how.labels.get(key(present(value, label, place)));
    const whole = fieldOf(value, how.text);
    if (whole === undefined) throw noField(place, how.text);
    if (typeof whole !== 'string' || found === undefined) return null;
    if (whole.length <= skipCharacters + fewestCharacters || whole.trim() === '') return null;
    const text = whole.slice(skipCharacters);
    const row = { text, label: found, hash: documentHash(text) };
    if (attribute === null) return row;
    const second = how.attributes.get(key(present(value, attribute.field, place)));
    return second === undefined ? null : { ...row, attribute: second };
  }
}

async function firstRows(reader: Reader, count: number): Promise<Candidate[]> {
  const rows: Candidate[] = [];
  for await (const row of reader.rows(['train', 'both'], () => rows.length < count)) {
    rows.push(row);
    if (rows.length === count) break;
  }
  return rows;
}

/** Equal numbers of every class, and of every attribute value within it. */
async function balanced(
  reader: Reader,
  declaration: ProbeDeclaration,
  demand: Extract<ProbeDemand, { kind: 'balanced' }>,
): Promise<{ train: Candidate[]; test: Candidate[]; duplicates: number }> {
  const { name, files } = declaration;
  const cells = declaration.attribute?.values.length ?? 1;
  const [forTrain, forTest] = [demand.trainPerClass, demand.testPerClass].map((rows) =>
    Math.floor(rows / cells),
  ) as [number, number];
  if (files.some(({ split }) => split === 'both')) {
    // One pool, each text once: what is drawn from it can be divided without a text on both sides.
    const seen = new Set<string>();
    let duplicates = 0;
    const pool = await draw(
      reader,
      declaration,
      ['train', 'test', 'both'],
      forTrain + forTest,
      demand.seed,
      (row) => {
        if (seen.has(row.hash)) duplicates++;
        else if (seen.add(row.hash)) return true;
        return false;
      },
    );
    const train = pool.flatMap((cell) => cell.slice(0, forTrain));
    const test = pool.flatMap((cell) => cell.slice(forTrain));
    return { train: mixed(train, name, demand.seed), test: mixed(test, name, demand.seed), duplicates };
  }
  const train = (await draw(reader, declaration, ['train'], forTrain, demand.seed, () => true)).flat();
  const seen = new Set(train.map(({ hash }) => hash));
  let duplicates = 0;
  const test = await draw(reader, declaration, ['test'], forTest, demand.seed, (row) => {
    if (!seen.has(row.hash)) return true;
    duplicates++;
    return false;
  });
  return {
    train: mixed(train, name, demand.seed),
    test: mixed(test.flat(), name, demand.seed),
    duplicates,
  };
}

/**
 * `each` rows of every combination of class and attribute, every row of the split as likely as any other (reservoir
 * sampling, Vitter 1985), or the first ones in random order.
 */
async function draw(
  reader: Reader,
  declaration: ProbeDeclaration,
  splits: readonly Split[],
  each: number,
  seed: number,
  usable: (row: Candidate) => boolean,
): Promise<Candidate[][]> {
  const { name, classes, attribute, files, draw: order } = declaration;
  const values = attribute?.values.length ?? 1;
  const cells = Array.from({ length: classes.length * values }, (_, cell) => ({
    rows: [] as Candidate[],
    seen: 0,
    stream: random('probe rows', name, splits.join(), seed, cell),
  }));
  const full = (file: number): boolean => {
    const constant = files[file]?.class;
    const of = constant === undefined ? null : classes.findIndex((cls) => cls.name === constant);
    return cells.every(
      ({ rows }, cell) => rows.length >= each || (of !== null && Math.floor(cell / values) !== of),
    );
  };
  for await (const row of reader.rows(splits, (file) => order === 'all' || !full(file))) {
    if (!usable(row)) continue;
    put(cells[row.label * values + (row.attribute ?? 0)]!, row, each, order);
  }
  return cells.map(({ rows, stream }, cell) => {
    if (rows.length === each) return shuffle(rows, stream);
    const [cls, value] = [Math.floor(cell / values), cell % values];
    throw new MalformedError({
      thing: `probe set ${name} (${splits.join(' and ')})`,
      found: `${rows.length} rows of class ${quote(classes[cls]!.name)}${attribute ? ` and ${attribute.name} ${quote(attribute.values[value]!.name)}` : ''}`,
      expected: `${each}`,
      next: 'Ask for fewer rows per class, or leave the class out of the declaration.',
    });
  });
}

function put(
  cell: { rows: Candidate[]; seen: number; stream: Random },
  row: Candidate,
  size: number,
  order: ProbeDeclaration['draw'],
): void {
  cell.seen++;
  if (cell.rows.length < size) {
    cell.rows.push(row);
  } else if (order === 'all') {
    const at = cell.stream.integer(cell.seen);
    if (at < size) cell.rows[at] = row;
  }
}

function mixed(rows: Candidate[], name: string, seed: number): Candidate[] {
  return shuffle([...rows], random('probe order', name, seed));
}

function indexOf(values: readonly { value: string | number | boolean }[]): ReadonlyMap<string, number> {
  return new Map(values.map(({ value }, index) => [key(value), index]));
}

/** Labels compare as text: parquet's integers are BigInt, and 1.0 in one file is 1 in another. */
function key(value: unknown): string {
  return String(value);
}

function present(row: unknown, name: string, place: string): unknown {
  const value = fieldOf(row, name);
  if (value === undefined) throw noField(place, name);
  return value;
}

function noField(place: string, name: string): MalformedError {
  return new MalformedError({
    thing: place,
    found: `no field ${quote(name)}`,
    expected: 'every row with its text and labels',
    next: 'Correct the fields that the declaration of the probe set names.',
  });
}
