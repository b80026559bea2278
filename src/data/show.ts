/** Puzzles as people write and read them. What `mark` says of a cell stands in its place. */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import type { ArcGrid } from './arc.js'
import { firstRepeat, type Geometry, type Grid, geometries, geometryOfCells } from './grid.js'
import type { Maze } from './maze.js'

/** A cell's text and its number, row by row. */
type Mark = (text: string, cell: number) => string
const plain: Mark = (text) => text

/** One line of cells, or a grid with spaces, line ends and box drawing; blanks are `.`, `0` or `_`. */
export const parsePuzzle = (text: string): E.Either<Problem, { readonly geometry: Geometry; readonly grid: Grid }> => {
  const cells = [...text].filter((c) => !/[\s|+\-\u2500-\u257f]/u.test(c))
  const geometry = geometryOfCells(cells.length)
  if (geometry === undefined)
    return E.left(
      problem(`the puzzle has ${cells.length} cells`, {
        fix: `a grid has ${geometries.map((g) => g.side ** 2).join(', ')} cells; write blanks as . or 0`,
      }),
    )
  const bad = cells.findIndex((c) => !(/[._0]/.test(c) || (c >= '1' && c <= String(geometry.side))))
  if (bad >= 0)
    return E.left(
      problem(`cell ${bad + 1} of the puzzle is '${cells[bad]}'`, {
        fix: `cells are 1–${geometry.side}, or . or 0 for a blank`,
      }),
    )
  const grid = cells.map((c) => (/[._]/.test(c) ? 0 : Number(c)))
  const repeat = firstRepeat(geometry, grid)
  if (repeat !== undefined)
    return E.left(
      problem(`${repeat.unit} of the puzzle has two ${repeat.digit}s`, {
        fix: 'every row, column and box holds a digit at most once',
      }),
    )
  return E.right({ geometry, grid })
}

/** The grid with its boxes drawn. */
export const showGrid = ({ side, boxRows, boxColumns }: Geometry, grid: Grid, mark: Mark = plain): string => {
  const stacks = side / boxColumns
  const rule = (left: string, middle: string, right: string) =>
    left + Array.from({ length: stacks }, () => '─'.repeat(2 * boxColumns + 1)).join(middle) + right
  const lines = Array.from({ length: side }, (_, row) => {
    const boxes = Array.from({ length: stacks }, (_, stack) =>
      Array.from({ length: boxColumns }, (_, c) => {
        const cell = row * side + stack * boxColumns + c
        return mark(grid[cell] === 0 ? '·' : String(grid[cell]), cell)
      }).join(' '),
    )
    const line = `│ ${boxes.join(' │ ')} │`
    return row > 0 && row % boxRows === 0 ? `${rule('├', '┼', '┤')}\n${line}` : line
  })
  return [rule('┌', '┬', '┐'), ...lines, rule('└', '┴', '┘')].join('\n')
}

/** A line a row, in the characters of the files: `#` walls, `o` the path. */
export const showMaze = ({ width, cells }: Maze, mark: Mark = plain): string =>
  Array.from({ length: cells.length / width }, (_, y) =>
    Array.from({ length: width }, (_, x) => mark(cells[y * width + x]!, y * width + x)).join(''),
  ).join('\n')

/** A line a row, colours as digits, black (0) as a dot. */
export const showArc = (grid: ArcGrid, mark: Mark = plain): string =>
  grid
    .map((row, y) => row.map((colour, x) => mark(colour === 0 ? '·' : String(colour), y * row.length + x)).join(' '))
    .join('\n')
