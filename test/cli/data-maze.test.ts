/** `thetagrad data maze`: from files, generated and fetched; what lies in the folder, and what is refused. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { downloadTable } from '../../src/cli/data-download.js'
import { buildMaze, type MazeOptions, mazeUsage, showMazeSummary } from '../../src/cli/data-maze.js'
import { judgeMazeTokens, publicTables, readSplit, shortestPath, solveMaze, turnMaze } from '../../src/data/index.js'
import { showProblem } from '../../src/problem.js'
import { fileServer } from '../support/file-server.js'
import { hasShared, sharedFile } from '../support/shared-data.js'

let folder: string
let out: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-maze-'))
  out = join(folder, 'maze')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A file of mazes, each with the answer of its label rule, drawn by its rows. */
const file = (name: string, ...mazes: readonly (readonly string[])[]): string => {
  const path = join(folder, name)
  const rows = mazes.map((drawn) => {
    const solved = solveMaze({ width: drawn[0]!.length, cells: drawn.join('') })!
    return `made,${solved.question.cells},${solved.answer.cells},0`
  })
  writeFileSync(path, ['source,question,answer,rating', ...rows, ''].join('\n'))
  return path
}
const build = (options: Partial<MazeOptions>, seed = 1) => buildMaze({ out, seed, ...options }, () => {})()
const summaryOf = async (options: Partial<MazeOptions>, seed?: number) => {
  const built = await build(options, seed)
  if (E.isLeft(built)) throw new Error(showProblem(built.left))
  return built.right
}
const message = async (options: Partial<MazeOptions>): Promise<string> => {
  const built = await build(options)
  return E.isLeft(built) ? showProblem(built.left) : 'no problem'
}
const splitOf = async (name: 'train' | 'test') => {
  const split = await readSplit(out, name)()
  if (E.isLeft(split)) throw new Error(showProblem(split.left))
  return split.right
}

const a = ['S #', ' ##', '  G']
const b = ['S#G', '   ', '###']
const wide = ['S  #', '## G']

describe('mazes of files', () => {
  it('are squares, or rectangles whose width is told', async () => {
    expect(await summaryOf({ train: [file('a', a)], test: [file('b', b)] })).toMatchObject({
      width: 3,
      height: 3,
      trainExamples: 1,
      testExamples: 1,
      sequence: 9,
      vocabulary: 6,
    })
    const rectangles = { train: [file('w', wide)], test: [file('v', ['S   ', '   G'])] }
    const summary = await summaryOf({ ...rectangles, width: 4 })
    expect(summary).toMatchObject({ width: 4, height: 2, sequence: 8 })
    expect(showMazeSummary(summary)).toMatch(/mazes 2×4\n.*1 examples in 1 groups\n.*1 examples\n.*8 of a vocabulary/)
    expect(Array.from((await splitOf('train')).inputs)).toEqual(
      [...wide.join('')].map((cell) => '# SG'.indexOf(cell) + 1),
    )
    expect(await message(rectangles)).toMatch(/w:2: the maze has 8 cells\n.*--width COLUMNS/)
    expect(await message({ ...rectangles, width: 3 })).toMatch(/a multiple of 3/)
  })

  it('are of one size in all files', async () => {
    const other = file('other', ['S ', ' G'])
    expect(await message({ train: [file('a', a), other], test: [file('b', b)] })).toMatch(
      /other: its mazes are 2×2, those before 3×3\n.*one dataset for each size/,
    )
    expect(await message({ train: [file('a', a)], test: [other] })).toMatch(/other: its mazes are 2×2/)
  })

  it('are not turned unless that is asked for, and then in training alone', async () => {
    const files = { train: [file('a', a)], test: [file('b', b)] }
    expect(await summaryOf(files)).toMatchObject({ trainGroups: 1, trainExamples: 1, testExamples: 1 })
    expect(await summaryOf({ ...files, dihedral: true })).toMatchObject({
      trainGroups: 1,
      trainExamples: 8,
      testExamples: 1,
    })
    const { inputs, labels } = await splitOf('train')
    const mazes = Array.from({ length: 8 }, (_, i) => [inputs, labels].map((t) => t.subarray(9 * i, 9 * i + 9)))
    expect(new Set(mazes.map(([question]) => String(question))).size).toBe(8)
    for (const [question, answer] of mazes) expect(judgeMazeTokens(question!, answer!)).toBe(true)
    // Of a rectangle only the four symmetries that keep it.
    const rectangle = { train: [file('w', wide)], test: [file('v', ['S   ', '   G'])], width: 4 }
    expect(await summaryOf({ ...rectangle, dihedral: true })).toMatchObject({ trainExamples: 4 })
    const half = await splitOf('train')
    for (let i = 0; i < 4; i++) {
      const of = (tokens: Uint8Array | Int32Array) => tokens.subarray(8 * i, 8 * i + 8)
      expect(judgeMazeTokens(of(half.inputs), of(half.labels), 4)).toBe(true)
    }
  })

  it('that are trained on are left out of the test, turned ones too where those are trained on', async () => {
    const flipped = a.map((row) => [...row].reverse().join(''))
    const files = { train: [file('a', a)], test: [file('t', a, flipped, b)] }
    const summary = await summaryOf(files)
    expect(summary).toMatchObject({ testExamples: 2, leaked: 1 })
    expect(showMazeSummary(summary)).toContain('(1 left out: they are trained on)')
    expect(await summaryOf({ ...files, dihedral: true })).toMatchObject({ testExamples: 1, leaked: 2 })
    expect(await message({ train: files.train, test: files.train })).toMatch(/--test: every test maze is a training/)
    expect(turnMaze(solveMaze({ width: 3, cells: a.join('') })!, 4).question.cells).toBe(flipped.join(''))
  })
})

describe('generated mazes', () => {
  it('are of the asked shape, with paths as long as demanded, all different, the same for the same seed', async () => {
    const options = { generate: { width: 7, height: 5 }, trainCount: 20, testCount: 5, minPath: 9 }
    expect(await summaryOf(options)).toMatchObject({
      width: 7,
      height: 5,
      trainExamples: 20,
      testExamples: 5,
      leaked: 0,
    })
    const questions = await Promise.all(['train' as const, 'test' as const].map(splitOf))
    const mazes = questions.flatMap(({ inputs }) =>
      Array.from({ length: inputs.length / 35 }, (_, i) =>
        Array.from(inputs.subarray(35 * i, 35 * i + 35), (t) => '?# SG'[t]).join(''),
      ),
    )
    expect(new Set(mazes).size).toBe(25)
    for (const cells of mazes) expect(shortestPath({ width: 7, cells })!.length).toBeGreaterThanOrEqual(9)
    const bytes = readFileSync(join(out, 'train', 'all__inputs.npy'))
    await summaryOf(options)
    expect(readFileSync(join(out, 'train', 'all__inputs.npy')).equals(bytes)).toBe(true)
    await summaryOf(options, 2)
    expect(readFileSync(join(out, 'train', 'all__inputs.npy')).equals(bytes)).toBe(false)
  })

  it('that are not to be found are a problem with a cure, and leave no folder', async () => {
    expect(await message({ generate: { width: 3, height: 3 }, minPath: 9, trainCount: 1, testCount: 1 })).toMatch(
      /--min-path: only 0 of 2 mazes of 3×3 with paths of 9 cells were found\n.*lower --min-path/,
    )
    expect(await message({ generate: { width: 2, height: 2 }, minPath: 3, trainCount: 500, testCount: 500 })).toMatch(
      /--min-path: only \d+ of 1000 .*\n.*lower --train-count and --test-count/,
    )
    expect(readdirSync(folder)).toEqual([])
  })
})

it.each([
  [{}, 'give --train FILE and --test FILE, or --download, or --generate SIZE'],
  [{ train: ['a'] }, 'give --train FILE and --test FILE'],
  [{ train: ['a'], test: ['b'], minPath: 3 }, '--min-path is for generated mazes: add --generate SIZE'],
  [{ trainCount: 3 }, '--train-count is for generated mazes'],
  [{ generate: { width: 9, height: 9 }, train: ['a'] }, 'leave out --generate or --train'],
  [{ generate: { width: 9, height: 9 }, width: 9 }, 'leave out --generate or --width'],
  [{ generate: { width: 9, height: 9 }, download: true }, 'leave out --generate or --download'],
  [{ generate: { width: 3, height: 1 } }, 'no maze of 1×3 cells worth solving'],
  [{ generate: { width: 3, height: 3 }, minPath: 10 }, 'a maze of 3×3 has no path of 10 cells: lower --min-path'],
  [{ download: true, test: ['a'] }, 'either fetched or of files: leave out --download or --test'],
  [{ train: ['a'], test: ['b'], cache: 'c' }, '--cache is for what is fetched: add --download'],
] as const)('%j is bad usage, and says what to change', (options, sentence) => {
  expect(mazeUsage(options as Partial<MazeOptions>)).toContain(sentence)
})
it.each([
  [{ train: ['a'], test: ['b'], width: 3, dihedral: true }],
  [{ download: true, cache: 'c', dihedral: true }],
  [{ generate: { width: 3, height: 9 }, minPath: 10, trainCount: 1, testCount: 1 }],
] as const)('%j is no bad usage', (options) => {
  expect(mazeUsage(options as Partial<MazeOptions>)).toBeUndefined()
})

describe.skipIf(!hasShared('data/maze/train.csv'))('Maze-Hard, fetched', () => {
  /** The shared copies name their source; the public ones leave that column empty. */
  const published = (split: string): Buffer =>
    Buffer.from(readFileSync(sharedFile(`data/maze/${split}.csv`), 'utf8').replaceAll(/^maze-30x30-hard-1k,/gm, ','))

  it('is the file whose digest is known, and both splits are trained on as they are', async () => {
    const sums = publicTables.maze.sha256
    const server = await fileServer((url) => {
      const split = /^\/datasets\/sapientinc\/maze-30x30-hard-1k\/resolve\/549754de\w{32}\/(\w+)\.csv$/.exec(url)?.[1]
      return split === undefined ? undefined : { body: published(split) }
    })
    try {
      const lines: string[] = []
      const from = { huggingFace: server.origin, gitHub: server.origin }
      const flags = { cache: join(folder, 'cache') }
      const fetched = await downloadTable(publicTables.maze, flags, (line) => lines.push(line), from)()
      if (E.isLeft(fetched)) throw new Error(showProblem(fetched.left))
      for (const split of ['train', 'test'] as const)
        expect(createHash('sha256').update(readFileSync(fetched.right[split])).digest('hex')).toBe(sums[split])
      expect(lines.filter((line) => line.startsWith('fetching http')).length).toBe(2)
      // In the cache already: nothing is asked of the server.
      await server.close()
      const again = await buildMaze({ out, seed: 0, download: true, ...flags }, () => {})()
      if (E.isLeft(again)) throw new Error(showProblem(again.left))
      expect(again.right).toMatchObject({ trainExamples: 1000, testExamples: 1000, leaked: 0, sequence: 900 })
    } finally {
      await server.close()
    }
  })
})

it('a command that cannot fetch leaves no folder', async () => {
  const server = await fileServer(() => undefined)
  process.env.HF_ENDPOINT = `${server.origin}/`
  try {
    expect(await message({ download: true, cache: join(folder, 'cache') })).toMatch(
      /train\.csv: 127.* does not give the file\n.*404\n {2}fix: fetch it by hand \(curl -LO http.*train\.csv\) and give it with --train instead/,
    )
  } finally {
    delete process.env.HF_ENDPOINT
    await server.close()
  }
  expect(existsSync(out)).toBe(false)
})
