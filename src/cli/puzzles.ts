/** Puzzles that `solve` takes: what their text means as tokens, how answers are shown, and when they are right. */
import * as E from 'fp-ts/lib/Either.js'
import {
  type Copies,
  type Geometry,
  type Grid,
  gridOfTokens,
  isSolution,
  judgeMaze,
  type Maze,
  mazeCopies,
  mazeOfTokens,
  mazeTokens,
  mazeVocabulary,
  parseMaze,
  parsePuzzle,
  shortestPath,
  showGrid,
  showMaze,
  solve,
  sudokuCopies,
  tokensOf,
  vocabularyOf,
} from '../data/index.js'
import type { Problem } from '../problem.js'

/** A puzzle that was posed; answers are tokens. */
export interface Posed {
  readonly question: Int32Array
  /** Size of the vocabulary it needs. */
  readonly vocabulary: number
  /** Columns, where other shapes have as many cells. */
  readonly width?: number
  /** What the asker should know of it. */
  readonly note?: string
  /** In one line. */
  readonly text: (tokens: Int32Array) => string
  /** As a picture; what `mark` says of a cell stands in its place. */
  readonly show: (tokens: Int32Array, mark: (text: string, cell: number) => string) => string
  /** Its disguises. */
  readonly copies: Copies
  readonly isSolved: (answer: Int32Array) => boolean
  readonly verdict: (solved: boolean) => string
}

/** Mazes are told by their walls, start or goal; everything else is a Sudoku. `width`: of a maze in one line. */
export const posePuzzle = (text: string, width?: number): E.Either<Problem, Posed> => {
  if (/[#SG]/.test(text)) {
    const maze = parseMaze(text, width)
    return E.isLeft(maze) ? maze : E.right(posedMaze(maze.right))
  }
  const sudoku = parsePuzzle(text)
  return E.isLeft(sudoku) ? sudoku : E.right(posedSudoku(sudoku.right.geometry, sudoku.right.grid))
}

export const posedSudoku = (geometry: Geometry, question: Grid): Posed => {
  const { solutions } = solve(geometry, question)
  return {
    question: Int32Array.from(tokensOf(question)),
    vocabulary: vocabularyOf(geometry),
    ...(solutions !== 1 && {
      note: solutions === 0 ? 'this puzzle has no solution' : 'this puzzle has more than one solution',
    }),
    text: (tokens) => gridOfTokens(tokens).join(''),
    show: (tokens, mark) => showGrid(geometry, gridOfTokens(tokens), mark),
    copies: sudokuCopies(geometry),
    isSolved: (tokens) => {
      const answer = gridOfTokens(tokens)
      return isSolution(geometry, answer) && question.every((digit, cell) => digit === 0 || answer[cell] === digit)
    },
    verdict: (solved) =>
      solved ? 'solved: every rule and every given holds' : 'NOT solved: the answer breaks a rule or a given',
  }
}

const posedMaze = (question: Maze): Posed => {
  const { width } = question
  const path = shortestPath(question)
  return {
    question: Int32Array.from(mazeTokens(question)),
    vocabulary: mazeVocabulary,
    width,
    ...(path === undefined && { note: 'no way leads from S to G' }),
    text: (tokens) => mazeOfTokens(tokens, width).cells,
    show: (tokens, mark) => showMaze(mazeOfTokens(tokens, width), mark),
    copies: mazeCopies(width, question.cells.length / width),
    isSolved: (tokens) => judgeMaze(question, mazeOfTokens(tokens, width)).optimal,
    verdict: (solved) =>
      solved ? 'solved: a shortest path from S to G' : 'NOT solved: the marked cells are no shortest path from S to G',
  }
}
