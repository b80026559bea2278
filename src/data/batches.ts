/**
 * Batches. Training: groups in random order, one random puzzle of each, all its examples as far as the batch has room; a
 * sequence without end, a pure function of (seed, number of batches taken), so that a run resumes exactly. Evaluation:
 * in order, the last one filled up with padding. B batch, S tokens.
 */
import { randomOf } from './random.js'
import { type DatasetSplit, exampleCount, IGNORED, type Tokens } from './split.js'

export interface Batch {
  /** i32 [B, S] */
  readonly inputs: Int32Array
  /** i32 [B, S]; −100 where there is nothing to learn. */
  readonly labels: Int32Array
  /** i32 [B] */
  readonly puzzleIdentifiers: Int32Array
  /** Rows that are examples; the others are padding. */
  readonly count: number
}

interface Row {
  readonly example: number
  readonly identifier: number
}

const gather = (split: DatasetSplit<Tokens>, rows: readonly Row[], size: number): Batch => {
  const { seq_len: length, ignore_label_id: ignored, pad_id, blank_identifier_id } = split.info
  const inputs = new Int32Array(size * length).fill(pad_id)
  const labels = new Int32Array(size * length).fill(IGNORED)
  const puzzleIdentifiers = new Int32Array(size).fill(blank_identifier_id)
  rows.forEach(({ example, identifier }, row) => {
    puzzleIdentifiers[row] = identifier
    const [start, end] = [example * length, (example + 1) * length]
    inputs.set(split.inputs.subarray(start, end), row * length)
    const its = split.labels.subarray(start, end)
    for (let i = 0; i < length; i++) labels[row * length + i] = its[i] === ignored ? IGNORED : its[i]!
  })
  return { inputs, labels, puzzleIdentifiers, count: rows.length }
}

/** Examples in training order from the start of an epoch on, without end, for batches of `size` of which `room` are free. */
function* trainingRows(
  { groupIndices, puzzleIndices, puzzleIdentifiers }: DatasetSplit<Tokens>,
  size: number,
  seed: number,
  from: number,
  free: number,
): Generator<Row, never> {
  let room = free
  for (let epoch = from; ; epoch++) {
    const random = randomOf(seed, epoch)
    for (const group of random.permutation(groupIndices.length - 1)) {
      const first = groupIndices[group]!
      const puzzle = first + random.below(groupIndices[group + 1]! - first)
      const identifier = puzzleIdentifiers[puzzle]!
      const start = puzzleIndices[puzzle]!
      const examples = puzzleIndices[puzzle + 1]! - start
      const drawn = examples === 1 ? [0] : random.permutation(examples).slice(0, room)
      for (const example of drawn) yield { example: start + example, identifier }
      room = room === drawn.length ? size : room - drawn.length
    }
  }
}

/**
 * Batches for training after the first `taken` ones. Where every puzzle has one example, as in Sudoku and Maze, an epoch has
 * as many rows as groups, so that the epoch to go on from is known; else the rows taken are drawn again.
 */
export function* trainingBatches(
  split: DatasetSplit<Tokens>,
  size: number,
  seed: number,
  taken = 0,
): Generator<Batch, never> {
  const groups = split.groupIndices.length - 1
  const isSingle = split.puzzleIndices.every((start, i) => start === i)
  const epoch = isSingle ? Math.floor((taken * size) / groups) : 0
  const passed = epoch * groups
  const rows = trainingRows(split, size, seed, epoch, size - (passed % size))
  for (let i = passed; i < taken * size; i++) rows.next()
  while (true) {
    const batch = Array.from({ length: size }, () => rows.next().value)
    yield gather(split, batch, size)
  }
}

/** Every example once, in order; at most `limit` of them. */
export function* evaluationBatches(
  split: DatasetSplit<Tokens>,
  size: number,
  limit = Number.POSITIVE_INFINITY,
): Generator<Batch> {
  const total = Math.min(limit, exampleCount(split))
  let puzzle = 0
  for (let start = 0; start < total; start += size) {
    const rows: Row[] = []
    for (let example = start; example < Math.min(start + size, total); example++) {
      while (example >= split.puzzleIndices[puzzle + 1]!) puzzle++
      rows.push({ example, identifier: split.puzzleIdentifiers[puzzle]! })
    }
    yield gather(split, rows, size)
  }
}
