/**
 * An exact Sudoku solver: naked and hidden singles, and a guess at the cell with the fewest candidates when there are
 * none. The number of guesses that were wrong rates a puzzle.
 */
import { boxOf, type Geometry, type Grid } from './grid.js'

export interface Solved {
  /** Solutions found, at most the limit. */
  readonly solutions: number
  readonly first: Grid | undefined
  /** Guesses that led nowhere before the search ended. */
  readonly wrongGuesses: number
}

/** In which order the digits of a guess are tried; identity by default. */
export type DigitOrder = (digits: number[]) => number[]

const tables = new WeakMap<
  Geometry,
  { readonly boxes: readonly number[]; readonly units: readonly (readonly number[])[] }
>()
const tablesOf = (geometry: Geometry) => {
  const known = tables.get(geometry)
  if (known !== undefined) return known
  const { side } = geometry
  const cells = Array.from({ length: side ** 2 }, (_, i) => i)
  const boxes = cells.map((c) => boxOf(geometry, c))
  const units = Array.from({ length: side }, (_, u) => [
    cells.filter((c) => Math.floor(c / side) === u),
    cells.filter((c) => c % side === u),
    cells.filter((c) => boxes[c] === u),
  ]).flat()
  const made = { boxes, units }
  tables.set(geometry, made)
  return made
}

const bitCount = (mask: number): number => {
  let n = 0
  for (let m = mask; m !== 0; m &= m - 1) n++
  return n
}
const digitOf = (bit: number): number => 31 - Math.clz32(bit)

/** Searches until `limit` solutions are found: 2 decides uniqueness. */
export const solve = (geometry: Geometry, question: Grid, limit = 2, order: DigitOrder = (d) => d): Solved => {
  const { side } = geometry
  const { boxes, units } = tablesOf(geometry)
  const all = (2 << side) - 2
  const rows = new Int32Array(side).fill(all)
  const columns = new Int32Array(side).fill(all)
  const boxMasks = new Int32Array(side).fill(all)
  const cells = new Int32Array(side * side)
  let blanks: number
  let solutions = 0
  let wrongGuesses = 0
  let first: Grid | undefined

  const candidates = (c: number) => rows[(c / side) | 0]! & columns[c % side]! & boxMasks[boxes[c]!]!
  const place = (c: number, bit: number) => {
    cells[c] = digitOf(bit)
    rows[(c / side) | 0]! &= ~bit
    columns[c % side]! &= ~bit
    boxMasks[boxes[c]!]! &= ~bit
    blanks--
  }
  const remove = (c: number) => {
    const bit = 1 << cells[c]!
    cells[c] = 0
    rows[(c / side) | 0]! |= bit
    columns[c % side]! |= bit
    boxMasks[boxes[c]!]! |= bit
    blanks++
  }
  blanks = question.length
  let isConsistent = true
  question.forEach((digit, c) => {
    if (digit === 0) return
    if ((candidates(c) & (1 << digit)) === 0) isConsistent = false
    else place(c, 1 << digit)
  })

  /** The cell to fill next and the digits it may take: a forced one if there is any. */
  const choose = (): { readonly cell: number; readonly mask: number } => {
    let cell = -1
    let fewest = side + 1
    for (let c = 0; c < cells.length; c++) {
      if (cells[c] !== 0) continue
      const mask = candidates(c)
      const n = bitCount(mask)
      if (n < fewest) {
        cell = c
        fewest = n
        if (n <= 1) return { cell, mask }
      }
    }
    for (const unit of units) {
      let once = 0
      let more = 0
      for (const c of unit) {
        if (cells[c] !== 0) continue
        const mask = candidates(c)
        more |= once & mask
        once |= mask
      }
      const hidden = once & ~more
      if (hidden === 0) continue
      const bit = hidden & -hidden
      const at = unit.find((c) => cells[c] === 0 && (candidates(c) & bit) !== 0)!
      return { cell: at, mask: bit }
    }
    return { cell, mask: candidates(cell) }
  }
  /** Whether this branch held a solution. */
  const search = (): boolean => {
    if (blanks === 0) {
      solutions++
      first ??= Array.from(cells)
      return true
    }
    const { cell, mask } = choose()
    const digits: number[] = []
    for (let m = mask; m !== 0; m &= m - 1) digits.push(digitOf(m & -m))
    const isGuess = digits.length > 1
    let found = false
    for (const digit of isGuess ? order(digits) : digits) {
      place(cell, 1 << digit)
      const leads = search()
      remove(cell)
      if (leads) found = true
      else if (isGuess && solutions === 0) wrongGuesses++
      if (solutions >= limit) break
    }
    return found
  }
  if (isConsistent) search()
  return { solutions, first, wrongGuesses }
}
