/** `thetagrad solve`: answers the user's own puzzle with a trained run; `--trace` shows the guess after every segment. */
import { readFileSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import {
  type Geometry,
  type Grid,
  gridOfTokens,
  IGNORED,
  isSolution,
  parsePuzzle,
  showGrid,
  solve,
  tokensOf,
  vocabularyOf,
} from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { evaluator } from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { listed, log, type Outcome } from './result.js'
import { openRun } from './run-folder.js'

export interface SolveOptions {
  readonly run: string
  /** `-`: read it from stdin. */
  readonly puzzle: string
  readonly trace: boolean
  readonly segments?: number
  readonly backend: BackendChoice
}

export const solveCommand = async (options: SolveOptions): Promise<Outcome> => {
  const opened = await openRun(options.run)
  if (E.isLeft(opened)) return opened
  const { model, writeTo } = opened.right
  const text = options.puzzle === '-' ? readFileSync(0, 'utf8') : options.puzzle
  const puzzle = puzzleFor(model, text)
  if (E.isLeft(puzzle)) return listed(puzzle)
  const { geometry, grid } = puzzle.right
  const { solutions } = solve(geometry, grid)
  if (solutions !== 1)
    log(solutions === 0 ? 'note: this puzzle has no solution' : 'note: this puzzle has more than one solution')
  const backend = await chooseBackend(options.backend)
  try {
    writeTo(backend)
    const guesses = await think(backend, model, grid, options.segments ?? model.halting.maxSegments)
    const answer = guesses.at(-1)!.grid
    const solved = isSolution(geometry, answer) && grid.every((digit, cell) => digit === 0 || answer[cell] === digit)
    const shown = options.trace ? showGuesses(geometry, grid, guesses) : showGrid(geometry, answer)
    return E.right({
      text: `${shown}\n${verdict(solved)}`,
      json: {
        puzzle: grid.join(''),
        answer: answer.join(''),
        solved,
        segments: guesses.length,
        ...(options.trace && { trace: guesses.map((g) => ({ answer: g.grid.join(''), qHalt: g.qHalt })) }),
      },
    })
  } finally {
    backend.dispose()
  }
}

export const verdict = (solved: boolean): string =>
  solved ? 'solved: every rule and every given holds' : 'NOT solved: the answer breaks a rule or a given'

const puzzleFor = ({ sizes }: Reasoner, text: string): E.Either<Problem, { geometry: Geometry; grid: Grid }> => {
  const parsed = parsePuzzle(text)
  if (E.isLeft(parsed)) return parsed
  const { geometry } = parsed.right
  const cells = geometry.side ** 2
  if (cells !== sizes.sequence)
    return E.left(
      problem(`the puzzle has ${cells} cells, the model takes ${sizes.sequence}`, {
        fix: 'give a puzzle of the size the run was trained on',
      }),
    )
  return vocabularyOf(geometry) <= sizes.vocabulary
    ? parsed
    : E.left(problem(`the model knows ${sizes.vocabulary} tokens, the puzzle needs ${vocabularyOf(geometry)}`))
}

export interface Guess {
  readonly grid: Grid
  readonly qHalt: number
}

/** What the model answers after each segment. */
export const think = async (
  backend: Backend,
  model: Reasoner,
  grid: Grid,
  segments: number,
): Promise<readonly Guess[]> => {
  const one = await evaluator(backend, model, 1)
  const batch = {
    inputs: Int32Array.from(tokensOf(grid)),
    labels: new Int32Array(grid.length).fill(IGNORED),
    puzzleIdentifiers: new Int32Array(1),
  }
  const results = await one.evaluate(batch, segments)
  return results.map(({ predictions, qHalt }) => ({ grid: gridOfTokens(predictions), qHalt: qHalt[0]! }))
}

/** The guesses one after another; digits that changed since the last one are bold on a terminal. */
export const showGuesses = (geometry: Geometry, question: Grid, guesses: readonly Guess[]): string => {
  const emphasise = (text: string) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text)
  return guesses
    .map(({ grid, qHalt }, i) => {
      const before = guesses[i - 1]?.grid ?? question
      const changed = grid.filter((digit, cell) => digit !== before[cell]).length
      const picture = showGrid(geometry, grid, (text, cell) => (grid[cell] === before[cell] ? text : emphasise(text)))
      const halts = (100 / (1 + Math.exp(-qHalt))).toFixed(0)
      const change = i === 0 ? `${changed} cells filled` : changed === 0 ? 'no change' : `${changed} changed`
      const heading = `after segment ${i + 1}: ${change}, sure of it: ${halts} %`
      return changed === 0 ? heading : `${heading}\n${picture}`
    })
    .join('\n')
}
