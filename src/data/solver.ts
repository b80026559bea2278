/**
 * An exact Sudoku solver: candidates as bit masks (bit d − 1 for digit d), naked and hidden singles to a fixed point, then a
 * guess in the first cell with fewest candidates. Rates a puzzle by the wrong guesses of the search through to its end:
 * exactly the `rating` of this project's shared puzzle lists, about ten times the official one of Sudoku-Extreme (guesses of
 * the tdoku solver). Never mix the scales.
 */
import { boxOf, type Geometry, type Grid } from './grid.js'

export interface Solved {
  /** Solutions found, at most the limit. */
  readonly solutions: number
  readonly first: Grid | undefined
  /** Guesses under which no solution was found; the rating when the search came to its end (one solution, limit 2). */
  readonly wrongGuesses: number
}

/** In which order the digits of a guess are tried; ascending by default. */
export type DigitOrder = (digits: number[]) => number[]

type Search = (question: Grid, limit: number, order?: DigitOrder) => Solved

/** A search with working memory of its own is made once per geometry. */
const searches = new WeakMap<Geometry, Search>()

/** Searches until `limit` solutions are found: 2 decides uniqueness. */
export const solve = (geometry: Geometry, question: Grid, limit = 2, order?: DigitOrder): Solved => {
  const known = searches.get(geometry) ?? searchOf(geometry)
  searches.set(geometry, known)
  return known(question, limit, order)
}

/** Number of set bits of masks below 2⁹. */
const bitCount = Uint8Array.from({ length: 512 }, (_, mask) => {
  let bits = 0
  for (let m = mask; m > 0; m &= m - 1) bits++
  return bits
})
const digitOf = (bit: number): number => 32 - Math.clz32(bit)
const digitsOf = (mask: number): number[] => {
  const digits: number[] = []
  for (let m = mask; m !== 0; m &= m - 1) digits.push(digitOf(m & -m))
  return digits
}

/** Rows, columns and boxes as lists of cells; for every cell its three units and the cells that share one with it. */
const neighbourhood = (geometry: Geometry) => {
  const { side } = geometry
  const cells = Array.from({ length: side ** 2 }, (_, cell) => cell)
  const index = Array.from({ length: side }, (_, i) => i)
  const units = [
    ...index.map((row) => cells.filter((c) => Math.floor(c / side) === row)),
    ...index.map((column) => cells.filter((c) => c % side === column)),
    ...index.map((box) => cells.filter((c) => boxOf(geometry, c) === box)),
  ]
  const unitsOf = cells.map((c) => units.flatMap((unit, u) => (unit.includes(c) ? [u] : [])))
  const peers = cells.map((c) => [...new Set(unitsOf[c]!.flatMap((u) => units[u]!))].filter((other) => other !== c))
  return {
    units: Uint16Array.from(units.flat()),
    unitsOf: Uint8Array.from(unitsOf.flat()),
    peers: Uint16Array.from(peers.flat()),
    peersPerCell: peers[0]!.length,
  }
}

const searchOf = (geometry: Geometry): Search => {
  const { side } = geometry
  const cells = side ** 2
  const all = (1 << side) - 1
  const { units, unitsOf, peers, peersPerCell } = neighbourhood(geometry)
  // By level of guessing: candidates, and the cells whose only digit has left its peers already.
  const levels = Array.from({ length: cells + 1 }, () => new Uint16Array(cells))
  const settledAt = Array.from({ length: cells + 1 }, () => new Uint8Array(cells))
  /** Units that lost a candidate since hidden singles were last looked for. */
  const stale = new Uint8Array(3 * side)
  const queue = new Uint16Array(cells + 1)
  let queued = 0

  /** Takes the digits of `mask` from a cell; false when none is left. */
  const remove = (masks: Uint16Array, cell: number, mask: number): boolean => {
    const before = masks[cell]!
    const after = before & ~mask
    if (after === before) return true
    if (after === 0) return false
    masks[cell] = after
    stale[unitsOf[cell * 3]!] = 1
    stale[unitsOf[cell * 3 + 1]!] = 1
    stale[unitsOf[cell * 3 + 2]!] = 1
    if ((after & (after - 1)) === 0) queue[queued++] = cell
    return true
  }

  /** Naked singles: a cell's only digit leaves its peers. */
  const settle = (masks: Uint16Array, settled: Uint8Array): boolean => {
    while (queued > 0) {
      const cell = queue[--queued]!
      if (settled[cell] === 1) continue
      settled[cell] = 1
      const mask = masks[cell]!
      for (let i = cell * peersPerCell, end = i + peersPerCell; i < end; i++)
        if (!remove(masks, peers[i]!, mask)) return false
    }
    return true
  }

  /** Digits with one place left in a unit go there; false at a contradiction. */
  const hiddenSingles = (masks: Uint16Array, settled: Uint8Array, unit: number): boolean => {
    let once = 0
    let twice = 0
    const start = unit * side
    for (let i = start; i < start + side; i++) {
      const mask = masks[units[i]!]!
      twice |= once & mask
      once |= mask
    }
    if (once !== all) return false
    let single = once & ~twice
    for (let i = start; i < start + side && single !== 0; i++) {
      const cell = units[i]!
      const mine = masks[cell]! & single
      if (mine === 0) continue
      // Two digits with this cell as their only place.
      if ((mine & (mine - 1)) !== 0) return false
      single &= ~mine
      if (settled[cell] === 0 && !remove(masks, cell, ~mine & all)) return false
    }
    return true
  }

  /** Naked and hidden singles to the fixed point; false at a contradiction. */
  const propagate = (masks: Uint16Array, settled: Uint8Array): boolean => {
    if (!settle(masks, settled)) return false
    for (let found = true; found; ) {
      found = false
      for (let unit = 0; unit < 3 * side; unit++) {
        if (stale[unit] === 0) continue
        stale[unit] = 0
        if (!hiddenSingles(masks, settled, unit)) return false
        if (queued === 0) continue
        if (!settle(masks, settled)) return false
        found = true
      }
    }
    return true
  }

  /** Forgets what was left to propagate. */
  const abandon = (): false => {
    queued = 0
    stale.fill(0)
    return false
  }

  const begin = (question: Grid): boolean => {
    const masks = levels[0]!.fill(all)
    const settled = settledAt[0]!.fill(0)
    for (let cell = 0; cell < cells; cell++) {
      const digit = question[cell]!
      if (digit === 0) continue
      const bit = 1 << (digit - 1)
      if ((masks[cell]! & bit) === 0 || !remove(masks, cell, ~bit & all) || !settle(masks, settled)) return abandon()
    }
    stale.fill(1)
    return propagate(masks, settled) || abandon()
  }

  const branchingCell = (masks: Uint16Array): number => {
    let cell = -1
    let fewest = side + 1
    for (let c = 0; c < cells; c++) {
      const count = bitCount[masks[c]!]!
      if (count === 1 || count >= fewest) continue
      if (count === 2) return c
      fewest = count
      cell = c
    }
    return cell
  }

  return (question, limit, order) => {
    let solutions = 0
    let wrongGuesses = 0
    let first: Grid | undefined
    const search = (level: number): void => {
      const masks = levels[level]!
      const cell = branchingCell(masks)
      if (cell < 0) {
        solutions++
        first ??= Array.from(masks, digitOf)
        return
      }
      const next = levels[level + 1]!
      const nextSettled = settledAt[level + 1]!
      const options = digitsOf(masks[cell]!)
      for (const digit of order === undefined ? options : order(options)) {
        next.set(masks)
        nextSettled.set(settledAt[level]!)
        const before = solutions
        const others = masks[cell]! & ~(1 << (digit - 1))
        if ((remove(next, cell, others) && propagate(next, nextSettled)) || abandon()) search(level + 1)
        if (solutions === before) wrongGuesses++
        if (solutions >= limit) return
      }
    }
    if (begin(question)) search(0)
    return { solutions, first, wrongGuesses }
  }
}
