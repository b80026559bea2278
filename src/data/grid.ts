/** Sudoku geometry: an n×n grid of boxes of `boxRows`×`boxColumns` cells. Cells are numbers 0 (blank) to n, row by row. */

export interface Geometry {
  readonly side: number
  readonly boxRows: number
  readonly boxColumns: number
}

export const geometries: readonly Geometry[] = [
  { side: 4, boxRows: 2, boxColumns: 2 },
  { side: 6, boxRows: 2, boxColumns: 3 },
  { side: 9, boxRows: 3, boxColumns: 3 },
]

export const geometryOfSide = (side: number): Geometry | undefined => geometries.find((g) => g.side === side)
export const geometryOfCells = (cells: number): Geometry | undefined => geometries.find((g) => g.side ** 2 === cells)

export type Grid = readonly number[]

export const boxOf = ({ side, boxRows, boxColumns }: Geometry, cell: number): number => {
  const [row, column] = [Math.floor(cell / side), cell % side]
  return Math.floor(row / boxRows) * (side / boxColumns) + Math.floor(column / boxColumns)
}

/** The first digit that stands twice in a row, column or box, with the name of that unit; blanks do not count. */
export const firstRepeat = (
  geometry: Geometry,
  grid: Grid,
): { readonly unit: string; readonly digit: number } | undefined => {
  const { side } = geometry
  const seen = new Int32Array(3 * side)
  for (const [cell, digit] of grid.entries()) {
    if (digit === 0) continue
    const units = [Math.floor(cell / side), side + (cell % side), 2 * side + boxOf(geometry, cell)]
    const full = units.find((unit) => (seen[unit]! >> digit) & 1)
    if (full !== undefined)
      return { unit: `${['row', 'column', 'box'][Math.floor(full / side)]} ${(full % side) + 1}`, digit }
    for (const unit of units) seen[unit]! |= 1 << digit
  }
  return undefined
}

/** Whether every row, column and box holds every digit once. */
export const isSolution = (geometry: Geometry, grid: Grid): boolean =>
  grid.length === geometry.side ** 2 &&
  grid.every((digit) => Number.isInteger(digit) && digit >= 1 && digit <= geometry.side) &&
  firstRepeat(geometry, grid) === undefined

/** Tokens of the published datasets: 0 pad, 1 blank, 2… the digits. */
export const tokensOf = (grid: Grid): readonly number[] => grid.map((d) => d + 1)
export const gridOfTokens = (tokens: ArrayLike<number>): Grid => Array.from(tokens, (t) => Math.max(0, t - 1))
export const vocabularyOf = ({ side }: Geometry): number => side + 2

/** A puzzle and the one grid that solves it. */
export interface Puzzle {
  readonly question: Grid
  readonly answer: Grid
}
