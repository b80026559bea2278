/** The layout of all puzzle files, `source,question,answer,rating`: rows with their places, whatever the puzzles are. */
import { readFile } from 'node:fs/promises'
import { CsvError, parse } from 'csv-parse/sync'
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'

const COLUMNS = ['source', 'question', 'answer', 'rating']

export interface PuzzleFields {
  readonly question: string
  readonly answer: string
}
export interface PuzzleRow {
  readonly fields: PuzzleFields
  /** `file:line` */
  readonly where: string
}

export const readText = async (file: string): Promise<E.Either<Problem, string>> => {
  try {
    return E.right(await readFile(file, 'utf8'))
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    return E.left(
      problem(code === 'ENOENT' ? 'there is no such file' : 'the file cannot be read', {
        where: file,
        ...(code !== 'ENOENT' && { why: String(cause) }),
        fix: 'give the path of a CSV file with the columns source,question,answer,rating',
      }),
    )
  }
}

interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** Windows line ends and a byte order mark are tolerated; spaces are not trimmed, because mazes are made of them. */
export const parseRows = (text: string, file: string): E.Either<Problem, readonly PuzzleRow[]> => {
  let parsed: readonly Parsed[]
  try {
    parsed = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as Parsed[]
  } catch (cause) {
    const line = cause instanceof CsvError ? (cause as CsvError & { lines?: number }).lines : undefined
    return E.left(
      problem('this is no CSV', { where: line === undefined ? file : `${file}:${line}`, why: String(cause) }),
    )
  }
  const [header, ...body] = parsed
  if (header === undefined)
    return E.left(problem('the file is empty', { where: file, fix: `its first line must be ${COLUMNS}` }))
  if (header.record.join() !== COLUMNS.join())
    return E.left(
      problem(`the header is \`${header.record.join()}\``, {
        where: `${file}:1`,
        fix: `the first line must be \`${COLUMNS}\``,
      }),
    )
  if (body.length === 0) return E.left(problem('the file has a header and no puzzles', { where: file }))
  const short = body.find(({ record }) => record.length !== COLUMNS.length)
  if (short !== undefined)
    return E.left(
      problem(`the row has ${short.record.length} columns, expected ${COLUMNS.length}`, {
        where: `${file}:${short.info.lines}`,
        fix: `write it as ${COLUMNS}`,
      }),
    )
  return E.right(
    body.map(({ record, info }) => ({
      fields: { question: record[1] as string, answer: record[2] as string },
      where: `${file}:${info.lines}`,
    })),
  )
}
