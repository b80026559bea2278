/** Sudoku puzzles from CSV files. A bad file is a problem that names the file and the line. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'
import { eachRow, type PuzzleFields, type PuzzleRow } from './csv-rows.js'
import { type Geometry, type Grid, geometries, geometryOfCells, isSolution, type Puzzle } from './grid.js'
import { solve } from './solver.js'

export interface PuzzleFile {
  readonly geometry: Geometry
  readonly puzzles: readonly Puzzle[]
}

export interface ReadOptions {
  /** Look for a second solution of every puzzle (about 2 ms for a hard one). Default: yes. */
  readonly checkUnique?: boolean
  /** At most so many puzzles. */
  readonly limit?: number
}

export const readPuzzles =
  (file: string, options: ReadOptions = {}): TaskEither<Problem, PuzzleFile> =>
  async () => {
    const collected = collecting(options)
    const read = await eachRow(file, collected.visit)
    return E.isLeft(read) ? read : E.right(collected.file())
  }

/** Rows, perhaps of several files, as puzzles of one size; at least one row. */
export const checkRows = (rows: readonly PuzzleRow[], options: ReadOptions = {}): E.Either<Problem, PuzzleFile> => {
  const collected = collecting(options)
  for (const row of rows) {
    const verdict = collected.visit(row)
    if (verdict === 'enough') break
    if (verdict !== undefined) return E.left(verdict)
  }
  return E.right(collected.file())
}

/** Takes rows one after the other as long as they are puzzles. */
const collecting = ({ checkUnique = true, limit = Number.POSITIVE_INFINITY }: ReadOptions) => {
  const puzzles: Puzzle[] = []
  let geometry: Geometry | undefined
  const visit = ({ fields, where }: PuzzleRow): Problem | 'enough' | undefined => {
    const parsed = parseRow(fields, where, geometry, checkUnique)
    if (E.isLeft(parsed)) return parsed.left
    geometry = parsed.right.geometry
    puzzles.push(parsed.right.puzzle)
    return puzzles.length >= limit ? 'enough' : undefined
  }
  return { visit, file: (): PuzzleFile => ({ geometry: geometry!, puzzles }) }
}

const parseRow = (
  row: PuzzleFields,
  where: string,
  expected: Geometry | undefined,
  checkUnique: boolean,
): E.Either<Problem, { readonly geometry: Geometry; readonly puzzle: Puzzle }> => {
  const refuse = (what: string, fix: string) => E.left(problem(what, { where, fix }))
  const { question, answer } = row
  const geometry = geometryOfCells(question.length)
  if (geometry === undefined)
    return refuse(
      `the question has ${question.length} cells`,
      `a grid has ${geometries.map((g) => g.side ** 2).join(', ')} cells`,
    )
  if (expected !== undefined && geometry.side !== expected.side)
    return refuse(
      `the question has ${question.length} cells, those before it ${expected.side ** 2}`,
      'put grids of one size into one file',
    )
  if (answer.length !== question.length)
    return refuse(
      `the answer has ${answer.length} cells, the question ${question.length}`,
      'the answer is the filled grid',
    )
  const read = (text: string, name: string): E.Either<Problem, Grid> => {
    const { side } = geometry
    const bad = [...text].findIndex((c) => !(c === '.' || (c >= '0' && c <= String(side))))
    return bad < 0
      ? E.right([...text].map((c) => (c === '.' ? 0 : Number(c))))
      : refuse(`cell ${bad + 1} of the ${name} is '${text[bad]}'`, `cells are 1–${side}, or . or 0 for a blank`)
  }
  const grids = [read(question, 'question'), read(answer, 'answer')] as const
  if (E.isLeft(grids[0])) return grids[0]
  if (E.isLeft(grids[1])) return grids[1]
  const puzzle: Puzzle = { question: grids[0].right, answer: grids[1].right }
  const conflict = puzzle.question.findIndex((d, i) => d !== 0 && d !== puzzle.answer[i])
  if (conflict >= 0)
    return refuse(
      `the answer has ${puzzle.answer[conflict]} in cell ${conflict + 1}, the question ${puzzle.question[conflict]}`,
      'the answer must keep every given digit',
    )
  if (!isSolution(geometry, puzzle.answer))
    return refuse('the answer is no solved grid', 'every row, column and box must hold every digit once')
  if (checkUnique && solve(geometry, puzzle.question, 2).solutions !== 1)
    return refuse('the puzzle has two solutions', 'give puzzles with exactly one')
  return E.right({ geometry, puzzle })
}
