/** Disguises against those drawn by the published builder; canonical forms against the whole group and known numbers of classes. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalForm } from '../../src/data/canonical.js'
import { randomGrid } from '../../src/data/generate.js'
import { type Grid, geometries, geometryOfSide, isSolution } from '../../src/data/grid.js'
import { randomOf } from '../../src/data/random.js'
import { solve } from '../../src/data/solver.js'
import { applySymmetry, disguise, randomSymmetry } from '../../src/data/symmetry.js'
import { hasShared, sharedFile, sharedSudoku } from '../support/shared-data.js'

const nine = geometryOfSide(9)!
const four = geometryOfSide(4)!
const six = geometryOfSide(6)!

interface OracleSymmetries {
  readonly board: readonly Grid[]
  readonly solution: readonly Grid[]
  readonly cases: readonly {
    readonly numpy_seed: number
    readonly digit_perm: readonly number[]
    readonly transpose: boolean
    readonly bands: readonly number[]
    readonly rows_in_band: readonly (readonly number[])[]
    readonly stacks: readonly number[]
    readonly cols_in_stack: readonly (readonly number[])[]
    readonly board: readonly Grid[]
    readonly solution: readonly Grid[]
  }[]
}

describe('a disguise', () => {
  const path = 'oracle-transforms/sudoku_shuffle.json'
  it.skipIf(!hasShared(path))('is what the published builder makes of the same draws', () => {
    const oracle = JSON.parse(readFileSync(sharedFile(path), 'utf8')) as OracleSymmetries
    expect(oracle.cases.length).toBeGreaterThan(0)
    for (const c of oracle.cases) {
      const symmetry = {
        digits: [0, ...c.digit_perm],
        transpose: c.transpose,
        rows: c.bands.flatMap((band, n) => c.rows_in_band[n]!.map((row) => band * 3 + row)),
        columns: c.stacks.flatMap((stack, n) => c.cols_in_stack[n]!.map((column) => stack * 3 + column)),
      }
      const where = `numpy seed ${c.numpy_seed}`
      expect(applySymmetry(nine, symmetry, oracle.board.flat()), where).toEqual(c.board.flat())
      expect(applySymmetry(nine, symmetry, oracle.solution.flat()), where).toEqual(c.solution.flat())
    }
  })

  it('keeps solutions solutions and unique puzzles unique', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(...geometries), (seed, geometry) => {
        const random = randomOf(seed)
        const answer = randomGrid(geometry, random)
        const question = answer.map((digit) => (random.below(3) === 0 ? 0 : digit))
        const other = disguise(geometry, { question, answer }, random)
        expect(isSolution(geometry, other.answer)).toBe(true)
        expect(other.question.every((digit, cell) => digit === 0 || digit === other.answer[cell])).toBe(true)
        expect(solve(geometry, other.question, 4).solutions).toBe(solve(geometry, question, 4).solutions)
      }),
      { numRuns: 60 },
    )
  })

  it('is drawn from the whole group: every position and label comes up, and half are transposed where boxes are square', () => {
    const draws = Array.from({ length: 600 }, (_, i) => randomSymmetry(nine, randomOf(7, i)))
    for (let line = 0; line < 9; line++) {
      expect(new Set(draws.map((s) => s.rows[line])).size).toBe(9)
      expect(new Set(draws.map((s) => s.columns[line])).size).toBe(9)
      expect(new Set(draws.map((s) => s.digits[line + 1])).size).toBe(9)
    }
    const transposed = draws.filter((s) => s.transpose).length
    // 300 ± 5 standard deviations of 12.2.
    expect(Math.abs(transposed - 300)).toBeLessThan(61)
    expect(Array.from({ length: 50 }, (_, i) => randomSymmetry(six, randomOf(i)).transpose)).not.toContain(true)
  })
})

describe('the canonical form', () => {
  it('is the same for every disguise of a grid, is one of them, and is its own form', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(...geometries), (seed, geometry) => {
        const random = randomOf(seed)
        const grid = randomGrid(geometry, random)
        const form = canonicalForm(geometry, grid)
        expect(canonicalForm(geometry, applySymmetry(geometry, randomSymmetry(geometry, random), grid))).toBe(form)
        const asGrid = Array.from(form, Number)
        expect(isSolution(geometry, asGrid)).toBe(true)
        expect(canonicalForm(geometry, asGrid)).toBe(form)
      }),
      { numRuns: 60 },
    )
  })

  it('is the least of a grid’s disguises: none of 3000 random ones of side 4 is smaller, and one is it', () => {
    const grid = randomGrid(four, randomOf(3))
    const random = randomOf(4)
    const disguises = Array.from({ length: 3000 }, () =>
      applySymmetry(four, randomSymmetry(four, random), grid).join(''),
    )
    expect(disguises.sort()[0]).toBe(canonicalForm(four, grid))
  })

  it('sorts the 288 grids of side 4 into 2 classes, and those of side 6 into 49', () => {
    const grids = (geometry: typeof four, start: Grid) => {
      const found = new Set<string>()
      const visit = (question: Grid): void => {
        const { solutions, first } = solve(geometry, question, 2)
        if (solutions === 0) return
        if (solutions === 1) found.add(canonicalForm(geometry, first!))
        const cell = question.indexOf(0)
        if (solutions > 1) for (let digit = 1; digit <= geometry.side; digit++) visit(question.with(cell, digit))
      }
      visit(start)
      return found.size
    }
    expect(grids(four, Array<number>(16).fill(0))).toBe(2)
    expect(grids(six, [1, 2, 3, 4, 5, 6, ...Array<number>(30).fill(0)])).toBe(49)
  })

  it.skipIf(!hasShared('data/sudoku/test.csv'))(
    'finds no test solution among the training solutions of the real lists',
    () => {
      const forms = (name: string, count: number) =>
        sharedSudoku(name)
          .slice(0, count)
          .map(({ answer }) => canonicalForm(nine, answer))
      const train = new Set(forms('extreme_train_1000.csv', 400))
      expect(forms('test.csv', 400).filter((form) => train.has(form))).toEqual([])
    },
  )
})
