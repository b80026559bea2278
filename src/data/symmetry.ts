/**
 * The symmetries of Sudoku: relabelling digits, permuting bands, rows within bands, stacks, columns within stacks, and
 * transposing where boxes are square. Used to multiply training puzzles, and to tell whether two grids are the same one
 * in disguise.
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

export const applySymmetry = ({ side }: Geometry, s: Symmetry, grid: Grid): Grid =>
  grid.map((_, cell) => {
    const [row, column] = [s.rows[Math.floor(cell / side)]!, s.columns[cell % side]!]
    return s.digits[s.transpose ? grid[column * side + row]! : grid[row * side + column]!]!
  })

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

const permutations = (n: number): readonly (readonly number[])[] =>
  n === 0
    ? [[]]
    : permutations(n - 1).flatMap((p) => Array.from({ length: n }, (_, i) => [...p.slice(0, i), n - 1, ...p.slice(i)]))

/** All column orders that keep stacks together. */
const columnOrders = ({ side, boxColumns }: Geometry): readonly (readonly number[])[] => {
  const inside = permutations(boxColumns)
  return permutations(side / boxColumns).flatMap((stacks) =>
    stacks.reduce<readonly (readonly number[])[]>(
      (heads, stack) => heads.flatMap((head) => inside.map((p) => [...head, ...p.map((c) => stack * boxColumns + c)])),
      [[]],
    ),
  )
}
const orders = new WeakMap<Geometry, readonly (readonly number[])[]>()
const columnOrdersOf = (geometry: Geometry) =>
  orders.get(geometry) ?? orders.set(geometry, columnOrders(geometry)).get(geometry)!

/**
 * The lexicographically smallest grid among all disguises of a solution: equal for two grids exactly when they are the
 * same one in disguise. The first row of it is 1…n, so a choice of first row and column order fixes the labels.
 */
export const canonicalForm = (geometry: Geometry, solution: Grid): string => {
  const { side, boxRows, boxColumns } = geometry
  const transposed = solution.map((_, cell) => solution[(cell % side) * side + Math.floor(cell / side)]!)
  const labels = new Int32Array(side + 1)
  let best: number[] | undefined
  for (const grid of boxRows === boxColumns ? [solution, transposed] : [solution])
    for (let first = 0; first < side; first++) {
      const band = Math.floor(first / boxRows)
      const others = Array.from({ length: boxRows }, (_, r) => band * boxRows + r).filter((r) => r !== first)
      for (const order of columnOrdersOf(geometry)) {
        for (let j = 0; j < side; j++) labels[grid[first * side + order[j]!]!] = j + 1
        // The smallest second row decides almost always; look at the rest only when it is no larger than the best so far.
        for (const second of others.length === 0 ? [first] : others) {
          let verdict = best === undefined ? -1 : 0
          for (let j = 0; verdict === 0 && j < side; j++)
            verdict = labels[grid[second * side + order[j]!]!]! - best![side + j]!
          if (verdict > 0) continue
          const whole = arranged(geometry, grid, first, second, order, labels)
          if (best === undefined || isSmaller(whole, best)) best = whole
        }
      }
    }
  return best!.join('')
}

const isSmaller = (a: readonly number[], b: readonly number[]): boolean => {
  const i = a.findIndex((x, k) => x !== b[k])
  return i >= 0 && a[i]! < b[i]!
}

/** The grid relabelled, its columns in order, its rows as small as they can be given the first two. */
const arranged = (
  { side, boxRows }: Geometry,
  grid: Grid,
  first: number,
  second: number,
  order: readonly number[],
  labels: Int32Array,
): number[] => {
  const row = (r: number) => order.map((c) => labels[grid[r * side + c]!]!)
  const bands = Array.from({ length: side / boxRows }, (_, b) =>
    Array.from({ length: boxRows }, (_, r) => b * boxRows + r),
  )
  const byFirst = (a: readonly number[], b: readonly number[]) => a[0]! - b[0]!
  const top = bands.find((b) => b.includes(first))!
  const rest = top
    .filter((r) => r !== first && r !== second)
    .map(row)
    .sort(byFirst)
  const below = bands
    .filter((b) => b !== top)
    .map((b) => b.map(row).sort(byFirst))
    .sort((a, b) => byFirst(a[0]!, b[0]!))
  return [row(first), ...(second === first ? [] : [row(second)]), ...rest, ...below.flat()].flat()
}
