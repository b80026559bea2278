/**
 * A dataset as a stream: groups of puzzles, made one after the other while somebody walks through them, so that a thousand
 * copies of everything are never in memory at once. Written to a folder (`write.ts`) or collected here. S tokens.
 */
import type { Dataset, Split } from './dataset.js'
import type { DatasetInfo, DatasetSplit } from './split.js'

/** What a group has in one split. Every puzzle of it has as many examples: they are copies of each other. */
export interface Rows {
  /** Examples of each puzzle, at least one. */
  readonly each: number
  /** [puzzles · each, S] */
  readonly inputs: Uint8Array
  readonly labels: Uint8Array
}

/** A puzzle and its copies: an epoch takes one of them. */
export interface SourceGroup {
  /** Puzzle identifiers of their own; without them all are the blank one. */
  readonly names?: readonly string[]
  readonly train?: Rows
  readonly test?: Rows
}

export interface DatasetSource {
  readonly vocabulary: number
  readonly sequence: number
  /** Columns of the grids, where they are no squares. */
  readonly width?: number
  /** How many groups will come. */
  readonly count: number
  readonly groups: Iterable<SourceGroup>
}

export const splitNames: readonly Split[] = ['train', 'test']
export const BLANK = '<blank>'

/** What is known of a split after some groups: everything but its tokens. */
interface Ledger {
  examples: number
  readonly identifiers: number[]
  readonly puzzles: number[]
  readonly groups: number[]
}

export const emptyLedger = (): Ledger => ({ examples: 0, identifiers: [], puzzles: [0], groups: [0] })

/** Enters a group whose first puzzle has the identifier `first`, or where all have the blank one. */
export const enter = (ledger: Ledger, { each, inputs }: Rows, sequence: number, first: number | undefined): void => {
  const puzzles = inputs.length / (each * sequence)
  for (let p = 0; p < puzzles; p++) {
    ledger.examples += each
    ledger.identifiers.push(first === undefined ? 0 : first + p)
    ledger.puzzles.push(ledger.examples)
  }
  ledger.groups.push(ledger.puzzles.length - 1)
}

/** `dataset.json` of a split, of a dataset with so many identifiers, the blank one among them. */
export const infoOf = (
  ledger: Ledger,
  { vocabulary, sequence, width }: Pick<DatasetSource, 'vocabulary' | 'sequence' | 'width'>,
  identifiers: number,
): DatasetInfo => ({
  pad_id: 0,
  ignore_label_id: 0,
  blank_identifier_id: 0,
  vocab_size: vocabulary,
  seq_len: sequence,
  num_puzzle_identifiers: identifiers,
  total_groups: ledger.groups.length - 1,
  mean_puzzle_examples: ledger.identifiers.length === 0 ? 0 : ledger.examples / ledger.identifiers.length,
  sets: ['all'],
  ...(width !== undefined && { width }),
})

export const indicesOf = ({ identifiers, puzzles, groups }: Ledger) => ({
  puzzleIdentifiers: Int32Array.from(identifiers),
  puzzleIndices: Int32Array.from(puzzles),
  groupIndices: Int32Array.from(groups),
})

/** The whole dataset in memory. */
export const collect = (source: DatasetSource): Dataset => {
  const part = () => ({ ledger: emptyLedger(), inputs: [] as Uint8Array[], labels: [] as Uint8Array[] })
  const parts = { train: part(), test: part() }
  const identifiers = [BLANK]
  for (const group of source.groups) {
    const first = group.names && identifiers.length
    for (const name of group.names ?? []) identifiers.push(name)
    for (const split of splitNames) {
      const rows = group[split]
      if (rows === undefined) continue
      enter(parts[split].ledger, rows, source.sequence, first)
      parts[split].inputs.push(rows.inputs)
      parts[split].labels.push(rows.labels)
    }
  }
  const whole = ({ ledger, inputs, labels }: ReturnType<typeof part>): DatasetSplit => ({
    info: infoOf(ledger, source, identifiers.length),
    inputs: joined(inputs, ledger.examples * source.sequence),
    labels: joined(labels, ledger.examples * source.sequence),
    ...indicesOf(ledger),
  })
  return { splits: { train: whole(parts.train), test: whole(parts.test) }, identifiers }
}

const joined = (chunks: readonly Uint8Array[], length: number): Uint8Array => {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** Examples, one a puzzle, as rows of a group. */
export const singleRows = <A>(
  puzzles: readonly A[],
  sequence: number,
  tokensOf: (puzzle: A) => { readonly input: ArrayLike<number>; readonly label: ArrayLike<number> },
): Rows => {
  const length = puzzles.length * sequence
  const [inputs, labels] = [new Uint8Array(length), new Uint8Array(length)]
  puzzles.forEach((puzzle, i) => {
    const { input, label } = tokensOf(puzzle)
    inputs.set(input, i * sequence)
    labels.set(label, i * sequence)
  })
  return { each: 1, inputs, labels }
}
