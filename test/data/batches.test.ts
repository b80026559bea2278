/** Training batches against the rule of the published loader, resumed anywhere; evaluation batches with their padding. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, evaluationBatches, trainingBatches } from '../../src/data/batches.js'
import type { DatasetSplit } from '../../src/data/split.js'

/** A split whose example e has the tokens e + 1 (inputs) and e + 2 (labels), and whose puzzles have their numbers as ids. */
const splitOf = (groups: readonly (readonly number[])[], ignored: number | null = null): DatasetSplit => {
  const sums = (sizes: readonly number[]) =>
    Array.from({ length: sizes.length + 1 }, (_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0))
  const puzzles = groups.flat()
  const examples = puzzles.reduce((a, b) => a + b, 0)
  const tokens = (shift: number) => Int32Array.from({ length: examples * 2 }, (_, i) => Math.floor(i / 2) + shift)
  return {
    info: {
      pad_id: 0,
      ignore_label_id: ignored,
      blank_identifier_id: 0,
      vocab_size: examples + 2,
      seq_len: 2,
      num_puzzle_identifiers: puzzles.length + 1,
      total_groups: groups.length,
      mean_puzzle_examples: examples / puzzles.length,
      sets: ['all'],
    },
    inputs: tokens(1),
    labels: tokens(2),
    puzzleIdentifiers: Int32Array.from(puzzles, (_, i) => i + 1),
    puzzleIndices: Int32Array.from(sums(puzzles)),
    groupIndices: Int32Array.from(sums(groups.map((g) => g.length))),
  }
}

const take = (stream: Iterator<Batch>, n: number): Batch[] => Array.from({ length: n }, () => stream.next().value)
/** Numbers of the examples in a batch. */
const examplesOf = (batch: Batch) => Array.from({ length: batch.count }, (_, row) => batch.inputs[row * 2]! - 1)

/** Sizes of the puzzles of each group: one example each, or several. */
const someGroups = fc
  .constantFrom(1, 4)
  .chain((max) =>
    fc.array(fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 9 }),
  )

describe('training batches', () => {
  it('hold whole rows: the tokens, labels and identifier of one example each, none padded', () => {
    fc.assert(
      fc.property(someGroups, fc.integer({ min: 1, max: 8 }), fc.integer(), (groups, size, seed) => {
        const split = splitOf(groups)
        for (const batch of take(trainingBatches(split, size, seed), 5)) {
          expect([batch.count, batch.inputs.length, batch.labels.length]).toEqual([size, 2 * size, 2 * size])
          examplesOf(batch).forEach((example, row) => {
            const puzzle = split.puzzleIndices.findLastIndex((start) => start <= example)
            expect(batch.puzzleIdentifiers[row]).toBe(puzzle + 1)
            expect(Array.from(batch.labels.subarray(2 * row, 2 * row + 2))).toEqual([example + 2, example + 2])
          })
        }
      }),
    )
  })

  it('take every group once an epoch, in another order each time', () => {
    const split = splitOf(Array.from({ length: 12 }, () => [1]))
    const epochs = take(trainingBatches(split, 12, 1), 4).map(examplesOf)
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i))
    expect(new Set(epochs.map(String)).size).toBe(4)
  })

  it('take one puzzle of a group, every one in turn of chance, and all examples that fit', () => {
    // One group of three puzzles with three examples each.
    const batches = take(trainingBatches(splitOf([[3, 3, 3]]), 3, 1), 300).map((batch) =>
      examplesOf(batch).toSorted((a, b) => a - b),
    )
    const counts = [0, 3, 6].map(
      (start) => batches.filter((b) => String(b) === String([start, start + 1, start + 2])).length,
    )
    expect(counts.reduce((a, b) => a + b)).toBe(300)
    // 100 ± 5 standard deviations of 8.2.
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(41)
  })

  it('cut a puzzle off where the batch is full, at examples drawn by chance', () => {
    const first = take(trainingBatches(splitOf([[8]]), 3, 1), 100).map(examplesOf)
    for (const examples of first) expect(new Set(examples).size).toBe(3)
    expect(new Set(first.flat()).size).toBe(8)
  })

  it('go on after any number of batches exactly as if they had never stopped', () => {
    fc.assert(
      fc.property(someGroups, fc.integer({ min: 1, max: 8 }), fc.integer(), fc.nat(30), (groups, size, seed, taken) => {
        const split = splitOf(groups)
        const whole = take(trainingBatches(split, size, seed), taken + 3)
        expect(take(trainingBatches(split, size, seed, taken), 3)).toEqual(whole.slice(taken))
      }),
    )
  })

  it('depend on the seed', () => {
    const split = splitOf(Array.from({ length: 30 }, () => [1]))
    const [a, b] = [1, 2].map((seed) => take(trainingBatches(split, 30, seed), 1).map(examplesOf))
    expect(a).not.toEqual(b)
  })

  it('are found again quickly late in a run: 26 040 batches of the Sudoku-Extreme recipe', () => {
    const split = splitOf(Array.from({ length: 1000 }, () => [1]))
    const start = performance.now()
    expect(trainingBatches(split, 768, 1, 26_040).next().value.count).toBe(768)
    expect(performance.now() - start).toBeLessThan(1000)
  })
})

describe('evaluation batches', () => {
  it('hold every example once, in order, the last batch filled up with padding that does not count', () => {
    const split = splitOf([[2, 1], [2]])
    const [first, second, ...rest] = [...evaluationBatches(split, 3)]
    expect(rest).toEqual([])
    expect(first).toEqual({
      inputs: Int32Array.of(1, 1, 2, 2, 3, 3),
      labels: Int32Array.of(2, 2, 3, 3, 4, 4),
      puzzleIdentifiers: Int32Array.of(1, 1, 2),
      count: 3,
    })
    expect(second).toEqual({
      inputs: Int32Array.of(4, 4, 5, 5, 0, 0),
      labels: Int32Array.of(5, 5, 6, 6, -100, -100),
      puzzleIdentifiers: Int32Array.of(3, 3, 0),
      count: 2,
    })
  })

  it('end at the limit', () => {
    const counts = [...evaluationBatches(splitOf([[9]]), 4, 6)].map((batch) => batch.count)
    expect(counts).toEqual([4, 2])
  })

  it('ignore the labels that are the dataset’s ignore id, and none where it has no such id', () => {
    const labels = (ignored: number | null) => Array.from([...evaluationBatches(splitOf([[3]], ignored), 3)][0]!.labels)
    expect(labels(3)).toEqual([2, 2, -100, -100, 4, 4])
    expect(labels(null)).toEqual([2, 2, 3, 3, 4, 4])
  })
})
