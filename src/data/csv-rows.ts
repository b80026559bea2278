/** The layout of all puzzle files, `source,question,answer,rating`: rows with their places, whatever the puzzles are. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { CsvError, type Options, parse } from 'csv-parse'
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

interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** Windows line ends and a byte order mark are tolerated; spaces are not trimmed, because mazes are made of them. */
const layout: Options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true }

/** A sentence needs no more of a line. */
const shown = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** Checks one row after the other of a file; the header gives no puzzle. */
const rowChecker = (file: string) => {
  let [isFirst, rows] = [true, 0]
  const check = ({ record, info }: Parsed): E.Either<Problem, PuzzleRow | undefined> => {
    const where = `${file}:${info.lines}`
    if (isFirst) {
      isFirst = false
      return record.join() === COLUMNS.join()
        ? E.right(undefined)
        : E.left(
            problem(`the header is \`${shown(record.join())}\``, {
              where,
              fix: `the first line must be \`${COLUMNS}\``,
            }),
          )
    }
    rows++
    return record.length === COLUMNS.length
      ? E.right({ fields: { question: record[1] as string, answer: record[2] as string }, where })
      : E.left(
          problem(`the row has ${record.length} columns, expected ${COLUMNS.length}`, {
            where,
            fix: `write it as ${COLUMNS}`,
          }),
        )
  }
  /** What is wrong with a file that ends here. */
  const end = (): Problem | undefined =>
    isFirst
      ? problem('the file is empty', { where: file, fix: `its first line must be ${COLUMNS}` })
      : rows === 0
        ? problem('the file has a header and no puzzles', { where: file })
        : undefined
  return { check, end }
}

const noCsv = (cause: unknown, file: string): Problem => {
  const line = cause instanceof CsvError ? (cause as CsvError & { lines?: number }).lines : undefined
  return problem('this is no CSV', { where: line === undefined ? file : `${file}:${line}`, why: String(cause) })
}

/**
 * Visits the rows of a file, gzipped or not, as they are read: Sudoku-Extreme has 3.8 million in 0.7 GB. A visit may find a
 * problem, or have enough.
 */
export const eachRow = async (
  file: string,
  visit: (row: PuzzleRow) => Problem | 'enough' | undefined,
): Promise<E.Either<Problem, void>> => {
  const { check, end } = rowChecker(file)
  try {
    const unpacked = (await isGzip(file)) ? [createGunzip()] : []
    const parser = parse(layout)
    // An error on the way ends the parser with it, and comes out below.
    pipeline([createReadStream(file, { highWaterMark: 1 << 20 }), ...unpacked, parser], () => {})
    for await (const one of parser as AsyncIterable<Parsed>) {
      const row = check(one)
      if (E.isLeft(row)) return row
      const verdict = row.right === undefined ? undefined : visit(row.right)
      if (verdict === 'enough') return E.right(undefined)
      if (verdict !== undefined) return E.left(verdict)
    }
  } catch (cause) {
    if (cause instanceof CsvError) return E.left(noCsv(cause, file))
    return E.left(unreadable(cause, file))
  }
  const wrong = end()
  return wrong === undefined ? E.right(undefined) : E.left(wrong)
}

const isGzip = async (file: string): Promise<boolean> => {
  const handle = await open(file)
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await handle.close()
  }
}

const unreadable = (cause: unknown, file: string): Problem => {
  const { code } = cause as NodeJS.ErrnoException
  const fix = 'give the path of a CSV file with the columns source,question,answer,rating'
  if (code === 'ENOENT') return problem('there is no such file', { where: file, fix })
  if (code === 'EISDIR') return problem('this is a folder, not a CSV file', { where: file, fix })
  if (code?.startsWith('Z_')) return problem('the gzipped file is broken', { where: file, why: String(cause) })
  return problem('the file cannot be read', { where: file, why: String(cause), fix })
}
