/**
 * Symmetric copies of a puzzle, for a model to be asked the same in several disguises: of Sudokus random ones of their
 * group, of mazes the symmetries of their rectangle. Which puzzles a dataset holds is read off its examples, because its
 * files do not say it.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import { dihedral, symmetriesOf } from './dihedral.js'
import { type Geometry, geometryOfCells, gridOfTokens, isSolution, tokensOf, vocabularyOf } from './grid.js'
import { judgeMazeTokens, mazeOfTokens, mazeVocabulary, solveMaze, turnMaze } from './maze.js'
import { randomOf } from './random.js'
import { type DatasetInfo, gridWidth } from './split.js'
import { applySymmetry, randomSymmetry } from './symmetry.js'
import type { TokenSymmetry } from './token-symmetry.js'

/** The copies that a task allows. */
export interface Copies {
  /** What changes from copy to copy, in words. */
  readonly about: string
  /** How many there are at most. */
  readonly most: number
  /** The disguise of copy 0, 1, …, of an example; that of copy 0 changes nothing. */
  readonly of: (seed: number, example: number, copy: number) => TokenSymmetry
}

const numbers = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i)

/** Digits relabelled, bands, rows, stacks and columns permuted, transposed where boxes are square: drawn at random. */
export const sudokuCopies = (geometry: Geometry): Copies => {
  const cells = numbers(geometry.side ** 2)
  const digits = [0, ...numbers(geometry.side).map((d) => d + 1)]
  return {
    about: `digits relabelled, lines permuted${geometry.boxRows === geometry.boxColumns ? ', transposed' : ''}`,
    most: Number.POSITIVE_INFINITY,
    of: (seed, example, copy) => {
      if (copy === 0) return { cells, tokens: numbers(vocabularyOf(geometry)) }
      const s = randomSymmetry(geometry, randomOf(seed, example, copy))
      // Where each cell comes from: the symmetry of the places alone, applied to the numbers of the cells.
      const places = applySymmetry(geometry, { ...s, digits: cells }, cells)
      return { cells: places, tokens: [0, ...tokensOf(digits.map((d) => s.digits[d]!))] }
    },
  }
}

/** Mazes turned and mirrored. */
export const mazeCopies = (width: number, height: number): Copies => {
  const rows = numbers(height).map((y) => numbers(width).map((x) => y * width + x))
  const maps = symmetriesOf(width, height).map(
    (t): TokenSymmetry => ({ cells: dihedral(rows, t).flat(), tokens: numbers(mazeVocabulary) }),
  )
  return {
    about: width === height ? 'turned and mirrored' : 'mirrored and turned by 180°',
    most: maps.length,
    of: (_seed, _example, copy) => maps[copy]!,
  }
}

/** An example as tokens. */
export interface Labelled {
  readonly inputs: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

/** The copies that the examples of a dataset allow; a problem where they are none that have known symmetries. */
export const allowedCopies = (
  info: DatasetInfo,
  examples: Iterable<Labelled>,
  where: string,
): E.Either<Problem, Copies> => {
  const refuse = (why: string, fix = 'leave out --copies; --rollouts and --checkpoints work for every task') =>
    E.left(problem('symmetric copies of these puzzles cannot be made', { where, why, fix }))
  if (info.num_puzzle_identifiers > 1)
    return refuse('each puzzle has an identifier of its own, which would not be that of a disguised one')
  const width = gridWidth(info)
  const height = info.seq_len / width
  const geometry = geometryOfCells(info.seq_len)
  let [count, stray, isSudokus, isMazes] = [0, 0, geometry !== undefined, true]
  for (const example of examples) {
    isSudokus &&= isSudoku(geometry!, example)
    isMazes &&= !isSudokus && judgeMazeTokens(example.inputs, example.labels, width) === true
    if (!isSudokus && !isMazes) return refuse('they are neither Sudokus nor mazes, whose symmetries are known')
    if (isMazes && !labelFollows(example, width, height)) stray++
    count++
  }
  if (isSudokus) return E.right(sudokuCopies(geometry!))
  return stray === 0
    ? E.right(mazeCopies(width, height))
    : refuse(
        `${stray} of the ${count} mazes have several shortest paths, of which the label is the first in the order down, left, right, up: in a turned maze that is another one`,
        'leave out --copies, or use mazes with one shortest path; --rollouts and --checkpoints work for every task',
      )
}

/** Whether the label solves the question, both Sudokus of that geometry. */
const isSudoku = (geometry: Geometry, { inputs, labels }: Labelled): boolean => {
  const answer = gridOfTokens(labels)
  return (
    isSolution(geometry, answer) && gridOfTokens(inputs).every((digit, cell) => digit === 0 || digit === answer[cell])
  )
}

/** Whether the label of the maze, turned, is the label of the turned maze, for all its symmetries. */
const labelFollows = ({ inputs, labels }: Labelled, width: number, height: number): boolean => {
  const maze = { question: mazeOfTokens(inputs, width), answer: mazeOfTokens(labels, width) }
  return symmetriesOf(width, height).every((t) => {
    const { question, answer } = turnMaze(maze, t)
    return solveMaze(question)?.answer.cells === answer.cells
  })
}
