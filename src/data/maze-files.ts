/** Mazes from CSV files, and datasets of mazes. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'
import { eachRow, type PuzzleRow } from './csv-rows.js'
import { symmetriesOf } from './dihedral.js'
import { judgeMaze, type Maze, type MazePuzzle, mazeTokens, mazeVocabulary, turnMaze } from './maze.js'
import { type DatasetSource, type Rows, singleRows } from './source.js'

/** Rows and columns. */
export interface MazeShape {
  readonly width: number
  readonly height: number
}
export interface MazeFile extends MazeShape {
  readonly mazes: readonly MazePuzzle[]
}

/** Mazes of a file, all of one shape, with answers that mark a shortest path; squares, unless their width is told. */
export const readMazes =
  (file: string, width?: number): TaskEither<Problem, MazeFile> =>
  async () => {
    const collected = collecting(width)
    const read = await eachRow(file, collected.visit)
    return E.isLeft(read) ? read : E.right(collected.file())
  }

/** Takes rows one after the other as long as they are mazes of one shape. */
const collecting = (width: number | undefined) => {
  const mazes: MazePuzzle[] = []
  const visit = (row: PuzzleRow): Problem | undefined => {
    const maze = parseMaze(row, width, mazes[0]?.question)
    if (E.isLeft(maze)) return maze.left
    mazes.push(maze.right)
    return undefined
  }
  return { visit, file: (): MazeFile => ({ ...shapeOf(mazes[0]!.question), mazes }) }
}

export const shapeOf = ({ width, cells }: Maze): MazeShape => ({ width, height: cells.length / width })
export const showShape = ({ width, height }: MazeShape): string => `${height}×${width}`

const parseMaze = (
  { fields: { question, answer }, where }: PuzzleRow,
  told: number | undefined,
  first: Maze | undefined,
): E.Either<Problem, MazePuzzle> => {
  const refuse = (what: string, fix: string) => E.left(problem(what, { where, fix }))
  const width = told ?? Math.sqrt(question.length)
  if (!Number.isInteger(question.length / width) || !Number.isInteger(width) || question.length < 2)
    return refuse(
      `the maze has ${question.length} cells`,
      told === undefined
        ? 'a maze is a square, row by row: 900 cells for 30×30; give --width COLUMNS for another rectangle'
        : `with rows of ${told} cells there must be a multiple of ${told}`,
    )
  if (first !== undefined && question.length !== first.cells.length)
    return refuse(
      `the maze is ${showShape({ width, height: question.length / width })}, those before it ${showShape(shapeOf(first))}`,
      'put mazes of one size into one file',
    )
  if (answer.length !== question.length)
    return refuse(
      `the answer has ${answer.length} cells, the question ${question.length}`,
      'the answer is the maze with its path',
    )
  const bad = [...question].findIndex((c) => !'# SG'.includes(c))
  if (bad >= 0) return refuse(`cell ${bad + 1} of the question is '${question[bad]}'`, 'cells are #, space, S and G')
  for (const letter of ['S', 'G']) {
    const count = [...question].filter((c) => c === letter).length
    if (count !== 1) return refuse(`the question has ${count} ${letter}`, 'a maze has one start S and one goal G')
  }
  const puzzle = { question: { width, cells: question }, answer: { width, cells: answer } }
  const { keepsMaze, connected, optimal } = judgeMaze(puzzle.question, puzzle.answer)
  if (!keepsMaze) return refuse('the answer is another maze', 'it may differ from the question in o for spaces alone')
  if (!connected) return refuse('the path of the answer does not lead from S to G', 'mark the path with o')
  return optimal
    ? E.right(puzzle)
    : refuse('the path of the answer is not a shortest one', 'mark one shortest path with o')
}

/** A dataset that is made while it is written: a maze a group; with `symmetries`, its turns and flips in training. */
export const mazeSource = (
  { width, height }: MazeShape,
  train: readonly MazePuzzle[],
  test: readonly MazePuzzle[],
  symmetries: boolean,
): DatasetSource => {
  const rows = (mazes: readonly MazePuzzle[]): Rows =>
    singleRows(mazes, width * height, ({ question, answer }) => ({
      input: mazeTokens(question),
      label: mazeTokens(answer),
    }))
  const turns = symmetries ? symmetriesOf(width, height) : [0]
  return {
    vocabulary: mazeVocabulary,
    sequence: width * height,
    ...(width !== height && { width }),
    count: train.length + test.length,
    groups: {
      *[Symbol.iterator]() {
        for (const maze of train) yield { train: rows(turns.map((k) => turnMaze(maze, k))) }
        for (const maze of test) yield { test: rows([maze]) }
      },
    },
  }
}

/** Test mazes that are trained on: as they are or, with `symmetries`, turned or flipped. */
export const mazeLeaks = (
  train: readonly MazePuzzle[],
  test: readonly MazePuzzle[],
  symmetries: boolean,
): ReadonlySet<number> => {
  const known = new Set<string>()
  for (const maze of train) {
    const { width, height } = shapeOf(maze.question)
    for (const k of symmetries ? symmetriesOf(width, height) : [0]) known.add(turnMaze(maze, k).question.cells)
  }
  return new Set(test.flatMap(({ question }, i) => (known.has(question.cells) ? [i] : [])))
}
