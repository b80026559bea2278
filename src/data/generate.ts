/** Making Sudoku: full grids, and puzzles with exactly one solution dug out of them. Seeded. */
import type { Geometry, Grid, Puzzle } from './grid.js'
import type { Random } from './random.js'
import { solve } from './solver.js'

/** A random full grid. */
export const randomGrid = (geometry: Geometry, random: Random): Grid =>
  solve(geometry, new Array<number>(geometry.side ** 2).fill(0), 1, random.shuffle).first!

/** Distinct random grids; as many as there are when fewer exist (there are 288 of side 4). */
export const randomGrids = (geometry: Geometry, count: number, random: Random): readonly Grid[] => {
  const found = new Map<string, Grid>()
  const known = geometry.side === 4 ? 288 : Number.POSITIVE_INFINITY
  while (found.size < Math.min(count, known)) {
    const grid = randomGrid(geometry, random)
    found.set(grid.join(''), grid)
  }
  return [...found.values()]
}

/** Blanks cells in random order while the solution stays unique, until `blanks` are blank or no cell can be. */
export const digPuzzle = (geometry: Geometry, answer: Grid, blanks: number, random: Random): Puzzle => {
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
