/** Datasets of puzzles with one example each and no identity of their own, as Sudoku and Maze are. */
import type { DatasetInfo, DatasetSplit } from './split.js'

export interface ExampleTokens {
  readonly input: ArrayLike<number>
  readonly label: ArrayLike<number>
}

/**
 * One puzzle an example, identifier 0; the layout of the published builders, in bytes (the builders themselves write 64-bit
 * integers). Holds one group as puzzles at a time: a million of those would take gigabytes.
 */
export const singleSplit = <A>(
  vocabulary: number,
  sequence: number,
  groups: Iterable<readonly A[]>,
  tokensOf: (puzzle: A) => ExampleTokens,
): DatasetSplit => {
  const inputs: Uint8Array[] = []
  const labels: Uint8Array[] = []
  const ends = [0]
  for (const group of groups) {
    const [input, label] = [new Uint8Array(group.length * sequence), new Uint8Array(group.length * sequence)]
    group.forEach((puzzle, i) => {
      const tokens = tokensOf(puzzle)
      input.set(tokens.input, i * sequence)
      label.set(tokens.label, i * sequence)
    })
    inputs.push(input)
    labels.push(label)
    ends.push(ends.at(-1)! + group.length)
  }
  const count = ends.at(-1)!
  const info: DatasetInfo = {
    pad_id: 0,
    ignore_label_id: 0,
    blank_identifier_id: 0,
    vocab_size: vocabulary,
    seq_len: sequence,
    num_puzzle_identifiers: 1,
    total_groups: ends.length - 1,
    mean_puzzle_examples: 1,
    sets: ['all'],
  }
  return {
    info,
    inputs: joined(inputs, count * sequence),
    labels: joined(labels, count * sequence),
    puzzleIdentifiers: new Int32Array(count),
    puzzleIndices: Int32Array.from({ length: count + 1 }, (_, i) => i),
    groupIndices: Int32Array.from(ends),
  }
}

const joined = (parts: readonly Uint8Array[], length: number): Uint8Array => {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
