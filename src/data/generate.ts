/** Making Sudoku: full grids, sets of them kept apart, and puzzles with exactly one solution dug out of them. Seeded. */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import { canonicalForm } from './canonical.js'
import type { Geometry, Grid, Puzzle } from './grid.js'
import type { Random } from './random.js'
import { solve } from './solver.js'

/** A random full grid. */
export const randomGrid = (geometry: Geometry, random: Random): Grid =>
  solve(geometry, new Array<number>(geometry.side ** 2).fill(0), 1, random.shuffle).first!

export interface SplitGrids {
  readonly train: readonly Grid[]
  readonly test: readonly Grid[]
}

/**
 * Distinct solution grids for training and test, such that no test grid is a training grid in disguise:
 *
 * - 9×9: every test grid is of a class of its own, which no training grid is of.
 * - 6×6 has 49 classes only: a share of them, at least one, is kept for the test, and several test grids may be of one.
 * - 4×4 has 288 grids in 2 classes, so that keeping classes apart is impossible: the grids themselves are kept apart, but
 *   every test grid is a training grid in disguise. Say so wherever a 4×4 score is shown.
 */
export const splitGrids = (
  geometry: Geometry,
  counts: { readonly train: number; readonly test: number },
  random: Random,
): E.Either<Problem, SplitGrids> => {
  const total = counts.train + counts.test
  const grids = GRIDS[geometry.side]!
  const testClasses =
    geometry.side === 6 ? Math.max(1, Math.min(48, Math.round((49 * counts.test) / total))) : counts.test
  const kept = new Set<string>()
  const seen = new Set<string>()
  const train: Grid[] = []
  const test: Grid[] = []
  // Few grids may be in the classes kept: the bound makes an end sure. 288 grids take some 1800 draws.
  for (let draws = 0; total <= grids && draws < 20_000 + 100 * total; draws++) {
    if (test.length === counts.test && train.length === counts.train) return E.right({ train, test })
    const grid = randomGrid(geometry, random)
    const key = grid.join('')
    if (seen.has(key)) continue
    const identity = identityOf(geometry, grid)
    const isNew = !kept.has(identity)
    if (isNew && kept.size < testClasses) kept.add(identity)
    if (kept.has(identity)) {
      if (test.length === counts.test || (geometry.side !== 6 && !isNew)) continue
      test.push(grid)
    } else if (train.length < counts.train) train.push(grid)
    else continue
    seen.add(key)
  }
  return E.left(
    problem(
      total > grids
        ? `there are only ${grids} different grids of side ${geometry.side}, ${total} are asked for`
        : `found ${train.length} of ${counts.train} training and ${test.length} of ${counts.test} test grids of side ${geometry.side}`,
      { fix: 'lower --train-grids and --test-grids' },
    ),
  )
}

/** How many grids there are. */
const GRIDS: Readonly<Record<number, number>> = { 4: 288, 6: 28_200_960, 9: 6.67e21 }

/** What tells two solutions apart: their canonical form; for side 4 the grid itself. */
export const identityOf = (geometry: Geometry, answer: Grid): string =>
  geometry.side === 4 ? answer.join('') : canonicalForm(geometry, answer)

/** Blanks cells in random order while the solution stays unique, until `blanks` are blank or no cell can be. */
const digPuzzle = (geometry: Geometry, answer: Grid, blanks: number, random: Random): Puzzle => {
  const question = [...answer]
  let left = blanks
  for (const cell of random.permutation(answer.length)) {
    if (left === 0) break
    question[cell] = 0
    if (solve(geometry, question, 2).solutions === 1) left--
    else question[cell] = answer[cell]!
  }
  return { question, answer }
}

/**
 * So many different puzzles of one grid, each with `min` to `max` blanks. Fewer when another one cannot be found: the grid
 * may have no more, or none with so many blanks.
 */
export const digPuzzles = (
  geometry: Geometry,
  answer: Grid,
  { count, min, max }: { readonly count: number; readonly min: number; readonly max: number },
  random: Random,
): readonly Puzzle[] => {
  const found = new Map<string, Puzzle>()
  // Some orders of digging end before the wanted number of blanks, another one rarely does.
  for (let tries = 0; found.size < count && tries < 20 * count; tries++) {
    const puzzle = digPuzzle(geometry, answer, min + random.below(max - min + 1), random)
    if (puzzle.question.filter((digit) => digit === 0).length >= min) found.set(puzzle.question.join(''), puzzle)
  }
  return [...found.values()]
}
