/** Puzzles as people write them, and grids as people see them. */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { randomGrid } from '../../src/data/generate.js'
import { geometries, geometryOfSide } from '../../src/data/grid.js'
import { randomOf } from '../../src/data/random.js'
import { parsePuzzle, showGrid } from '../../src/data/show.js'
import { showProblem } from '../../src/problem.js'

const four = geometryOfSide(4)!
const grid = [1, 0, 3, 0, 3, 0, 1, 0, 0, 1, 0, 3, 4, 0, 2, 1]

describe('a puzzle', () => {
  it.each([
    ['one line with dots', '1.3.3.1..1.34.21'],
    ['one line with zeros', '1030301001034021\n'],
    ['rows with spaces', '1 . 3 .\n3 . 1 .\n. 1 . 3\n4 . 2 1'],
    [
      'ASCII boxes and underscores',
      '+-----+-----+\n| 1 _ | 3 _ |\n| 3 _ | 1 _ |\n+-----+-----+\n| _ 1 | _ 3 |\n| 4 _ | 2 1 |\n+-----+-----+',
    ],
    ['double lines', '╔═══╦═══╗\r\n║1 .║3 .║\r\n║3 .║1 .║\r\n╠═══╬═══╣\r\n║. 1║. 3║\r\n║4 .║2 1║\r\n╚═══╩═══╝'],
  ])('may be written as %s', (_, text) => {
    expect(parsePuzzle(text)).toEqual(E.right({ geometry: four, grid }))
  })

  it.each([
    ['too short', '1.3.3.1', /the puzzle has 7 cells\n.*16, 36, 81/],
    ['empty', '', /the puzzle has 0 cells/],
    ['with a letter', '1.3.3.1..1.34.2x', /cell 16 of the puzzle is 'x'\n.*1–4/],
    ['with a digit too large', '1.3.3.1..1.34.25', /cell 16 of the puzzle is '5'/],
    ['with a digit twice in a row', '1..1............', /row 1 of the puzzle has two 1s/],
    ['with a digit twice in a column', '.2...........2..', /column 2 of the puzzle has two 2s/],
    ['with a digit twice in a box', '..3....3........', /box 2 of the puzzle has two 3s/],
  ])('%s is refused', (_, text, expected) => {
    const result = parsePuzzle(text)
    expect(E.isLeft(result) && showProblem(result.left)).toMatch(expected)
  })

  it('is shown with its boxes, marked as wished', () => {
    expect(showGrid(four, grid)).toBe(
      [
        '┌─────┬─────┐',
        '│ 1 · │ 3 · │',
        '│ 3 · │ 1 · │',
        '├─────┼─────┤',
        '│ · 1 │ · 3 │',
        '│ 4 · │ 2 1 │',
        '└─────┴─────┘',
      ].join('\n'),
    )
    const marked = showGrid(four, grid, (text, cell) => (cell === 15 ? `<${text}>` : text))
    expect(marked).toContain('│ 4 · │ 2 <1> │')
  })

  it('can be read again as it is shown', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(...geometries), (seed, geometry) => {
        const random = randomOf(seed)
        const shown = randomGrid(geometry, random).map((digit) => (random.below(2) === 0 ? 0 : digit))
        expect(parsePuzzle(showGrid(geometry, shown).replaceAll('·', '.'))).toEqual(E.right({ geometry, grid: shown }))
      }),
      { numRuns: 30 },
    )
  })
})
