/** Mazes from CSV files, and datasets of mazes. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'
import { type PuzzleRow, parseRows, readText } from './csv-rows.js'
import type { Dataset } from './dataset.js'
import { judgeMaze, type MazePuzzle, mazeTokens, mazeVocabulary, turnMaze } from './maze.js'
import { singleSplit } from './single.js'
import type { DatasetSplit } from './split.js'

export interface MazeFile {
  readonly width: number
  readonly mazes: readonly MazePuzzle[]
}

/** Mazes of a file, all square and of one size, with answers that mark a shortest path. */
export const readMazes =
  (file: string): TaskEither<Problem, MazeFile> =>
  async () => {
    const text = await readText(file)
    return E.isLeft(text) ? text : parseMazes(text.right, file)
  }

export const parseMazes = (text: string, file: string): E.Either<Problem, MazeFile> => {
  const rows = parseRows(text, file)
  if (E.isLeft(rows)) return rows
  const mazes: MazePuzzle[] = []
  for (const row of rows.right) {
    const maze = parseMaze(row, mazes[0]?.question.width)
    if (E.isLeft(maze)) return maze
    mazes.push(maze.right)
  }
  return E.right({ width: mazes[0]!.question.width, mazes })
}

const parseMaze = (
  { fields: { question, answer }, where }: PuzzleRow,
  expected: number | undefined,
): E.Either<Problem, MazePuzzle> => {
  const refuse = (what: string, fix: string) => E.left(problem(what, { where, fix }))
  const width = Math.sqrt(question.length)
  if (!Number.isInteger(width) || width < 2)
    return refuse(`the maze has ${question.length} cells`, 'a maze is a square, row by row: 900 cells for 30×30')
  if (expected !== undefined && width !== expected)
    return refuse(
      `the maze is ${width}×${width}, those before it ${expected}×${expected}`,
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

/** A maze a group; with `symmetries`, its eight turns and flips. */
export const mazeSplit = (width: number, mazes: Iterable<MazePuzzle>, symmetries: boolean): DatasetSplit =>
  singleSplit(mazeVocabulary, width * width, groupsOf(mazes, symmetries), ({ question, answer }) => ({
    input: mazeTokens(question),
    label: mazeTokens(answer),
  }))

function* groupsOf(mazes: Iterable<MazePuzzle>, symmetries: boolean): Generator<readonly MazePuzzle[]> {
  for (const maze of mazes) yield symmetries ? Array.from({ length: 8 }, (_, k) => turnMaze(maze, k)) : [maze]
}

export const mazeDataset = (train: DatasetSplit, test: DatasetSplit): Dataset => ({
  splits: { train, test },
  identifiers: ['<blank>'],
})
