/** Generated ARC tasks: each rule is that of the published task it names, and says what a slower way to it says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type ArcGrid,
  type ArcRuleName,
  arcRuleNames,
  arcRules,
  generateArcPair,
  readArcTasks,
} from '../../src/data/index.js'
import { right } from '../support/outcomes.js'
import { hasShared, unpackShared } from '../support/shared-data.js'

const folder = mkdtempSync(join(tmpdir(), 'arc-rules-'))
afterAll(() => rmSync(folder, { recursive: true }))

const hasTasks = hasShared('data/arc/arc-agi-1.tar.gz')
if (!hasTasks) console.warn('SKIPPED: no shared ARC tasks here; rules are NOT compared with published ones')
it.skipIf(!hasTasks)('every rule answers all pairs of its published task, and no other rule does', () => {
  const path = join(unpackShared('arc/arc-agi-1', folder), 'data')
  const tasks = new Map(right(readArcTasks(path)).map((task) => [task.name, task]))
  const obeys = (rule: ArcRuleName, name: string): boolean => {
    const { train, test } = tasks.get(name)!
    return [...train, ...test].every(({ input, output }) => `${arcRules[rule].answer(input)}` === `${output}`)
  }
  for (const name of arcRuleNames)
    expect(arcRuleNames.filter((rule) => obeys(rule, arcRules[name].published))).toEqual([name])
})

const grids = (...colours: readonly number[]): fc.Arbitrary<ArcGrid> =>
  fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })).chain(([rows, columns]) => {
    const row = fc.array(fc.constantFrom(...colours), { minLength: columns, maxLength: columns })
    return fc.array(row, { minLength: rows, maxLength: rows })
  })

/** Cells made anew from themselves and their neighbours, `undefined` past the edge, until nothing changes. */
const settled = <A>(
  start: readonly (readonly A[])[],
  next: (own: A, beside: readonly (A | undefined)[]) => A,
): readonly (readonly A[])[] => {
  const then = start.map((row, r) =>
    row.map((own, c) => next(own, [start[r - 1]?.[c], start[r + 1]?.[c], row[c - 1], row[c + 1]])),
  )
  return `${then}` === `${start}` ? start : settled(then, next)
}
/** How many cells are joined to each cell of a colour; 0 for others. By labels that spread: the least place of a region. */
const sizes = (grid: ArcGrid, colour: number): readonly (readonly number[])[] => {
  const places = settled(
    grid.map((row, r) => row.map((own, c) => (own === colour ? r * row.length + c : -1))),
    (own, beside) => (own < 0 ? own : Math.min(own, ...beside.filter((one): one is number => (one ?? -1) >= 0))),
  )
  return places.map((row) => row.map((own) => (own < 0 ? 0 : places.flat().filter((place) => place === own).length)))
}
/** Cells where `isWall` is not, that one can walk to from outside of the grid. */
const outside = (grid: ArcGrid, isWall: (r: number, c: number) => boolean): readonly (readonly boolean[])[] =>
  settled<'wall' | 'in' | 'out'>(
    grid.map((row, r) => row.map((_, c) => (isWall(r, c) ? 'wall' : 'in'))),
    (own, beside) => (own === 'in' && beside.some((one) => one === undefined || one === 'out') ? 'out' : own),
  ).map((row) => row.map((cell) => cell === 'out'))

const byCell = (grid: ArcGrid, colour: (own: number, r: number, c: number) => number): ArcGrid =>
  grid.map((row, r) => row.map((own, c) => colour(own, r, c)))

/** The rules again, by other ways. */
const slowly: Readonly<
  Record<ArcRuleName, { readonly grid: fc.Arbitrary<ArcGrid>; readonly answer: (grid: ArcGrid) => ArcGrid }>
> = {
  reach: {
    grid: grids(0, 0, 0, 1, 2, 5),
    answer: (grid) => settled(grid, (own, beside) => (own === 0 && beside.includes(1) ? 1 : own)),
  },
  enclosed: {
    grid: grids(0, 3),
    answer: (grid) => {
      const out = outside(grid, (r, c) => grid[r]![c] !== 0)
      return byCell(grid, (own, r, c) => (own === 0 && !out[r]![c] ? 4 : own))
    },
  },
  loops: {
    grid: grids(0, 1, 1),
    // A region lies around cells that could be walked to if it were not there.
    answer: (grid) =>
      byCell(grid, (own, r, c) => {
        if (own !== 1) return own
        const region = settled(
          byCell(grid, (one, y, x) => (y === r && x === c ? 7 : one)),
          (one, beside) => (one === 1 && beside.includes(7) ? 7 : one),
        )
        const out = outside(grid, (y, x) => region[y]![x] === 7)
        return region.some((row, y) => row.some((one, x) => one !== 7 && !out[y]![x])) ? 3 : 1
      }),
  },
  large: {
    grid: grids(0, 0, 2),
    answer: (grid) => {
      const counts = sizes(grid, 2)
      return byCell(grid, (own, r, c) => (counts[r]![c]! >= 4 ? 6 : own))
    },
  },
  six: {
    grid: grids(0, 5),
    answer: (grid) => {
      const counts = sizes(grid, 5)
      return byCell(grid, (own, r, c) => (own !== 5 ? own : counts[r]![c] === 6 ? 2 : 1))
    },
  },
  fall: {
    grid: grids(0, 0, 1, 2, 9),
    // A colour over black changes places with it, as long as there is one.
    answer: (grid) => {
      const cells = grid.map((row) => [...row])
      for (const _ of cells)
        for (let r = cells.length - 1; r > 0; r--)
          for (const c of cells[r]!.keys())
            if (cells[r]![c] === 0) [cells[r]![c], cells[r - 1]![c]] = [cells[r - 1]![c]!, 0]
      return cells
    },
  },
  drip: {
    grid: grids(0, 0, 0, 2, 7),
    answer: (grid) => settled(grid, (own, [above]) => (own === 0 ? (above ?? 0) : own)),
  },
}

it.each(arcRuleNames)('%s says of any grid what a slower way says', (name) => {
  const { grid, answer } = slowly[name]
  fc.assert(
    fc.property(grid, (input) => {
      expect(arcRules[name].answer(input)).toEqual(answer(input))
    }),
    { numRuns: 300 },
  )
})

describe('a generated pair', () => {
  it.each(arcRuleNames)('%s: follows the rule, changes something, and is the same again', (name) => {
    const pairs = Array.from({ length: 20 }, (_, i) => generateArcPair(name, { side: 6, seed: 3 }, i)!)
    for (const { input, output } of pairs) {
      expect(input.map((row) => row.length)).toEqual([6, 6, 6, 6, 6, 6])
      expect(output).toEqual(slowly[name].answer(input))
      expect(output).not.toEqual(input)
    }
    expect(new Set(pairs.map(({ input }) => `${input}`)).size).toBe(20)
    expect(pairs).toEqual(Array.from({ length: 20 }, (_, i) => generateArcPair(name, { side: 6, seed: 3 }, i)))
    expect(pairs).not.toEqual(Array.from({ length: 20 }, (_, i) => generateArcPair(name, { side: 6, seed: 4 }, i)))
  })
  it('is missing where the square is too small for the rule', () => {
    expect(generateArcPair('six', { side: 2, seed: 0 }, 0)).toBeUndefined()
    expect(generateArcPair('drip', { side: 1, seed: 0 }, 0)).toBeUndefined()
  })
})
