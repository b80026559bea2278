/** Generated and multiplied Sudoku: unique, as blank as asked for, kept apart, and the same again from the same seed. */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { canonicalForm } from '../../src/data/canonical.js'
import { type Geometry, geometryOfSide, isSolution, type Puzzle } from '../../src/data/grid.js'
import { solve } from '../../src/data/solver.js'
import {
  augment,
  type GeneratorSettings,
  generateSudoku,
  leaks,
  sudokuDataset,
  sudokuSplit,
  usualGenerator,
} from '../../src/data/sudoku.js'
import { showProblem } from '../../src/problem.js'

const geometry = (side: 4 | 6 | 9): Geometry => geometryOfSide(side)!
const blanksOf = (puzzle: Puzzle) => puzzle.question.filter((digit) => digit === 0).length

const generate = (settings: GeneratorSettings) => {
  const made = generateSudoku(settings)
  if (E.isLeft(made)) throw new Error(showProblem(made.left))
  return made.right
}

const expectProper = (settings: GeneratorSettings, puzzles: readonly Puzzle[]) => {
  for (const puzzle of puzzles) {
    expect(isSolution(settings.geometry, puzzle.answer)).toBe(true)
    expect(puzzle.question.every((digit, cell) => digit === 0 || digit === puzzle.answer[cell])).toBe(true)
    expect(solve(settings.geometry, puzzle.question).solutions).toBe(1)
    expect(blanksOf(puzzle)).toBeGreaterThanOrEqual(settings.minBlanks)
    expect(blanksOf(puzzle)).toBeLessThanOrEqual(settings.maxBlanks)
  }
}
const answersOf = (groups: readonly (readonly Puzzle[])[]) => groups.map((group) => group[0]!.answer.join(''))

describe('the puzzles of the demo', () => {
  const settings = usualGenerator(geometry(4), 5)
  const { train, test } = generate(settings)

  it('are 230 grids of 40 different puzzles, and 58 other grids of 4: all 288 there are', () => {
    expect([train.length, test.length]).toEqual([230, 58])
    expect(new Set([...answersOf(train), ...answersOf(test)]).size).toBe(288)
    for (const group of train) expect(new Set(group.map((p) => p.question.join(''))).size).toBe(40)
    for (const group of test) expect(new Set(group.map((p) => p.question.join(''))).size).toBe(4)
    expect(train.concat(test).every((group) => new Set(group.map((p) => p.answer.join(''))).size === 1)).toBe(true)
  })

  it('have one solution and 6 to 10 blanks, each number of them often', () => {
    expectProper(settings, train.concat(test).flat())
    for (const blanks of [6, 7, 8, 9, 10])
      expect(train.flat().filter((p) => blanksOf(p) === blanks).length).toBeGreaterThan(1000)
  })

  it('follow from the seed', () => {
    expect(generate(settings)).toEqual({ train, test })
    expect(answersOf(generate(usualGenerator(geometry(4), 6)).test)).not.toEqual(answersOf(test))
  })

  it('make a dataset of 9200 and 232 examples with 6 tokens in groups of one grid', () => {
    const { train: t, test: e } = sudokuDataset(geometry(4), train, test).splits
    expect([t!.inputs.length, e!.inputs.length]).toEqual([9200 * 16, 232 * 16])
    expect(t!.info).toMatchObject({ vocab_size: 6, seq_len: 16, total_groups: 230, pad_id: 0, ignore_label_id: 0 })
    expect(Array.from(t!.groupIndices.subarray(0, 3))).toEqual([0, 40, 80])
    expect(Array.from(t!.inputs.subarray(16, 32))).toEqual(train[0]![1]!.question.map((digit) => digit + 1))
    expect(Array.from(t!.labels.subarray(16, 32))).toEqual(train[0]![1]!.answer.map((digit) => digit + 1))
  })
})

describe('generated puzzles of larger grids', () => {
  const six: GeneratorSettings = {
    ...usualGenerator(geometry(6), 1),
    trainGrids: 150,
    puzzlesPerGrid: 2,
    testGrids: 30,
    testPuzzlesPerGrid: 1,
    minBlanks: 14,
    maxBlanks: 18,
  }
  const nine: GeneratorSettings = {
    ...six,
    geometry: geometry(9),
    trainGrids: 6,
    testGrids: 4,
    minBlanks: 45,
    maxBlanks: 50,
  }

  it.each([six, nine])('of side $geometry.side have no test grid that is a training grid in disguise', (settings) => {
    const { train, test } = generate(settings)
    expect([train.length, test.length]).toEqual([settings.trainGrids, settings.testGrids])
    expectProper(settings, train.concat(test).flat())
    expect(new Set([...answersOf(train), ...answersOf(test)]).size).toBe(train.length + test.length)
    const forms = (groups: typeof train) => groups.map((g) => canonicalForm(settings.geometry, g[0]!.answer))
    const known = new Set(forms(train))
    expect(forms(test).filter((form) => known.has(form))).toEqual([])
  })

  it('can be minimal: with any clue less there would be a second solution', () => {
    const { train } = generate({ ...nine, trainGrids: 2, testGrids: 1, minBlanks: 48, maxBlanks: 80 })
    const wanted = train.flat().filter((puzzle) => blanksOf(puzzle) < 64)
    expect(wanted.length).toBe(4)
    const minimal = (p: Puzzle) =>
      p.question.every((digit, cell) => digit === 0 || solve(nine.geometry, p.question.with(cell, 0)).solutions > 1)
    // What stops at a wanted number of blanks may not be minimal; numbers above 60 are never reached.
    expect(wanted.some(minimal)).toBe(true)
  })
})

describe('impossible wishes', () => {
  const message = (settings: Partial<GeneratorSettings>) => {
    const made = generateSudoku({ ...usualGenerator(geometry(4), 1), ...settings })
    return E.isLeft(made) ? showProblem(made.left) : 'no problem'
  }
  it('are refused: more grids than there are, more blanks or puzzles than a grid has', () => {
    expect(message({ trainGrids: 250 })).toMatch(
      /only 288 different grids of side 4, 308 are asked for\n.*--train-grids/,
    )
    expect(message({ minBlanks: 13, maxBlanks: 15 })).toMatch(/gave only 0 different puzzles with 13 to 15 blanks/)
    expect(message({ minBlanks: 1, maxBlanks: 1, trainGrids: 2 })).toMatch(/gave only 16 different puzzles/)
  })
})

describe('multiplied puzzles', () => {
  const { train } = generate({ ...usualGenerator(geometry(4), 2), trainGrids: 3, puzzlesPerGrid: 1, testGrids: 1 })
  const puzzles = train.flat()

  it('come first as they were, then in disguises of the same solution class, as many as asked for', () => {
    const groups = [...augment(geometry(4), puzzles, 20, 1)]
    expect(groups.map((group) => group.length)).toEqual([21, 21, 21])
    groups.forEach((group, i) => {
      expect(group[0]).toEqual(puzzles[i])
      for (const { question, answer } of group) {
        expect(canonicalForm(geometry(4), answer)).toBe(canonicalForm(geometry(4), puzzles[i]!.answer))
        expect(blanksOf({ question, answer })).toBe(blanksOf(puzzles[i]!))
        expect(solve(geometry(4), question).first).toEqual(answer)
      }
      expect(new Set(group.map((p) => p.question.join(''))).size).toBeGreaterThan(10)
    })
  })

  it('depend on seed, puzzle and copy alone: fewer copies are the first of more', () => {
    const few = [...augment(geometry(4), puzzles, 3, 1)]
    expect([...augment(geometry(4), puzzles, 9, 1)].map((group) => group.slice(0, 4))).toEqual(few)
    expect([...augment(geometry(4), puzzles, 3, 2)]).not.toEqual(few)
  })

  it('are walked through again each time they are asked for', () => {
    const groups = augment(geometry(4), puzzles, 3, 1)
    expect(sudokuSplit(geometry(4), groups)).toEqual(sudokuSplit(geometry(4), groups))
    expect(sudokuSplit(geometry(4), groups).groupIndices).toEqual(Int32Array.of(0, 4, 8, 12))
  })

  it('of 9×9 are found to leak into a test set that holds one of them', () => {
    const { train, test } = generate({
      ...usualGenerator(geometry(9), 3),
      trainGrids: 2,
      puzzlesPerGrid: 1,
      testGrids: 3,
      testPuzzlesPerGrid: 1,
      minBlanks: 30,
      maxBlanks: 40,
    })
    const [disguised] = [...augment(geometry(9), [train[1]![0]!], 1, 4)]
    const suspects = [test[0]![0]!, disguised![1]!, test[1]![0]!]
    expect(leaks(geometry(9), train.flat(), suspects)).toEqual([1])
  })
})
