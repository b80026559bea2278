/**
 * ARC grids as tokens and back, as the published code has them. A grid has up to 30 rows and columns of colours 0–9.
 * Tokens: 0 padding, 1 end of grid, colour + 2. The grid lies somewhere in a square of `size`; the row under it and the
 * column right of it are marked with ends.
 */
import { createHash } from 'node:crypto'
import { dihedral, inverseDihedral, type Rows } from './dihedral.js'

export type ArcGrid = Rows<number>
export interface ArcExample {
  readonly input: ArcGrid
  readonly output: ArcGrid
}

export const arcVocabulary = 12
/** Rows and columns of the largest published grids. */
export const arcLargestSide = 30
const END = 1
const FIRST_COLOUR = 2

/** The grid with its first cell at (row, column) of a square, row by row. */
export const arcTokens = (grid: ArcGrid, size: number, row: number, column: number): Uint8Array => {
  const tokens = new Uint8Array(size * size)
  const [rows, columns] = [grid.length, grid[0]!.length]
  const at = (r: number) => (row + r) * size + column
  const marksRight = column + columns < size
  for (let r = 0; r < rows; r++) {
    const cells = grid[r]!
    for (let c = 0; c < columns; c++) tokens[at(r) + c] = cells[c]! + FIRST_COLOUR
    if (marksRight) tokens[at(r) + columns] = END
  }
  if (row + rows < size) tokens.fill(END, at(rows), at(rows) + columns)
  return tokens
}

/** The largest rectangle of colours at the top left, as colours; the first of equals with the fewest rows. May be empty. */
export const cropArc = (tokens: ArrayLike<number>, size: number): ArcGrid => {
  const isColour = (r: number, c: number): boolean => {
    const token = tokens[r * size + c]!
    return token >= FIRST_COLOUR && token < arcVocabulary
  }
  let best = { rows: 0, columns: 0 }
  let columns = size
  for (let rows = 1; rows <= size; rows++) {
    for (let c = 0; c < columns; c++)
      if (!isColour(rows - 1, c)) {
        columns = c
        break
      }
    if (rows * columns > best.rows * best.columns) best = { rows, columns }
  }
  return Array.from({ length: best.rows }, (_, r) =>
    Array.from({ length: best.columns }, (_, c) => tokens[r * size + c]! - FIRST_COLOUR),
  )
}

// ── augmentation ────────────────────────────────────────────────────────────────────────────────────────────────────
export interface ArcAugmentation {
  /** Of the square, 0 to 7. */
  readonly symmetry: number
  /** Colour c becomes `colours[c]`; black (0) stays. */
  readonly colours: readonly number[]
}

export const augmentArc = (grid: ArcGrid, { symmetry, colours }: ArcAugmentation): ArcGrid =>
  dihedral(
    grid.map((row) => row.map((colour) => colours[colour]!)),
    symmetry,
  )

export const undoArc = (grid: ArcGrid, { symmetry, colours }: ArcAugmentation): ArcGrid =>
  dihedral(grid, inverseDihedral(symmetry)).map((row) => row.map((colour) => colours.indexOf(colour)))

/** Between a task's name and how it was changed: HRM's `_`, TRM's `|||`. */
const separators = { hrm: '_', trm: '|||' } as const

/** The puzzle identifier of an augmented task: `task_t3_0832597416`. */
export const augmentedName = (
  task: string,
  { symmetry, colours }: ArcAugmentation,
  style: keyof typeof separators = 'hrm',
): string => [task, `t${symmetry}`, colours.join('')].join(separators[style])

/** A task's name and how it was changed; nothing was, when the name says nothing of it. */
export const parseAugmentedName = (
  name: string,
): { readonly task: string; readonly augmentation?: ArcAugmentation } => {
  const parts = /^(.*?)(?:_|\|\|\|)t([0-7])(?:_|\|\|\|)(0[1-9]{9})$/.exec(name)
  return parts === null
    ? { task: name }
    : { task: parts[1]!, augmentation: { symmetry: Number(parts[2]), colours: [...parts[3]!].map(Number) } }
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
/** A digest of a grid: equal grids have equal ones. */
export const gridHash = (grid: ArcGrid): string => {
  const [rows, columns] = [grid.length, grid[0]?.length ?? 0]
  const bytes = new Uint8Array(2 + rows * columns)
  bytes.set([rows, columns])
  for (const [r, row] of grid.entries()) bytes.set(row, 2 + r * columns)
  return sha256(bytes)
}

/** A digest of a task, whatever the order of its examples: by it, augmented copies that are the same are found. */
export const arcHash = (examples: readonly ArcExample[]): string =>
  sha256(
    examples
      .map(({ input, output }) => `${gridHash(input)}|${gridHash(output)}`)
      .sort()
      .join('|'),
  )
