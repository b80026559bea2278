/** `thetagrad data maze`: builds a dataset folder from CSV files or a generator. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import {
  generateMaze,
  type MazePuzzle,
  type MazeShape,
  mayReplace,
  mazeLeaks,
  mazeSource,
  mazeVocabulary,
  publicTables,
  readMazes,
  showShape,
} from '../data/index.js'
import { type Problem, problem } from '../problem.js'
import { type DownloadFlags, downloadTable } from './data-download.js'
import { generateDistinct } from './data-generating.js'
import { type Log, writeWatched } from './data-writing.js'
import { given } from './options.js'

export interface MazeOptions extends DownloadFlags {
  readonly out: string
  readonly seed: number
  /** Maze-Hard instead of files. */
  readonly download?: true
  /** CSV files; with `generate`, none. */
  readonly train?: readonly string[]
  readonly test?: readonly string[]
  /** Columns of the mazes in the files, where they are no squares. */
  readonly width?: number
  /** Rows and columns of generated mazes. */
  readonly generate?: MazeShape
  readonly trainCount?: number
  readonly testCount?: number
  /** Fewest cells of a generated path, S and G among them. */
  readonly minPath?: number
  /** Add the turns and flips of every training maze, whose labels they mostly contradict. */
  readonly dihedral?: boolean
}

export interface MazeSummary extends MazeShape {
  readonly out: string
  readonly trainGroups: number
  readonly trainExamples: number
  readonly testExamples: number
  /** Test mazes left out because they are trained on. */
  readonly leaked: number
  readonly vocabulary: number
  readonly sequence: number
  readonly seconds: number
}

/** Why options do not go together, if they do not: bad usage. */
export const mazeUsage = (o: Omit<MazeOptions, 'out' | 'seed'>): string | undefined => {
  const files = { '--train': o.train, '--test': o.test, '--width': o.width }
  const made = { '--train-count': o.trainCount, '--test-count': o.testCount, '--min-path': o.minPath }
  if (o.download === undefined && o.cache !== undefined) return '--cache is for what is fetched: add --download'
  if (o.generate === undefined) {
    const stray = given(made)
    if (stray !== undefined) return `${stray} is for generated mazes: add --generate SIZE, or leave it out`
    if (o.download) {
      const file = given(files)
      return file && `mazes are either fetched or of files: leave out --download or ${file}`
    }
    return o.train === undefined || o.test === undefined
      ? 'give --train FILE and --test FILE, or --download, or --generate SIZE'
      : undefined
  }
  const stray = given({ ...files, '--download': o.download })
  if (stray !== undefined) return `mazes are either generated or read: leave out --generate or ${stray}`
  const { width, height } = o.generate
  if (width * height < 4) return `there is no maze of ${showShape(o.generate)} cells worth solving: give 2 or more`
  return o.minPath !== undefined && o.minPath > width * height
    ? `a maze of ${showShape(o.generate)} has no path of ${o.minPath} cells: lower --min-path`
    : undefined
}

export const buildMaze =
  (options: MazeOptions, log: Log): TaskEither<Problem, MazeSummary> =>
  async () => {
    const start = performance.now()
    const may = await mayReplace(options.out)
    if (E.isLeft(may)) return may
    const files = options.download ? await fetched(options, log) : E.right(options)
    if (E.isLeft(files)) return files
    const made = options.generate === undefined ? await fromFiles(files.right, log) : await generated(options, log)
    if (E.isLeft(made)) return made
    const { shape, train, test, leaked } = made.right
    const source = mazeSource(shape, train, test, options.dihedral ?? false)
    const written = await writeWatched(source, options.out, log)()
    if (E.isLeft(written)) return written
    return E.right({
      out: options.out,
      ...shape,
      trainGroups: train.length,
      trainExamples: written.right.train.examples,
      testExamples: written.right.test.examples,
      leaked,
      vocabulary: mazeVocabulary,
      sequence: source.sequence,
      seconds: (performance.now() - start) / 1000,
    })
  }

interface Made {
  readonly shape: MazeShape
  readonly train: readonly MazePuzzle[]
  readonly test: readonly MazePuzzle[]
  readonly leaked: number
}

/** The options with what was fetched as files. */
const fetched = async (options: MazeOptions, log: Log): Promise<E.Either<Problem, MazeOptions>> => {
  const paths = await downloadTable(publicTables.maze, options, log)()
  return E.isLeft(paths) ? paths : E.right({ ...options, train: [paths.right.train], test: [paths.right.test] })
}

const fromFiles = async (options: MazeOptions, log: Log): Promise<E.Either<Problem, Made>> => {
  const { train = [], test = [], width, dihedral = false } = options
  const mazes: Record<'train' | 'test', MazePuzzle[]> = { train: [], test: [] }
  let shape: MazeShape | undefined
  for (const [part, files] of [
    ['train', train],
    ['test', test],
  ] as const)
    for (const file of files) {
      log(`reading ${file}`)
      const one = await readMazes(file, width)()
      if (E.isLeft(one)) return one
      const { mazes: read, ...its } = one.right
      if (shape !== undefined && (its.width !== shape.width || its.height !== shape.height))
        return E.left(
          problem(`its mazes are ${showShape(its)}, those before ${showShape(shape)}`, {
            where: file,
            fix: 'build one dataset for each size',
          }),
        )
      shape = its
      for (const maze of read) mazes[part].push(maze)
    }
  const leaked = mazeLeaks(mazes.train, mazes.test, dihedral)
  const kept = mazes.test.filter((_, i) => !leaked.has(i))
  return kept.length === 0
    ? E.left(problem('every test maze is a training maze', { where: '--test', fix: 'name other test files' }))
    : E.right({ shape: shape!, train: mazes.train, test: kept, leaked: leaked.size })
}

/** Fewest cells of a path by default: 110 at 30×30, as published; less than in proportion to the side where it is smaller. */
const defaultPath = ({ width, height }: MazeShape): number => {
  const side = Math.sqrt(width * height)
  return Math.max(2, Math.round((110 / 30) * side * (side / 30 + 1) * 0.5))
}

const generated = async (options: MazeOptions, log: Log): Promise<E.Either<Problem, Made>> => {
  const { generate: shape = { width: 30, height: 30 }, trainCount = 1000, testCount = 1000, seed } = options
  const minPath = options.minPath ?? defaultPath(shape)
  const wanted = trainCount + testCount
  log(`generating ${wanted} mazes of ${showShape(shape)} with paths of ${minPath} cells or more`)
  const made = await generateDistinct(
    wanted,
    (index) => generateMaze({ side: shape.height, columns: shape.width, minPath, seed }, index),
    ({ question }) => question.cells,
    log,
  )
  if (E.isLeft(made)) {
    const { found, none } = made.left
    return E.left(
      problem(`only ${found} of ${wanted} mazes of ${showShape(shape)} with paths of ${minPath} cells were found`, {
        where: options.minPath === undefined ? '--generate' : '--min-path',
        fix: none ? 'lower --min-path' : 'lower --train-count and --test-count, or give a larger --generate',
      }),
    )
  }
  return E.right({ shape, train: made.right.slice(0, trainCount), test: made.right.slice(trainCount), leaked: 0 })
}

export const showMazeSummary = (s: MazeSummary): string =>
  [
    `${s.out}: mazes ${showShape(s)}`,
    `  train  ${s.trainExamples} examples in ${s.trainGroups} groups`,
    `  test   ${s.testExamples} examples${s.leaked > 0 ? ` (${s.leaked} left out: they are trained on)` : ''}`,
    `  tokens ${s.sequence} of a vocabulary of ${s.vocabulary}`,
    `  in ${s.seconds.toFixed(1)} s`,
  ].join('\n')
