/** `thetagrad data sudoku`, from lists and generated: what lies in the folder, and that a failure leaves none. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildSudoku, type SudokuOptions, showSummary, sudokuUsage } from '../../src/cli/data.js'
import { readSplit } from '../../src/data/index.js'
import { showProblem } from '../../src/problem.js'
import { hasShared, sharedFile, sharedSudoku } from '../support/shared-data.js'

const header = 'source,question,answer,rating'
const answers = ['1234341221434321', '1234341241232341', '4321214334121234', '2143432112343412']
/** A question that blanks the first cell. */
const rowOf = (answer: string) => `made,.${answer.slice(1)},${answer},0`

let folder: string
let out: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-'))
  out = join(folder, 'sudoku')
})
afterEach(() => rmSync(folder, { recursive: true }))

const list = (name: string, ...rows: readonly string[]): string => {
  const path = join(folder, name)
  writeFileSync(path, [header, ...rows, ''].join('\n'))
  return path
}
const build = (options: Partial<SudokuOptions>) => buildSudoku({ out, seed: 1, ...options }, () => {})()
const summaryOf = async (options: Partial<SudokuOptions>) => {
  const built = await build(options)
  if (E.isLeft(built)) throw new Error(showProblem(built.left))
  return built.right
}
const message = async (options: Partial<SudokuOptions>): Promise<string> => {
  const built = await build(options)
  return E.isLeft(built) ? showProblem(built.left) : 'no problem'
}
const splitOf = async (name: 'train' | 'test') => {
  const split = await readSplit(out, name)()
  if (E.isLeft(split)) throw new Error(showProblem(split.left))
  return split.right
}

describe('data sudoku', () => {
  it('makes a dataset of several lists, each training puzzle with its disguises', async () => {
    const train = [list('a.csv', rowOf(answers[0]!)), list('b.csv', rowOf(answers[1]!))]
    const test = [list('c.csv', rowOf(answers[2]!), rowOf(answers[3]!))]
    const summary = await summaryOf({ train, test, augment: 5 })
    expect(summary).toMatchObject({ trainGroups: 2, trainExamples: 12, testExamples: 2, leaked: 0 })
    expect(summary).toMatchObject({ side: 4, vocabulary: 6, sequence: 16 })
    const first = Array.from(rowOf(answers[0]!).split(',')[1]!, (c) => (c === '.' ? 1 : Number(c) + 1))
    expect(Array.from((await splitOf('train')).inputs.subarray(0, 16))).toEqual(first)
    expect((await splitOf('train')).groupIndices).toEqual(Int32Array.of(0, 6, 12))
    expect((await splitOf('test')).groupIndices).toEqual(Int32Array.of(0, 1, 2))
    expect(showSummary(summary)).toMatch(
      /Sudoku 4×4\n.*12 examples in 2 groups\n.*2 examples\n.*16 of a vocabulary of 6/,
    )
  })

  it('leaves out test puzzles whose solution is trained on, and says how many', async () => {
    const train = [list('a.csv', rowOf(answers[0]!), rowOf(answers[1]!))]
    const test = [list('b.csv', rowOf(answers[2]!), rowOf(answers[1]!))]
    expect(await summaryOf({ train, test })).toMatchObject({ testExamples: 1, leaked: 1 })
    expect(await message({ train, test: train })).toMatch(/--test: every test puzzle has the solution of a training/)
  })

  it('draws a sample of the training puzzles, the same for the same seed', async () => {
    const train = [list('a.csv', ...answers.slice(0, 3).map(rowOf))]
    const test = [list('b.csv', rowOf(answers[3]!))]
    expect(await summaryOf({ train, test, subsample: 2 })).toMatchObject({ trainExamples: 2 })
    const first = await splitOf('train')
    await summaryOf({ train, test, subsample: 2 })
    expect(await splitOf('train')).toEqual(first)
  })

  it('generates', async () => {
    const summary = await summaryOf({
      generate: 4,
      trainGrids: 20,
      puzzlesPerGrid: 3,
      testGrids: 5,
      minBlanks: 6,
      maxBlanks: 8,
    })
    expect(summary).toMatchObject({ trainGroups: 20, trainExamples: 60, testExamples: 20 })
    const blanks = Array.from((await splitOf('train')).inputs).filter((token) => token === 1).length
    expect(blanks / 60).toBeGreaterThanOrEqual(6)
    expect(blanks / 60).toBeLessThanOrEqual(8)
  })

  it('fails with file and line, and leaves nothing behind', async () => {
    const good = list('good.csv', rowOf(answers[0]!))
    const bad = list('bad.csv', rowOf(answers[1]!), 'made,12')
    expect(await message({ train: [good, bad], test: [good] })).toMatch(/bad\.csv:3: the row has 2 columns/)
    expect(await message({ train: [good] })).toMatch(/^--test: no puzzles are given/)
    expect(await message({ train: [join(folder, 'none.csv')], test: [good] })).toMatch(
      /none\.csv: there is no such file/,
    )
    expect(await message({ generate: 5 })).toMatch(/--generate: there is no Sudoku of side 5/)
    expect(await message({ generate: 4, minBlanks: 9, maxBlanks: 8 })).toMatch(/cannot have 9 to 8 blanks/)
    expect(await message({ generate: 4, trainGrids: 288, testGrids: 1 })).toMatch(/only 288 different grids/)
    expect(existsSync(out)).toBe(false)
    expect(readdirSync(folder).sort()).toEqual(['bad.csv', 'good.csv'])
  })

  it('refuses lists of different sizes', async () => {
    const four = list('four.csv', rowOf(answers[0]!))
    const six = list('six.csv', rowOf('123456456123231564564231312645645312'))
    expect(await message({ train: [four, six], test: [four] })).toMatch(
      /six\.csv:2: the question has 36 cells, those before it 16/,
    )
    expect(await message({ train: [four], test: [six] })).toMatch(/--test: .*different sizes/)
  })

  it.skipIf(!hasShared('data/sudoku/extreme_train_1000.csv'))(
    'makes the training set of the headline run',
    async () => {
      const train = [sharedFile('data/sudoku/extreme_train_1000.csv')]
      const test = [sharedFile('data/sudoku/test_rating0.csv')]
      const summary = await summaryOf({ train, test, augment: 3 })
      expect(summary).toMatchObject({ trainGroups: 1000, trainExamples: 4000, testExamples: 392, leaked: 0 })
      expect(summary).toMatchObject({ vocabulary: 11, sequence: 81 })
      const { inputs, labels } = await splitOf('train')
      const rows = sharedSudoku('extreme_train_1000.csv')
      const tokens = (digits: readonly number[]) => digits.map((digit) => digit + 1)
      rows.forEach(({ question, answer }, i) => {
        const at = i * 4 * 81
        expect(Array.from(inputs.subarray(at, at + 81))).toEqual(tokens(question))
        expect(Array.from(labels.subarray(at, at + 81))).toEqual(tokens(answer))
      })
    },
  )
})

it.each([
  [{}, 'give --train FILE and --test FILE, or --download, or --generate SIDE'],
  [{ test: ['a'] }, 'give --train FILE and --test FILE'],
  [{ train: ['a'], test: ['b'], maxBlanks: 3 }, '--max-blanks is for generated puzzles: add --generate SIDE'],
  [{ generate: 9, augment: 3 }, '--augment is for puzzles of files: leave out --generate or --augment'],
  [{ generate: 9, download: true }, 'leave out --generate or --download'],
  [{ generate: 5 }, 'there is no Sudoku of side 5: give 4, 6 or 9'],
  [{ generate: 9, minBlanks: 9, maxBlanks: 8 }, '--min-blanks 9 is more than --max-blanks 8'],
  [{ download: true, train: ['a'] }, 'either fetched or of files: leave out --download or --train'],
  [{ generate: 9, cache: 'c' }, '--cache is for what is fetched: add --download'],
] as const)('%j is bad usage, and says what to change', (options, sentence) => {
  expect(sudokuUsage(options as Partial<SudokuOptions>)).toContain(sentence)
})
it.each([
  [{ train: ['a'], test: ['b'], augment: 3, subsample: 4 }],
  [{ download: true, cache: 'c', augment: 1000 }],
  [{ generate: 9, trainGrids: 3, minBlanks: 3 }],
] as const)('%j is no bad usage', (options) => {
  expect(sudokuUsage(options as Partial<SudokuOptions>)).toBeUndefined()
})
