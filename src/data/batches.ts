/**
 * Batches. Training: groups in random order, one random puzzle of each, all its examples as far as the batch has room; a
 * sequence without end, a pure function of (seed, number of batches taken), so that a run resumes exactly. Evaluation:
 * in order, the last one filled up with padding. B batch, S tokens.
 */
import { randomOf } from './random.js'
import { type DatasetSplit, exampleCount, IGNORED } from './split.js'

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

const gather = (split: DatasetSplit, rows: readonly Row[], size: number): Batch => {
  const { seq_len: length, ignore_label_id: ignored, pad_id, blank_identifier_id } = split.info
  const inputs = new Int32Array(size * length).fill(pad_id)
  const labels = new Int32Array(size * length).fill(IGNORED)
  const puzzleIdentifiers = new Int32Array(size).fill(blank_identifier_id)
  rows.forEach(({ example, identifier }, row) => {
    puzzleIdentifiers[row] = identifier
    for (let i = 0; i < length; i++) {
      inputs[row * length + i] = split.inputs[example * length + i]!
      const label = split.labels[example * length + i]!
      labels[row * length + i] = label === ignored ? IGNORED : label
    }
  })
  return { inputs, labels, puzzleIdentifiers, count: rows.length }
}

/** Examples in training order, without end. */
function* trainingRows(split: DatasetSplit, size: number, seed: number): Generator<readonly Row[], never> {
  const { groupIndices, puzzleIndices, puzzleIdentifiers } = split
  let rows: Row[] = []
  for (let epoch = 0; ; epoch++) {
    const random = randomOf(seed, epoch)
    for (const group of random.permutation(groupIndices.length - 1)) {
      const first = groupIndices[group]!
      const puzzle = first + random.below(groupIndices[group + 1]! - first)
      const start = puzzleIndices[puzzle]!
      const examples = random.permutation(puzzleIndices[puzzle + 1]! - start).slice(0, size - rows.length)
      rows.push(...examples.map((e) => ({ example: start + e, identifier: puzzleIdentifiers[puzzle]! })))
      if (rows.length === size) {
        yield rows
        rows = []
      }
    }
  }
}

/** Batches for training after the first `taken` ones. */
export function* trainingBatches(split: DatasetSplit, size: number, seed: number, taken = 0): Generator<Batch, never> {
  const stream = trainingRows(split, size, seed)
  for (let i = 0; i < taken; i++) stream.next()
  while (true) yield gather(split, stream.next().value, size)
}

/** Every example once, in order; at most `limit` of them. */
export function* evaluationBatches(
  split: DatasetSplit,
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
