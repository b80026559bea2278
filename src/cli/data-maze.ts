/** `thetagrad data maze`: builds a dataset folder from CSV files or a generator. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { generateMaze, type MazePuzzle, mazeSource, mazeVocabulary, readMazes } from '../data/index.js'
import { type Problem, problem } from '../problem.js'
import { type Log, writeWatched } from './data-writing.js'

export interface MazeOptions {
  readonly out: string
  readonly seed: number
  /** CSV files; with `generate`, none. */
  readonly train?: readonly string[]
  readonly test?: readonly string[]
  /** Rows and columns of generated mazes. */
  readonly generate?: number
  readonly trainCount?: number
  readonly testCount?: number
  /** Fewest cells of a generated path. */
  readonly minPath?: number
  /** Add the seven turns and flips of every training maze, whose labels they mostly contradict. */
  readonly dihedral?: boolean
}

export interface MazeSummary {
  readonly out: string
  readonly side: number
  readonly trainExamples: number
  readonly testExamples: number
  readonly vocabulary: number
  readonly sequence: number
  readonly seconds: number
}

export const buildMaze =
  (options: MazeOptions, log: Log): TaskEither<Problem, MazeSummary> =>
  async () => {
    const start = performance.now()
    const made = options.generate === undefined ? await fromFiles(options) : generated(options, log)
    if (E.isLeft(made)) return made
    const { side, train, test } = made.right
    const shape = { width: side, height: side }
    const source = mazeSource(shape, train, test, options.dihedral ?? false)
    const written = await writeWatched(source, options.out, log)()
    if (E.isLeft(written)) return written
    return E.right({
      out: options.out,
      side,
      trainExamples: written.right.train.examples,
      testExamples: written.right.test.examples,
      vocabulary: mazeVocabulary,
      sequence: side * side,
      seconds: (performance.now() - start) / 1000,
    })
  }

interface Made {
  readonly side: number
  readonly train: readonly MazePuzzle[]
  readonly test: readonly MazePuzzle[]
}

const fromFiles = async ({ train = [], test = [] }: MazeOptions): Promise<E.Either<Problem, Made>> => {
  const read = async (option: string, files: readonly string[]): Promise<E.Either<Problem, Omit<Made, 'test'>>> => {
    const mazes: MazePuzzle[] = []
    let side: number | undefined
    for (const file of files) {
      const one = await readMazes(file)()
      if (E.isLeft(one)) return one
      if (side !== undefined && one.right.width !== side)
        return E.left(problem('the files hold mazes of different sizes', { where: file, fix: 'one dataset a size' }))
      side = one.right.width
      mazes.push(...one.right.mazes)
    }
    return side === undefined
      ? E.left(
          problem('no mazes are given', {
            where: option,
            fix: 'name CSV files with --train and --test, or use --generate SIDE',
          }),
        )
      : E.right({ side, train: mazes })
  }
  const [trained, tested] = [await read('--train', train), await read('--test', test)]
  if (E.isLeft(trained)) return trained
  if (E.isLeft(tested)) return tested
  if (tested.right.side !== trained.right.side)
    return E.left(problem('the training and test files hold mazes of different sizes', { where: '--test' }))
  const known = new Set(trained.right.train.map(({ question }) => question.cells))
  return E.right({ ...trained.right, test: tested.right.train.filter(({ question }) => !known.has(question.cells)) })
}

/** Fewest cells of a path by default: 110 at side 30, as published, and in proportion. */
const defaultPath = (side: number): number => Math.max(2, Math.round((110 / 30) * side * (side / 30 + 1) * 0.5))

const generated = (options: MazeOptions, log: Log): E.Either<Problem, Made> => {
  const { generate: side = 30, trainCount = 1000, testCount = 1000, seed } = options
  if (options.train !== undefined || options.test !== undefined)
    return E.left(
      problem('mazes are either generated or read', { where: '--generate', fix: 'drop --train and --test' }),
    )
  if (side < 3) return E.left(problem(`a maze of side ${side} is none`, { where: '--generate', fix: 'give 3 or more' }))
  const minPath = options.minPath ?? defaultPath(side)
  const wanted = trainCount + testCount
  log(`generating ${wanted} mazes of side ${side} with paths of ${minPath} cells or more`)
  const mazes = new Map<string, MazePuzzle>()
  let said = performance.now()
  for (let index = 0; mazes.size < wanted; index++) {
    const maze = generateMaze({ side, minPath, seed }, index)
    if (maze === undefined || index > 100 * wanted)
      return E.left(
        problem(`no maze of side ${side} with a path of ${minPath} cells was found`, {
          where: '--min-path',
          why: `${mazes.size} of ${wanted} mazes were made`,
          fix: 'lower --min-path',
        }),
      )
    mazes.set(maze.question.cells, maze)
    if (performance.now() - said > 1000) {
      log(`${mazes.size} of ${wanted}`)
      said = performance.now()
    }
  }
  const all = [...mazes.values()]
  return E.right({ side, train: all.slice(0, trainCount), test: all.slice(trainCount) })
}

export const showMazeSummary = (s: MazeSummary): string =>
  [
    `${s.out}: mazes ${s.side}×${s.side}`,
    `  train  ${s.trainExamples} examples`,
    `  test   ${s.testExamples} examples`,
    `  tokens ${s.sequence} of a vocabulary of ${s.vocabulary}`,
    `  in ${s.seconds.toFixed(1)} s`,
  ].join('\n')
