/**
 * ARC tasks of our own making: rules that published tasks follow, and as many pairs of each as are wanted, squares of noise
 * that show the rule. In every one of them a cell's colour is decided by cells that may lie far from it.
 */
import type { ArcExample, ArcGrid } from './arc.js'
import { dihedral } from './dihedral.js'
import { type Random, randomOf } from './random.js'

interface Rule {
  /** What it does, in a few words. */
  readonly about: string
  /** The task of ARC-AGI-1 that follows it. */
  readonly published: string
  readonly answer: (input: ArcGrid) => ArcGrid
  /** Percent of the cells of an input that have a colour; the last colour has what is left. */
  readonly noise: readonly (readonly [colour: number, percent: number])[]
  /** Whether a pair shows what the rule does. */
  readonly shows: (input: ArcGrid, output: ArcGrid) => boolean
}

// ── regions ─────────────────────────────────────────────────────────────────────────────────────────────────────────
type Cell = readonly [row: number, column: number]
type Region = readonly Cell[]

/** The regions of cells of these colours, joined by their sides. */
const regions = (grid: ArcGrid, ...colours: readonly number[]): readonly Region[] => {
  // Loops, because a hundred tries and more go into a pair.
  const isLeft = grid.map((row) => row.map((colour) => colours.includes(colour)))
  const found: Region[] = []
  for (const [row, cells] of isLeft.entries())
    for (const column of cells.keys()) {
      const region: Cell[] = []
      const reach = (r: number, c: number): void => {
        if (isLeft[r]?.[c] !== true) return
        isLeft[r]![c] = false
        region.push([r, c])
      }
      reach(row, column)
      for (const [r, c] of region) {
        reach(r - 1, c)
        reach(r + 1, c)
        reach(r, c - 1)
        reach(r, c + 1)
      }
      if (region.length > 0) found.push(region)
    }
  return found
}

/** The grid with each of some regions in a colour of its own, or as it is where it gets none. */
const painted = (grid: ArcGrid, areas: readonly Region[], paint: (region: Region) => number | undefined): ArcGrid => {
  const cells = grid.map((row) => [...row])
  for (const region of areas) {
    const colour = paint(region)
    if (colour !== undefined) for (const [r, c] of region) cells[r]![c] = colour
  }
  return cells
}

const touchesEdge = (grid: ArcGrid, region: Region): boolean =>
  region.some(([r, c]) => r === 0 || c === 0 || r === grid.length - 1 || c === grid[0]!.length - 1)

/** Whether there are cells that a region lies around. */
const encloses = (grid: ArcGrid, region: Region): boolean => {
  const walls = painted(
    grid.map((row) => row.map(() => 0)),
    [region],
    () => 1,
  )
  return regions(walls, 0).some((rest) => !touchesEdge(walls, rest))
}

const has = (grid: ArcGrid, colour: number): boolean => grid.some((row) => row.includes(colour))
const hasRegion = (grid: ArcGrid, colour: number, cells: number): boolean =>
  regions(grid, colour).some((region) => region.length >= cells)

// ── columns ─────────────────────────────────────────────────────────────────────────────────────────────────────────
const TRANSPOSED = 6
const byColumn = (grid: ArcGrid, change: (column: readonly number[]) => readonly number[]): ArcGrid =>
  dihedral(dihedral(grid, TRANSPOSED).map(change), TRANSPOSED)
const differs = (input: ArcGrid, output: ArcGrid): boolean => `${input}` !== `${output}`

// ── rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────
const rules = {
  reach: {
    about: 'blue flows through the black that it touches',
    published: '9edfc990',
    answer: (input) =>
      painted(input, regions(input, 0, 1), (region) => (region.some(([r, c]) => input[r]![c] === 1) ? 1 : undefined)),
    noise: [
      [0, 55],
      [1, 4],
      [2, 10],
      [3, 10],
      [5, 10],
      [8, 0],
    ],
    shows: (_, output) => has(output, 0) && hasRegion(output, 1, 6),
  },
  enclosed: {
    about: 'black that green encloses becomes yellow',
    published: '00d62c1b',
    answer: (input) => painted(input, regions(input, 0), (region) => (touchesEdge(input, region) ? undefined : 4)),
    noise: [
      [0, 50],
      [3, 0],
    ],
    shows: (_, output) => has(output, 0) && hasRegion(output, 4, 2),
  },
  loops: {
    about: 'blue that encloses something becomes green',
    published: '810b9b61',
    answer: (input) => painted(input, regions(input, 1), (region) => (encloses(input, region) ? 3 : undefined)),
    noise: [
      [0, 45],
      [1, 0],
    ],
    shows: (_, output) => has(output, 3) && hasRegion(output, 1, 3),
  },
  large: {
    about: 'red regions of four cells and more become pink',
    published: 'ae58858e',
    answer: (input) => painted(input, regions(input, 2), (region) => (region.length > 3 ? 6 : undefined)),
    noise: [
      [0, 60],
      [2, 0],
    ],
    shows: (_, output) => has(output, 2) && has(output, 6),
  },
  six: {
    about: 'grey regions of six cells become red, others blue',
    published: 'd2abd087',
    answer: (input) => painted(input, regions(input, 5), (region) => (region.length === 6 ? 2 : 1)),
    noise: [
      [0, 55],
      [5, 0],
    ],
    shows: (_, output) => has(output, 1) && has(output, 2),
  },
  fall: {
    about: 'colours fall to the bottom',
    published: '1e0a9b12',
    answer: (input) =>
      byColumn(input, (column) => [...column.filter((c) => c === 0), ...column.filter((c) => c !== 0)]),
    noise: [
      [0, 55],
      [1, 9],
      [2, 9],
      [4, 9],
      [6, 9],
      [9, 0],
    ],
    shows: differs,
  },
  drip: {
    about: 'colours run down through black',
    published: 'd037b0a7',
    answer: (input) =>
      byColumn(input, (column) =>
        column.map((colour, r) => column.slice(0, r + 1).findLast((above) => above !== 0) ?? colour),
      ),
    noise: [
      [0, 75],
      [2, 7],
      [3, 6],
      [4, 6],
      [7, 0],
    ],
    shows: differs,
  },
} as const satisfies Readonly<Record<string, Rule>>

export type ArcRuleName = keyof typeof rules
export const arcRules: Readonly<Record<ArcRuleName, Rule>> = rules
export const arcRuleNames = Object.keys(rules) as readonly ArcRuleName[]

/** Tries before a rule is said to show in no square of that side. */
const TRIES = 20_000

/** The `index`-th pair of a rule, a side and a seed; `undefined` when no try shows the rule. */
export const generateArcPair = (
  name: ArcRuleName,
  { side, seed }: { readonly side: number; readonly seed: number },
  index: number,
): ArcExample | undefined => {
  const { noise, answer, shows } = arcRules[name]
  const random = randomOf(seed, arcRuleNames.indexOf(name), index)
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const input = Array.from({ length: side }, () => Array.from({ length: side }, () => drawn(noise, random)))
    const output = answer(input)
    if (shows(input, output)) return { input, output }
  }
  return undefined
}

/** A colour, as often as it is wanted. */
const drawn = (noise: Rule['noise'], random: Random): number => {
  let left = random.below(100)
  for (const [colour, percent] of noise) {
    if (left < percent) return colour
    left -= percent
  }
  return noise.at(-1)![0]
}
