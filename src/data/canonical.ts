/**
 * The canonical form of a solution grid: of all its disguises (symmetry.ts) the one that is first when the cells are read
 * as a word. Two grids are the same one in disguise exactly when their forms are equal. 9×9 has 5 472 730 538 of them,
 * 6×6 has 49, 4×4 only 2.
 *
 * The first row of the form is 1 2 3 … whatever the disguise, by relabelling. So a disguise is fixed by: transposed or not,
 * which row comes first, and the order of the columns (9×9: 2 · 9 · 1296 choices instead of 2 · 6⁸ · 9!). The rest follows,
 * each part as small as it can be: rows of the first band by their first digits, other bands likewise, and bands by the
 * first digit of their first row. A choice is given up at its first digit that is larger than in the best so far.
 */
import type { Geometry, Grid } from './grid.js'

const permutations = (n: number): readonly (readonly number[])[] =>
  n === 0
    ? [[]]
    : permutations(n - 1).flatMap((p) => Array.from({ length: n }, (_, i) => [...p.slice(0, i), n - 1, ...p.slice(i)]))

/** All column orders that keep stacks together, one after the other. */
const columnOrders = ({ side, boxColumns }: Geometry): Uint8Array => {
  const inside = permutations(boxColumns)
  const orders = permutations(side / boxColumns).flatMap((stacks) =>
    stacks.reduce<readonly (readonly number[])[]>(
      (heads, stack) => heads.flatMap((head) => inside.map((p) => [...head, ...p.map((c) => stack * boxColumns + c)])),
      [[]],
    ),
  )
  return Uint8Array.from(orders.flat())
}

type Canonicaliser = (solution: Grid) => string
/** A canonicaliser with working memory of its own is made once per geometry. */
const canonicalisers = new WeakMap<Geometry, Canonicaliser>()

/** The canonical form of a solved grid, as a key. */
export const canonicalForm = (geometry: Geometry, solution: Grid): string => {
  const known = canonicalisers.get(geometry) ?? canonicaliserOf(geometry)
  canonicalisers.set(geometry, known)
  return known(solution)
}

const canonicaliserOf = (geometry: Geometry): Canonicaliser => {
  const { side, boxRows, boxColumns } = geometry
  const orders = columnOrders(geometry)
  /** places[order + column]: where the order puts a column, from 1: the label of the first row's digit there. */
  const places = new Uint8Array(orders.length)
  for (let i = 0; i < orders.length; i++) places[i - (i % side) + orders[i]!] = (i % side) + 1
  const bands = side / boxRows
  const best = new Uint8Array(side * side)
  const source = new Uint8Array(side * side)
  const labels = new Uint8Array(side + 1)
  const columnInFirst = new Uint8Array(side + 1)
  /** Rows of the source in the order of the form, and the label each begins with. */
  const rowOrder = new Uint8Array(side)
  const startOf = new Uint8Array(side)

  /** Sorts `count` rows of the order by what they begin with. */
  const sortRows = (from: number, count: number): void => {
    for (let i = from + 1; i < from + count; i++) {
      const row = rowOrder[i]!
      let j = i
      for (; j > from && startOf[rowOrder[j - 1]!]! > startOf[row]!; j--) rowOrder[j] = rowOrder[j - 1]!
      rowOrder[j] = row
    }
  }

  /** Compares rows from … to of the form with the best one, and replaces that from the first smaller digit on. */
  const improve = (order: number, from: number, to: number, isBetter: boolean): 'worse' | 'equal' | 'better' => {
    let wins = isBetter
    for (let i = from; i < to; i++) {
      const row = rowOrder[i]! * side
      for (let j = 0; j < side; j++) {
        const label = labels[source[row + orders[order + j]!]!]!
        const at = i * side + j
        if (!wins) {
          if (label > best[at]!) return 'worse'
          if (label === best[at]!) continue
          wins = true
        }
        best[at] = label
      }
    }
    return wins ? 'better' : 'equal'
  }

  /** Rows of one band into the order from `at` on, leaving out `without`. */
  const takeBand = (band: number, at: number, column: number, without: number): void => {
    let next = at
    for (let row = band * boxRows; row < (band + 1) * boxRows; row++) {
      if (row === without) continue
      startOf[row] = labels[source[row * side + column]!]!
      rowOrder[next++] = row
    }
    sortRows(at, next - at)
  }

  /** The smallest label that the second row can begin with, from `places` alone. */
  const secondStart = (order: number, first: number): number => {
    const from = Math.floor(first / boxRows) * boxRows
    let least = side + 1
    for (let row = from; row < from + boxRows; row++) {
      if (row === first) continue
      const label = places[order + columnInFirst[source[row * side + orders[order]!]!]!]!
      if (label < least) least = label
    }
    return least
  }

  const tryFirstRow = (first: number): void => {
    const top = Math.floor(first / boxRows)
    for (let column = 0; column < side; column++) columnInFirst[source[first * side + column]!] = column
    for (let order = 0; order < orders.length; order += side) {
      // Most choices lose here.
      if (secondStart(order, first) > best[side]!) continue
      for (let j = 0; j < side; j++) labels[source[first * side + orders[order + j]!]!] = j + 1
      rowOrder[0] = first
      takeBand(top, 1, orders[order]!, first)
      const verdict = improve(order, 0, boxRows, false)
      if (verdict === 'worse') continue
      let at = boxRows
      for (let band = 0; band < bands; band++) {
        if (band === top) continue
        takeBand(band, at, orders[order]!, side)
        // It goes before the bands that begin with more.
        for (let i = at; i > boxRows && startOf[rowOrder[i - boxRows]!]! > startOf[rowOrder[i]!]!; i -= boxRows) {
          const moved = rowOrder.slice(i, i + boxRows)
          rowOrder.copyWithin(i, i - boxRows, i)
          rowOrder.set(moved, i - boxRows)
        }
        at += boxRows
      }
      improve(order, boxRows, side, verdict === 'better')
    }
  }

  return (solution) => {
    best.fill(side + 1)
    for (const transposed of boxRows === boxColumns ? [false, true] : [false]) {
      for (let i = 0; i < side; i++)
        for (let j = 0; j < side; j++) source[i * side + j] = solution[transposed ? j * side + i : i * side + j]!
      for (let first = 0; first < side; first++) tryFirstRow(first)
    }
    return best.join('')
  }
}
