/**
 * Files that are broken, odd or of another kind, through the commands and the readers that users meet: read where that is
 * safe, else refused with the file and the line or field. What `csv`, `npy`, `maze` and `dataset.test.ts` say of values
 * in memory is not said again.
 */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildSudoku } from '../../src/cli/data.js'
import { buildArc } from '../../src/cli/data-arc.js'
import { buildMaze } from '../../src/cli/data-maze.js'
import { openRows, readDataset, readSplit } from '../../src/data/index.js'
import { encodeNpy } from '../../src/data/npy.js'
import { type Problem, showProblem } from '../../src/problem.js'

const folder = mkdtempSync(join(tmpdir(), 'bad-files-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string): string => join(folder, name)
let made = 0
const file = (content: string | Buffer, name = 'file.csv'): string => {
  const path = at(`${made++}-${name}`)
  writeFileSync(path, content)
  return path
}
const said = async (result: Promise<E.Either<Problem, unknown>>): Promise<string> => {
  const outcome = await result
  // The folder of the test is not of interest.
  return E.isLeft(outcome) ? showProblem(outcome.left).replaceAll(`${folder}/`, '') : 'read'
}
const quiet = () => {}
/** Everybody may read everything as root. */
const isRoot = process.getuid?.() === 0

const header = 'source,question,answer,rating'
const puzzle = 'made,1.343.1..1.34.21,1234341221434321,0'
const held = 'made,.234341241232341,1234341241232341,0'
const list = (...rows: readonly string[]): string => [header, ...rows, ''].join('\n')

describe('a CSV file of Sudokus', () => {
  const test = file('', 'test.csv')
  beforeAll(() => writeFileSync(test, list('made,.321214334121234,4321214334121234,0')))
  const build = (train: string) =>
    said(buildSudoku({ out: at('sudoku'), seed: 0, train: [train], test: [test] }, quiet)())

  it.each<[string, string | Buffer]>([
    ['with Windows line ends', list(puzzle).replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\ufeff${list(puzzle)}`],
    ['with both and no line end at its end', `\ufeff${list(puzzle).trimEnd().replaceAll('\n', '\r\n')}`],
    ['that is gzipped', gzipSync(list(puzzle))],
    ['of UTF-16, as some spreadsheets write it', Buffer.from(`\ufeff${list(puzzle)}`, 'utf16le')],
    ['with quoted fields', list(puzzle.replaceAll(/[^,]+/g, '"$&"'))],
    ['with a row given twice', list(puzzle, puzzle)],
  ])('%s is read', async (_, content) => {
    expect(await build(file(content))).toBe('read')
    const [there] = [await readSplit(at('sudoku'), 'train')()]
    expect(E.isRight(there) && Array.from(there.right.inputs.subarray(0, 4))).toEqual([2, 1, 4, 5])
  })

  it.each<[string, string | Buffer, RegExp]>([
    ['that is empty', '', /^\d+-file\.csv: the file is empty\n.*source,question,answer,rating/],
    ['with nothing but a byte order mark', '\ufeff', /file\.csv: the file is empty/],
    ['without a header', `${puzzle}\n`, /file\.csv:1: the header is `made,/],
    [
      'with a column missing',
      'question,answer\n1,2\n',
      /file\.csv:1: the header is `question,answer`\n.*first line must/,
    ],
    ['with a row cut off', list(puzzle, 'made,1.34'), /file\.csv:3: the row has 2 columns, expected 4/],
    [
      'with a row of another length',
      list(puzzle, puzzle.replace('1.343', '1.34')),
      /file\.csv:3: the question has 15 cells/,
    ],
    ['with a strange character', list(puzzle.replace('1.3', '1?3')), /file\.csv:2: cell 2 of the question is '\?'/],
    ['with a character of two bytes', list(puzzle.replace('1.3', '1é3')), /file\.csv:2: cell 2 of the question is 'é'/],
    ['with a wrong line in a Windows file', list(puzzle, 'x').replaceAll('\n', '\r\n'), /file\.csv:3: the row has 1/],
    ['that is a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), /file\.csv:\d+: /],
    [
      'gzipped and cut off',
      gzipSync(list(puzzle)).subarray(0, 40),
      /file\.csv: the gzipped file is broken\n.*unexpected end/,
    ],
    [
      'gzipped and broken',
      Buffer.concat([gzipSync(list(puzzle)).subarray(0, 20), Buffer.alloc(30, 7)]),
      /gzipped file is broken/,
    ],
    ['gzipped with a wrong row', gzipSync(list(puzzle, 'x')), /file\.csv:3: the row has 1 columns/],
  ])('%s is refused', async (_, content, message) => {
    expect(await build(file(content))).toMatch(message)
  })

  it('that is a folder, or not there, is refused', async () => {
    mkdirSync(at('folder.csv'))
    expect(await build(at('folder.csv'))).toMatch(
      /^folder\.csv: this is a folder, not a CSV file\n.*fix: give the path/,
    )
    expect(await build(at('none.csv'))).toMatch(/^none\.csv: there is no such file/)
  })

  it.skipIf(isRoot)('that must not be read is refused', async () => {
    const secret = file(list(puzzle))
    chmodSync(secret, 0)
    expect(await build(secret)).toMatch(/file\.csv: the file cannot be read\n.*EACCES/)
  })

  it('whose sample alone is taken has every row looked at for its columns, and those taken for their cells', async () => {
    const sample = (content: string) =>
      said(buildSudoku({ out: at('sample'), seed: 0, train: [file(content)], test: [test], subsample: 1 }, quiet)())
    expect(await sample(list(puzzle, held))).toBe('read')
    expect(await sample(list(puzzle, held, 'made,12'))).toMatch(/file\.csv:4: the row has 2 columns/)
    expect(await sample(list('made,12,34,0', 'made,12,34,0'))).toMatch(/file\.csv:[23]: the question has 2 cells/)
  })
})

describe('a CSV file of mazes', () => {
  const maze = 'made,S  # #  G,So #o# oG,0'
  const build = (content: string | Buffer) => {
    const test = file(list('made,S  ## G  ,Soo##oGoo,0'))
    return said(buildMaze({ out: at('maze'), seed: 0, train: [file(content)], test: [test] }, quiet)())
  }
  it.each<[string, string | Buffer]>([
    ['with Windows line ends and a byte order mark', `\ufeff${list(maze)}`.replaceAll('\n', '\r\n')],
    ['that is gzipped', gzipSync(list(maze))],
    ['whose mazes begin and end with spaces', list('made,  S # G  ,  S #oGoo,0')],
  ])('%s is read', async (_, content) => {
    expect(await build(content)).toBe('read')
  })
  it.each<[string, string, RegExp]>([
    ['whose lines were trimmed', list('made,S# #  G,So #o# oG,0'), /file\.csv:2: the maze has 7 cells/],
    ['of Sudokus', list(puzzle), /file\.csv:2: cell 1 of the question is '1'/],
  ])('%s is refused', async (_, content, message) => {
    expect(await build(content)).toMatch(message)
  })
})

describe('a file of ARC tasks', () => {
  const pair = { input: [[1, 2]], output: [[2, 1]] }
  const task = { train: [pair], test: [pair] }
  const build = (test: string) => said(buildArc({ out: at('arc'), seed: 0, test: [test] }, quiet)())
  const inFolder = (content: string): string => {
    const path = at(`${made++}-tasks`)
    mkdirSync(path)
    writeFileSync(join(path, 'bad.json'), content)
    return path
  }
  const withInput = (input: unknown) => JSON.stringify({ ...task, train: [{ ...pair, input }] })

  it.each<[string, string, RegExp]>([
    ['that is empty', '', /tasks\/bad\.json: this is no JSON/],
    ['that is cut off', JSON.stringify(task).slice(0, -9), /bad\.json: this is no JSON\n {2}why: /],
    ['that is a list', '[]', /bad\.json: it has no train examples\n.*a task is/],
    ['that is null', 'null', /bad\.json: it has no train examples/],
    [
      'with ragged grids',
      withInput([[1, 2], [3]]),
      /bad\.json: train\[0\]\.input has 1 cells in row 2, 2 in the first/,
    ],
    [
      'with a colour out of range',
      withInput([[1], [10]]),
      /train\[0\]\.input has 10 in row 2, cell 1; colours are 0 to 9/,
    ],
    ['with a negative colour', withInput([[-1]]), /has -1 in row 1, cell 1/],
    ['with half a colour', withInput([[0.5]]), /has 0\.5 in row 1, cell 1/],
    ['with an empty grid', withInput([]), /train\[0\]\.input is no grid/],
    ['with an empty row', withInput([[]]), /train\[0\]\.input is no grid/],
    ['with a grid of null', withInput(null), /train\[0\]\.input is no grid/],
    ['without outputs', JSON.stringify({ ...task, test: [{ input: [[1]] }] }), /test\[0\]\.output is no grid/],
    ['with nothing in an example', JSON.stringify({ ...task, test: [null] }), /test\[0\]\.input is no grid/],
  ])('%s is refused', async (_, content, message) => {
    expect(await build(inFolder(content))).toMatch(message)
  })

  it('that is a task alone, or a folder for it, is refused with what is asked for', async () => {
    const alone = file(JSON.stringify(task), 'task.json')
    expect(await build(alone)).toMatch(/task\.json: the solutions of the tasks are missing\n.*challenges\.json/)
    mkdirSync(at('deep/bad.json'), { recursive: true })
    expect(await build(at('deep'))).toMatch(/deep\/bad\.json: the file cannot be read\n.*EISDIR/)
  })

  it('of challenges must fit its solutions', async () => {
    const combined = (challenges: unknown, solutions: unknown): string => {
      const path = at(`${made++}-combined`)
      mkdirSync(path)
      writeFileSync(join(path, 'x_challenges.json'), JSON.stringify(challenges))
      writeFileSync(join(path, 'x_solutions.json'), JSON.stringify(solutions))
      return join(path, 'x_challenges.json')
    }
    const asked = { t: { train: [pair], test: [{ input: [[1, 2]] }] } }
    expect(await build(combined(asked, { t: [[[2, 1]]] }))).toBe('read')
    expect(await build(combined(asked, {}))).toMatch(
      /x_solutions\.json: the solutions of t are not as many as its tests/,
    )
    expect(await build(combined(asked, { t: [] }))).toMatch(/x_solutions\.json: the solutions of t/)
    expect(await build(combined(asked, { t: [[[11]]] }))).toMatch(/x_challenges\.json: t: test\[0\]\.output has 11/)
    expect(await build(combined({ t: null }, { t: [] }))).toMatch(/the solutions of t are not as many/)
    expect(await build(combined(null, {}))).toMatch(/x_challenges\.json: these are no tasks by name/)
    expect(await build(combined(asked, 7))).toMatch(/x_solutions\.json: these are no tasks by name/)
  })
})

describe('a dataset folder', () => {
  beforeAll(async () => {
    const [train, test] = [file(list(puzzle)), file(list('made,.321214334121234,4321214334121234,0'))]
    const built = await buildSudoku({ out: at('good'), seed: 0, train: [train], test: [test], augment: 3 }, quiet)()
    expect(E.isRight(built)).toBe(true)
  })
  const info = () =>
    JSON.parse(readFileSync(at('good/train/dataset.json'), 'utf8')) as Readonly<Record<string, unknown>>
  const json = (changes: object) => JSON.stringify({ ...info(), ...changes })

  it.each<[string, (train: string) => void, RegExp]>([
    [
      'without dataset.json',
      (t) => rmSync(join(t, 'dataset.json')),
      /train\/dataset\.json: a file of the dataset is missing/,
    ],
    [
      'with a folder for a file',
      (t) => {
        rmSync(join(t, 'all__labels.npy'))
        mkdirSync(join(t, 'all__labels.npy'))
      },
      /all__labels\.npy: the file cannot be read\n.*EISDIR/,
    ],
    [
      'with an empty array file',
      (t) => writeFileSync(join(t, 'all__inputs.npy'), ''),
      /all__inputs\.npy: this is no \.npy file/,
    ],
    [
      'with a list in dataset.json',
      (t) => writeFileSync(join(t, 'dataset.json'), '[]'),
      /dataset\.json: seq_len is undefined/,
    ],
    [
      'with null in dataset.json',
      (t) => writeFileSync(join(t, 'dataset.json'), 'null'),
      /dataset\.json: seq_len is undefined/,
    ],
    [
      'with a length in words',
      (t) => writeFileSync(join(t, 'dataset.json'), json({ seq_len: '16' })),
      /dataset\.json: seq_len is "16"/,
    ],
    [
      'with half a vocabulary',
      (t) => writeFileSync(join(t, 'dataset.json'), json({ vocab_size: 5.5 })),
      /vocab_size is 5\.5/,
    ],
    [
      'with a smaller vocabulary',
      (t) => writeFileSync(join(t, 'dataset.json'), json({ vocab_size: 4 })),
      /all__inputs\.npy: entry \d+ is \d, expected 0 to 3/,
    ],
    [
      'with another number of groups',
      (t) => writeFileSync(join(t, 'dataset.json'), json({ total_groups: 2 })),
      /group_indices\.npy: it has 2 entries, expected 3/,
    ],
    [
      'with set names that lead elsewhere',
      (t) => writeFileSync(join(t, 'dataset.json'), json({ sets: ['other'] })),
      /other__inputs\.npy: a file of the dataset is missing/,
    ],
    [
      'with labels of fewer rows',
      (t) => writeFileSync(join(t, 'all__labels.npy'), encodeNpy({ shape: [3, 16], data: new Uint8Array(48) })),
      /all__labels\.npy: its shape is \[3,16\], expected \[4, 16\]/,
    ],
    [
      'with identifiers as a table',
      (t) =>
        writeFileSync(join(t, 'all__puzzle_identifiers.npy'), encodeNpy({ shape: [2, 2], data: new Int32Array(4) })),
      /puzzle_identifiers\.npy: its shape is \[2,2\], expected one dimension/,
    ],
    [
      'with fractions for tokens',
      (t) => writeFileSync(join(t, 'all__inputs.npy'), encodeNpy({ shape: [4, 16], data: new Float32Array(64) })),
      /all__inputs\.npy: it holds float32/,
    ],
  ])('%s is refused, naming the file, in memory and on the disk', async (_, spoil, message) => {
    rmSync(at('spoilt'), { recursive: true, force: true })
    cpSync(at('good'), at('spoilt'), { recursive: true })
    spoil(at('spoilt/train'))
    expect(await said(readSplit(at('spoilt'), 'train')())).toMatch(message)
    expect(await said(openRows(at('spoilt'), 'train', 0)())).toMatch(message)
  })

  it('that is a file, or another folder, is refused', async () => {
    const path = file('hello', 'data.txt')
    expect(await said(readSplit(path, 'train')())).toMatch(
      /data\.txt\/train\/dataset\.json: the file cannot be read\n.*ENOTDIR/,
    )
    mkdirSync(at('empty'))
    expect(await said(readSplit(at('empty'), 'train')())).toMatch(
      /empty\/train\/dataset\.json: a file of the dataset is missing/,
    )
    expect(await said(readDataset(at('empty'))())).toMatch(/empty\/identifiers\.json: a file of the dataset is missing/)
  })
})
