/**
 * Sudoku datasets: from CSV files or a generator, augmented, split so that no solution grid of the test set is one of the
 * training set in disguise. (Of the 288 grids of side 4 all are two in disguise; there the grids themselves are kept
 * apart.)
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import type { Dataset } from './dataset.js'
import { digPuzzles, identityOf, splitGrids } from './generate.js'
import { type Geometry, type Grid, type Puzzle, tokensOf, vocabularyOf } from './grid.js'
import { randomOf } from './random.js'
import { collect, type DatasetSource, type Rows, singleRows } from './source.js'
import type { DatasetSplit } from './split.js'
import { disguise } from './symmetry.js'

/** Puzzles of one group are variants of each other: an epoch takes one of them. Perhaps made while being walked through. */
export type Groups = Iterable<readonly Puzzle[]> & { readonly length: number }

/** A dataset that is made while it is written. */
export const sudokuSource = (geometry: Geometry, train: Groups, test: Groups): DatasetSource => {
  const sequence = geometry.side ** 2
  const rows = (puzzles: readonly Puzzle[]): Rows =>
    singleRows(puzzles, sequence, ({ question, answer }) => ({ input: tokensOf(question), label: tokensOf(answer) }))
  return {
    vocabulary: vocabularyOf(geometry),
    sequence,
    count: train.length + test.length,
    groups: {
      *[Symbol.iterator]() {
        for (const group of train) yield { train: rows(group) }
        for (const group of test) yield { test: rows(group) }
      },
    },
  }
}

export const sudokuDataset = (geometry: Geometry, train: Groups, test: Groups): Dataset =>
  collect(sudokuSource(geometry, train, test))

export const sudokuSplit = (geometry: Geometry, groups: Groups): DatasetSplit =>
  sudokuDataset(geometry, groups, []).splits.train!

/** Every puzzle with `copies` disguises of itself; a disguise is a function of (seed, puzzle, copy) alone. */
export const augment = (geometry: Geometry, puzzles: readonly Puzzle[], copies: number, seed: number): Groups => ({
  length: puzzles.length,
  *[Symbol.iterator]() {
    for (const [i, p] of puzzles.entries())
      yield [p, ...Array.from({ length: copies }, (_, c) => disguise(geometry, p, randomOf(seed, i, c)))]
  },
})

/** Test puzzles whose solution is that of a training puzzle, in disguise or not (side 4: the same grid). */
export const leaks = (geometry: Geometry, train: readonly Puzzle[], test: readonly Puzzle[]): readonly number[] => {
  const known = new Set(train.map((p) => identityOf(geometry, p.answer)))
  return test.flatMap((p, i) => (known.has(identityOf(geometry, p.answer)) ? [i] : []))
}

export interface GeneratorSettings {
  readonly geometry: Geometry
  readonly trainGrids: number
  readonly puzzlesPerGrid: number
  readonly testGrids: number
  readonly testPuzzlesPerGrid: number
  readonly minBlanks: number
  readonly maxBlanks: number
  readonly seed: number
}

export interface GeneratedSudoku {
  readonly train: readonly (readonly Puzzle[])[]
  readonly test: readonly (readonly Puzzle[])[]
}

/** Generated puzzles, a group for every grid; grids split as `splitGrids` says. */
export const generateSudoku = (settings: GeneratorSettings): E.Either<Problem, GeneratedSudoku> => {
  const { geometry, trainGrids, testGrids, minBlanks: min, maxBlanks: max, seed } = settings
  const random = randomOf(seed)
  const grids = splitGrids(geometry, { train: trainGrids, test: testGrids }, random)
  if (E.isLeft(grids)) return grids
  const dig = (answers: readonly Grid[], count: number): E.Either<Problem, readonly (readonly Puzzle[])[]> => {
    const groups: (readonly Puzzle[])[] = []
    for (const answer of answers) {
      const group = digPuzzles(geometry, answer, { count, min, max }, random)
      if (group.length < count)
        return E.left(
          problem(`a grid gave only ${group.length} different puzzles with ${min} to ${max} blanks and one solution`, {
            where: `grids of side ${geometry.side}`,
            fix: 'lower --min-blanks or --puzzles-per-grid',
          }),
        )
      groups.push(group)
    }
    return E.right(groups)
  }
  const train = dig(grids.right.train, settings.puzzlesPerGrid)
  if (E.isLeft(train)) return train
  const test = dig(grids.right.test, settings.testPuzzlesPerGrid)
  return E.isLeft(test) ? test : E.right({ train: train.right, test: test.right })
}

/**
 * What is generated where nothing else is said: 230 grids × 40 puzzles with 40 to 60 % blanks, and 4 puzzles of each of 58
 * other grids. At side 4, what the demo trains on.
 */
export const usualGenerator = (geometry: Geometry, seed: number): GeneratorSettings => {
  const cells = geometry.side ** 2
  return {
    geometry,
    trainGrids: 230,
    puzzlesPerGrid: 40,
    testGrids: 58,
    testPuzzlesPerGrid: 4,
    minBlanks: Math.round(cells * 0.4),
    maxBlanks: Math.round(cells * 0.6),
    seed,
  }
}
