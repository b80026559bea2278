/**
 * Sudoku puzzles from CSV files in the layout `source,question,answer,rating`. A bad file is a problem that names the file
 * and the line.
 */
import { readFile } from 'node:fs/promises'
import { CsvError, parse } from 'csv-parse/sync'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'
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

const HEADER = ['source', 'question', 'answer', 'rating']

export const readPuzzles =
  (file: string, options: ReadOptions = {}): TaskEither<Problem, PuzzleFile> =>
  async () => {
    try {
      return parsePuzzles(await readFile(file, 'utf8'), file, options)
    } catch (cause) {
      return E.left(unreadable(file, cause))
    }
  }

const unreadable = (file: string, cause: unknown): Problem => {
  const code = (cause as NodeJS.ErrnoException).code
  return problem(code === 'ENOENT' ? 'there is no such file' : 'the file cannot be read', {
    where: file,
    ...(code !== 'ENOENT' && { why: String(cause) }),
    fix: 'give the path of a CSV file with the columns source,question,answer,rating',
  })
}

interface Row {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** Windows line ends and a byte order mark are tolerated; spaces are not trimmed, because mazes are made of them. */
export const parsePuzzles = (text: string, file: string, options: ReadOptions = {}): E.Either<Problem, PuzzleFile> => {
  let rows: readonly Row[]
  try {
    rows = parse(text, { bom: true, info: true, relax_column_count: true, skip_empty_lines: true }) as unknown as Row[]
  } catch (cause) {
    const line = cause instanceof CsvError ? (cause as CsvError & { lines?: number }).lines : undefined
    return E.left(
      problem('this is no CSV', { where: line === undefined ? file : `${file}:${line}`, why: String(cause) }),
    )
  }
  const [header, ...body] = rows
  if (header === undefined)
    return E.left(problem('the file is empty', { where: file, fix: `its first line must be ${HEADER}` }))
  if (header.record.join() !== HEADER.join())
    return E.left(
      problem(`the header is \`${header.record.join()}\``, {
        where: `${file}:1`,
        fix: `the first line must be \`${HEADER}\``,
      }),
    )
  if (body.length === 0) return E.left(problem('the file has a header and no puzzles', { where: file }))
  const puzzles: Puzzle[] = []
  let geometry: Geometry | undefined
  for (const { record, info } of body.slice(0, options.limit)) {
    const parsed = parseRow(record, `${file}:${info.lines}`, geometry, options.checkUnique ?? true)
    if (E.isLeft(parsed)) return parsed
    geometry = parsed.right.geometry
    puzzles.push(parsed.right.puzzle)
  }
  return E.right({ geometry: geometry!, puzzles })
}

const parseRow = (
  record: readonly string[],
  where: string,
  expected: Geometry | undefined,
  checkUnique: boolean,
): E.Either<Problem, { readonly geometry: Geometry; readonly puzzle: Puzzle }> => {
  const refuse = (what: string, fix: string) => E.left(problem(what, { where, fix }))
  if (record.length !== HEADER.length)
    return refuse(`the row has ${record.length} columns, expected ${HEADER.length}`, `write it as ${HEADER}`)
  const [, question, answer] = record as [string, string, string, string]
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
