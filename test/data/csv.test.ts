/** Reading puzzle lists: what is tolerated, and what is said, with file and line, of everything else. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { type ReadOptions, readPuzzles } from '../../src/data/csv.js'
import { showProblem } from '../../src/problem.js'
import { hasShared, sharedFile, sharedSudoku } from '../support/shared-data.js'
import { readText } from '../support/text-files.js'

const header = 'source,question,answer,rating'
const good = 'made,1.343.1..1.34.21,1234341221434321,0'
const list = (...rows: readonly string[]) => [header, ...rows, ''].join('\n')
const read = (text: string, options: ReadOptions = {}) =>
  readText(text, 'puzzles.csv', (file) => readPuzzles(file, options))
const message = async (text: string): Promise<string> => {
  const result = await read(text)
  return E.isLeft(result) ? showProblem(result.left) : 'no problem'
}

describe('a list of puzzles', () => {
  it('gives questions and answers with 0 for blanks, written . or 0', async () => {
    const parsed = await read(list(good, good.replaceAll('.', '0')))
    expect(E.isRight(parsed) && parsed.right.geometry.side).toBe(4)
    const puzzle = {
      question: [1, 0, 3, 4, 3, 0, 1, 0, 0, 1, 0, 3, 4, 0, 2, 1],
      answer: [1, 2, 3, 4, 3, 4, 1, 2, 2, 1, 4, 3, 4, 3, 2, 1],
    }
    expect(E.isRight(parsed) && parsed.right.puzzles).toEqual([puzzle, puzzle])
  })

  it('may have a byte order mark, Windows line ends, and empty lines at its end', async () => {
    const plain = await read(list(good, good))
    expect(E.isRight(plain) && plain.right.puzzles.length).toBe(2)
    expect(await read(`\ufeff${list(good, good).replaceAll('\n', '\r\n')}\r\n\r\n`)).toEqual(plain)
    expect(await read([header, good, good].join('\n'))).toEqual(plain)
  })

  it('of side 6 has boxes of 2 × 3', async () => {
    const answer = '123456456123231564564231312645645312'
    const result = await read(list(`made,${`${answer.slice(0, 30)}......`},${answer},0`))
    expect(E.isRight(result) && result.right.geometry).toEqual({ side: 6, boxRows: 2, boxColumns: 3 })
  })

  it.each([
    ['with a short row', list(good, 'made,1234341221434321'), /puzzles\.csv:3: the row has 2 columns, expected 4/],
    ['with a long row', list(`${good},x`), /puzzles\.csv:2: the row has 5 columns/],
    ['with a wrong character', list(good, good, good.replace(',1.3', ',1x3')), /csv:4: cell 2 of the question is 'x'/],
    ['with a digit too large', list(good.replace(',1.3', ',153')), /csv:2: cell 2 of the question is '5'\n.*1–4/],
    ['with a space in a grid', list(good.replace(',1.3', ',1 3')), /csv:2: cell 2 of the question is ' '/],
    [
      'with spaces around a grid',
      list(good.replace(',1.3', ', 1.3')),
      /csv:2: the question has 17 cells\n.*16, 36, 81/,
    ],
    ['with a short question', list(good.replace(',1.34', ',1.3')), /csv:2: the question has 15 cells/],
    ['with a short answer', list(good.replace('4321,', '432,')), /csv:2: the answer has 15 cells, the question 16/],
    ['with a blank in an answer', list(good.replace('1234341', '1.34341')), /csv:2: the answer is no solved grid/],
    [
      'with an answer that contradicts a clue',
      list(good, 'made,2...............,1234341221434321,0'),
      /csv:3: the answer has 1 in cell 1, the question 2/,
    ],
    [
      'with an answer that is no solution',
      list(good, 'made,1...............,1234341221431234,0'),
      /csv:3: the answer is no solved grid/,
    ],
    [
      'with a puzzle of two solutions',
      list(good, good, 'made,1.3.3.1.........,1234341221434321,0'),
      /csv:4: the puzzle has two solutions\n.*exactly one/,
    ],
    ['with an open quote', list(good, '"made,1.3.'), /puzzles\.csv:\d+: this is no CSV/],
    ['with grids of two sizes', list(good, `made,${'.'.repeat(81)},${'1'.repeat(81)},0`), /csv:3: .*81 cells, .* 16/],
    ['without header', `${good}\n`, /puzzles\.csv:1: the header is .*\n.*source,question,answer,rating/],
    ['without puzzles', list(), /puzzles\.csv: .*no puzzles/],
    ['without anything', '', /puzzles\.csv: the file is empty/],
  ])('%s is refused', async (_, text, expected) => {
    expect(await message(text)).toMatch(expected)
  })

  it('counts lines of Windows files as an editor does', async () => {
    expect(await message(list(good, good, 'x').replaceAll('\n', '\r\n'))).toMatch(/puzzles\.csv:4:/)
  })

  it('is taken at its word about uniqueness where that is asked for', async () => {
    const ambiguous = list('made,1.3.3.1.........,1234341221434321,0')
    expect(E.isRight(await read(ambiguous, { checkUnique: false }))).toBe(true)
  })

  it('that is not there, or a folder, is a problem', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'csv-'))
    try {
      const missing = await readPuzzles(join(folder, 'none.csv'))()
      expect(E.isLeft(missing) && showProblem(missing.left)).toMatch(/none\.csv: there is no such file\n.*fix/)
      const directory = await readPuzzles(folder)()
      expect(E.isLeft(directory) && directory.left.what).toBe('this is a folder, not a CSV file')
      writeFileSync(join(folder, 'one.csv'), list(good))
      expect(E.isRight(await readPuzzles(join(folder, 'one.csv'))())).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  for (const name of ['extreme_train_1000.csv', 'test_rating0.csv'])
    it.skipIf(!hasShared(`data/sudoku/${name}`))(`of real puzzles, ${name}, is read and found unique`, async () => {
      const result = await readPuzzles(sharedFile(`data/sudoku/${name}`))()
      expect(E.isRight(result) && result.right.puzzles).toEqual(
        sharedSudoku(name).map(({ question, answer }) => ({ question, answer })),
      )
    })
})
