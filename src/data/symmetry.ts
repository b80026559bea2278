/**
 * The symmetries of Sudoku: relabelling digits, permuting bands, rows within bands, stacks, columns within stacks, and
 * transposing where boxes are square. Used to multiply training puzzles: the augmentation of the published builder,
 *
 *     new[i][j] = digits[x[rows[i]][columns[j]]],  x transposed beforehand if `transpose`
 */
import type { Geometry, Grid, Puzzle } from './grid.js'
import type { Random } from './random.js'

export interface Symmetry {
  /** `digits[d]` replaces d; blanks stay. */
  readonly digits: readonly number[]
  /** Before the lines are permuted. */
  readonly transpose: boolean
  /** New row i is old row `rows[i]`. */
  readonly rows: readonly number[]
  readonly columns: readonly number[]
}

export const applySymmetry = ({ side }: Geometry, s: Symmetry, grid: Grid): Grid => {
  const { digits, rows, columns } = s
  const [down, right] = s.transpose ? [1, side] : [side, 1]
  const out = new Array<number>(grid.length)
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++) out[i * side + j] = digits[grid[rows[i]! * down + columns[j]! * right]!]!
  return out
}

/** Lines permuted within groups of `size`, and the groups among each other. */
const lines = (side: number, size: number, random: Random): readonly number[] =>
  random.permutation(side / size).flatMap((group) => random.permutation(size).map((line) => group * size + line))

export const randomSymmetry = ({ side, boxRows, boxColumns }: Geometry, random: Random): Symmetry => ({
  digits: [0, ...random.permutation(side).map((d) => d + 1)],
  transpose: boxRows === boxColumns && random.below(2) === 1,
  rows: lines(side, boxRows, random),
  columns: lines(side, boxColumns, random),
})

/** The same puzzle in disguise. */
export const disguise = (geometry: Geometry, puzzle: Puzzle, random: Random): Puzzle => {
  const s = randomSymmetry(geometry, random)
  return { question: applySymmetry(geometry, s, puzzle.question), answer: applySymmetry(geometry, s, puzzle.answer) }
}
