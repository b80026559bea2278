/** The solver against known counts of grids, a search without any cleverness, and the rated lists of real puzzles. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Grid, geometries, geometryOfSide } from '../../src/data/grid.js'
import { solve } from '../../src/data/solver.js'
import { hasShared, sharedSudoku } from '../support/shared-data.js'

/** All solutions of a 4×4 question, by trying every digit in every cell in turn. */
const solutionsByTrial = (question: Grid, cell = 0): number => {
  if (cell === 16) return 1
  const [row, column] = [Math.floor(cell / 4), cell % 4]
  const clashes = (digit: number) =>
    question.some((other, at) => {
      const [r, c] = [Math.floor(at / 4), at % 4]
      const sharesBox = Math.floor(r / 2) === Math.floor(row / 2) && Math.floor(c / 2) === Math.floor(column / 2)
      return at !== cell && other === digit && (r === row || c === column || sharesBox)
    })
  const options = question[cell] === 0 ? [1, 2, 3, 4] : [question[cell]!]
  return options
    .filter((digit) => !clashes(digit))
    .reduce((sum, digit) => sum + solutionsByTrial(question.with(cell, digit), cell + 1), 0)
}

describe('the solver', () => {
  it('finds all 288 grids of side 4, and all 39 168 of side 6 under a given first row', () => {
    expect(solve(geometryOfSide(4)!, Array<number>(16).fill(0), 1000).solutions).toBe(288)
    const firstRow = [1, 2, 3, 4, 5, 6, ...Array<number>(30).fill(0)]
    expect(solve(geometryOfSide(6)!, firstRow, 100_000).solutions).toBe(28_200_960 / 720)
  })

  it('counts as many solutions of random 4×4 clues as trying everything does', () => {
    const clue = fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
    )
    fc.assert(
      fc.property(fc.array(clue, { minLength: 16, maxLength: 16 }), (question) => {
        expect(solve(geometryOfSide(4)!, question, 1000).solutions).toBe(solutionsByTrial(question))
      }),
      { numRuns: 150 },
    )
  })

  it('stops at the limit, and tries digits in the order it is told', () => {
    for (const geometry of geometries) {
      const blank = Array<number>(geometry.side ** 2).fill(0)
      expect(solve(geometry, blank, 3).solutions).toBe(3)
      expect(solve(geometry, blank, 1).first![0]).toBe(1)
      expect(solve(geometry, blank, 1, (digits) => digits.toReversed()).first![0]).toBe(geometry.side)
    }
  })

  it('finds nothing where a digit stands twice in a row', () => {
    const question = [5, 5, ...Array<number>(79).fill(0)]
    expect(solve(geometryOfSide(9)!, question)).toEqual({ solutions: 0, first: undefined, wrongGuesses: 0 })
  })

  for (const [name, seconds] of [
    ['test.csv', 3],
    ['test_rating0.csv', 1],
  ] as const)
    it.skipIf(!hasShared(`data/sudoku/${name}`))(`solves and rates every puzzle of ${name} as the list does`, () => {
      const puzzles = sharedSudoku(name)
      const start = performance.now()
      const solved = puzzles.map(({ question }) => solve(geometryOfSide(9)!, question))
      // Two cores shared with other test files: four times the time it has on its own.
      expect(performance.now() - start).toBeLessThan(4000 * seconds)
      expect(solved.map((s) => [s.solutions, s.first?.join(''), s.wrongGuesses])).toEqual(
        puzzles.map((p) => [1, p.answer.join(''), p.rating]),
      )
    })
})
