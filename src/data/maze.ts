/**
 * Mazes: grids of walls `#`, free cells ` `, a start `S` and a goal `G`; the answer marks a shortest path with `o`. There
 * are usually millions of shortest paths; the published labels are always the one whose moves from S are first in the
 * order D, L, R, U. A maze is its cells row by row, and its width.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import { dihedral } from './dihedral.js'
import { type Random, randomOf } from './random.js'

export interface Maze {
  readonly width: number
  /** Row by row. */
  readonly cells: string
}
export interface MazePuzzle {
  readonly question: Maze
  /** The question with `o` on a shortest path. */
  readonly answer: Maze
}

/** A maze as people draw it: a line a row, or in one line a square or rows as wide as told; free cells are spaces or dots. */
export const parseMaze = (text: string, told?: number): E.Either<Problem, Maze> => {
  const lines = text.replace(/^\r?\n|\r?\n$/g, '').split(/\r?\n/)
  const longest = Math.max(...lines.map((line) => line.length))
  const width = lines.length === 1 ? (told ?? Math.sqrt(longest)) : longest
  const fix = 'draw it with # for walls, S, G and spaces or dots, a line a row'
  if (!Number.isInteger(longest / width))
    return E.left(
      problem(`one line of ${longest} cells is ${told === undefined ? 'no square' : `no rows of ${told}`}`, { fix }),
    )
  // Editors cut spaces at the end of a line.
  const cells = lines
    .map((line) => line.padEnd(longest))
    .join('')
    .replaceAll('.', ' ')
  const bad = [...cells].findIndex((c) => !'# SG'.includes(c))
  if (bad >= 0) return E.left(problem(`cell ${bad + 1} of the maze is '${cells[bad]}'`, { fix }))
  const wrong = ['S', 'G'].find((letter) => cells.split(letter).length !== 2)
  if (wrong !== undefined)
    return E.left(
      problem(`the maze has ${cells.split(wrong).length - 1} ${wrong}`, { fix: 'one S and one G are needed' }),
    )
  return E.right({ width, cells })
}

/** Token k + 1 stands for the k-th; 0 is padding. */
const charset = '# SGo'
export const mazeVocabulary = charset.length + 1

export const mazeTokens = ({ cells }: Maze): Uint8Array => Uint8Array.from(cells, (c) => charset.indexOf(c) + 1)
/** What tokens mean; padding and anything else as `?`. */
export const mazeOfTokens = (tokens: ArrayLike<number>, width: number): Maze => ({
  width,
  cells: Array.from(tokens, (t) => charset[t - 1] ?? '?').join(''),
})

/** Whether tokens are those of a maze: walls, free cells, one start and one goal, in rows of `width`. */
const isMaze = (tokens: ArrayLike<number>, width: number): boolean => {
  const all = Array.from(tokens)
  const count = (letter: string) => all.filter((t) => t === charset.indexOf(letter) + 1).length
  return (
    Number.isInteger(width) &&
    Number.isInteger(all.length / width) &&
    all.every((t) => t >= 1 && t <= 4) &&
    count('S') === 1 &&
    count('G') === 1
  )
}

/**
 * Whether the answer to a maze marks a shortest path, whichever of them; `undefined` where the question is no maze. A square,
 * unless its width is told: tokens do not say it.
 */
export const judgeMazeTokens = (
  question: ArrayLike<number>,
  answer: ArrayLike<number>,
  width: number = Math.sqrt(question.length),
): boolean | undefined =>
  isMaze(question, width) ? judgeMaze(mazeOfTokens(question, width), mazeOfTokens(answer, width)).optimal : undefined

/** Moves in the order of the labels: down, left, right, up. */
const steps = (cell: number, { width, cells }: Maze): readonly number[] => {
  const column = cell % width
  return [
    ...(cell + width < cells.length ? [cell + width] : []),
    ...(column > 0 ? [cell - 1] : []),
    ...(column < width - 1 ? [cell + 1] : []),
    ...(cell >= width ? [cell - width] : []),
  ]
}

/** Moves from every cell to one of them; −1 where there is no way. `isWall` is 1 at walls. */
const distances = (isWall: Uint8Array, width: number, to: number): Int32Array => {
  const cells = isWall.length
  const found = new Int32Array(cells).fill(-1)
  const queue = new Int32Array(cells)
  let end = 0
  const reach = (cell: number, distance: number): void => {
    if (isWall[cell] === 1 || found[cell] !== -1) return
    found[cell] = distance
    queue[end++] = cell
  }
  reach(to, 0)
  for (let i = 0; i < end; i++) {
    const cell = queue[i]!
    const column = cell % width
    const distance = found[cell]! + 1
    if (cell + width < cells) reach(cell + width, distance)
    if (column > 0) reach(cell - 1, distance)
    if (column < width - 1) reach(cell + 1, distance)
    if (cell >= width) reach(cell - width, distance)
  }
  return found
}

/** The cells of the labelled path from S to G, both among them; nothing when there is no way. */
export const shortestPath = (maze: Maze): readonly number[] | undefined => {
  const [start, goal] = [maze.cells.indexOf('S'), maze.cells.indexOf('G')]
  if (start < 0 || goal < 0) return undefined
  const isWall = Uint8Array.from(maze.cells, (c) => (c === '#' ? 1 : 0))
  const left = distances(isWall, maze.width, goal)
  if (left[start]! < 0) return undefined
  const path = [start]
  while (path.at(-1) !== goal) {
    const here = path.at(-1)!
    path.push(steps(here, maze).find((next) => left[next] === left[here]! - 1)!)
  }
  return path
}

/** The maze with `o` on the cells of a path but for its ends. */
const drawn = ({ width, cells }: Maze, path: readonly number[]): Maze => {
  const marked = new Set(path.slice(1, -1))
  return { width, cells: [...cells].map((c, i) => (marked.has(i) ? 'o' : c)).join('') }
}

export const solveMaze = (question: Maze): MazePuzzle | undefined => {
  const path = shortestPath(question)
  return path === undefined ? undefined : { question, answer: drawn(question, path) }
}

/** What an answer is worth. `optimal`: it marks one shortest path and nothing else, whichever of them. */
export interface MazeVerdict {
  /** Walls, free cells, start and goal are those of the question. */
  readonly keepsMaze: boolean
  /** The marked cells lead from S to G. */
  readonly connected: boolean
  readonly optimal: boolean
}

export const judgeMaze = (question: Maze, answer: Maze): MazeVerdict => {
  const marked = [...answer.cells].map((c) => c === 'o')
  const keepsMaze = [...question.cells].every((c, i) => answer.cells[i] === c || (c === ' ' && marked[i]))
  const walkable = [...question.cells].map((c, i) => (c === 'S' || c === 'G' || (c === ' ' && marked[i]) ? c : '#'))
  const within = shortestPath({ width: question.width, cells: walkable.join('') })
  const best = shortestPath(question)
  const cells = marked.filter((m) => m).length + 2
  const connected = within !== undefined
  // As many cells as a shortest path has, and a way through them: they are that path.
  return { keepsMaze, connected, optimal: keepsMaze && connected && cells === best?.length }
}

// ── generator ───────────────────────────────────────────────────────────────────────────────────────────────────────
export interface MazeSettings {
  /** Rows, and columns unless those are told. */
  readonly side: number
  readonly columns?: number
  /** Fewest cells of the path, S and G among them; the published mazes of side 30 have 110. */
  readonly minPath: number
  readonly seed: number
}

/** Shares of walls that the published mazes have. */
const walls = { least: 0.28, most: 0.45 }
/** Tries before a demand is called impossible. */
const TRIES = 20_000

/**
 * The `index`-th maze of a seed: walls at random, a start at random, a goal at random among the cells as far from it as is
 * demanded. `undefined` when no try gives such a path.
 */
export const generateMaze = (
  { side, columns = side, minPath, seed }: MazeSettings,
  index: number,
): MazePuzzle | undefined => {
  const random = randomOf(seed, index)
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const found = attemptMaze(side, columns, minPath, random)
    if (found !== undefined) return found
  }
  return undefined
}

const attemptMaze = (rows: number, columns: number, minPath: number, random: Random): MazePuzzle | undefined => {
  const share = walls.least + ((walls.most - walls.least) * random.below(1000)) / 999
  // Loops, because a hundred tries and more go into a maze.
  const isWall = new Uint8Array(rows * columns)
  for (let cell = 0; cell < isWall.length; cell++) isWall[cell] = random.below(10_000) < share * 10_000 ? 1 : 0
  const start = random.below(isWall.length)
  isWall[start] = 0
  const far = distances(isWall, columns, start)
  const goals: number[] = []
  for (let cell = 0; cell < far.length; cell++) if (far[cell]! + 1 >= minPath) goals.push(cell)
  if (goals.length === 0) return undefined
  const goal = goals[random.below(goals.length)]!
  const letter = (cell: number): string => (cell === goal ? 'G' : cell === start ? 'S' : isWall[cell] === 1 ? '#' : ' ')
  return solveMaze({ width: columns, cells: Array.from(far.keys(), letter).join('') })
}

// ── symmetry ────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Question and answer under a symmetry of the square, 0 to 7. The answer stays a shortest path, but seldom the labelled one. */
export const turnMaze = ({ question, answer }: MazePuzzle, symmetry: number): MazePuzzle => ({
  question: turned(question, symmetry),
  answer: turned(answer, symmetry),
})
const turned = ({ width, cells }: Maze, symmetry: number): Maze => {
  const rows = Array.from({ length: cells.length / width }, (_, y) => [...cells.slice(y * width, (y + 1) * width)])
  const result = dihedral(rows, symmetry)
  return { width: result[0]!.length, cells: result.flat().join('') }
}
