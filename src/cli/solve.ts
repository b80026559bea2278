/** `thetagrad solve`: answers the user's own puzzle with a trained run; `--trace` shows the guess after every segment. */
import { readFileSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import { IGNORED } from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { evaluator, type Weights } from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { type Posed, posePuzzle } from './puzzles.js'
import { listed, log, type Outcome } from './result.js'
import { openRun } from './run-folder.js'

export interface SolveOptions {
  readonly run: string
  /** `-`: read it from stdin. */
  readonly puzzle: string
  readonly trace: boolean
  readonly segments?: number
  /** `latest`, `best`, `step-N`. */
  readonly checkpoint?: string
  readonly weights?: Weights
  readonly backend: BackendChoice
}

export const solveCommand = async (options: SolveOptions): Promise<Outcome> => {
  const opened = await openRun(options.run, options)
  if (E.isLeft(opened)) return opened
  const { model, writeTo } = opened.right
  const text = options.puzzle === '-' ? readFileSync(0, 'utf8') : options.puzzle
  const puzzle = puzzleFor(model, text)
  if (E.isLeft(puzzle)) return listed(puzzle)
  const posed = puzzle.right
  if (posed.note !== undefined) log(`note: ${posed.note}`)
  const backend = await chooseBackend(options.backend)
  try {
    writeTo(backend)
    const guesses = await think(backend, model, posed.question, options.segments ?? model.halting.maxSegments)
    const answer = guesses.at(-1)!.tokens
    const solved = posed.isSolved(answer)
    const shown = options.trace ? showGuesses(posed, guesses) : posed.show(answer, (cell) => cell)
    return E.right({
      text: `${shown}\n${posed.verdict(solved)}`,
      json: {
        puzzle: posed.text(posed.question),
        answer: posed.text(answer),
        solved,
        segments: guesses.length,
        ...(options.trace && { trace: guesses.map((g) => ({ answer: posed.text(g.tokens), qHalt: g.qHalt })) }),
      },
    })
  } finally {
    backend.dispose()
  }
}

const puzzleFor = ({ sizes }: Reasoner, text: string): E.Either<Problem, Posed> => {
  const posed = posePuzzle(text)
  if (E.isLeft(posed)) return posed
  const { question, vocabulary } = posed.right
  if (question.length !== sizes.sequence)
    return E.left(
      problem(`the puzzle has ${question.length} cells, the model takes ${sizes.sequence}`, {
        fix: 'give a puzzle of the size the run was trained on',
      }),
    )
  return vocabulary <= sizes.vocabulary
    ? posed
    : E.left(problem(`the model knows ${sizes.vocabulary} tokens, the puzzle needs ${vocabulary}`))
}

export interface Guess {
  readonly tokens: Int32Array
  readonly qHalt: number
}

/** What the model answers after each segment. */
export const think = async (
  backend: Backend,
  model: Reasoner,
  question: Int32Array,
  segments: number,
): Promise<readonly Guess[]> => {
  const one = await evaluator(backend, model, 1)
  const batch = {
    inputs: question,
    labels: new Int32Array(question.length).fill(IGNORED),
    puzzleIdentifiers: new Int32Array(1),
  }
  const results = await one.evaluate(batch, segments)
  return results.map(({ predictions, qHalt }) => ({ tokens: predictions, qHalt: qHalt[0]! }))
}

/** The guesses one after another; cells that changed since the last one are bold on a terminal. */
export const showGuesses = (posed: Posed, guesses: readonly Guess[]): string => {
  const emphasise = (text: string) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text)
  return guesses
    .map(({ tokens, qHalt }, i) => {
      const before = guesses[i - 1]?.tokens ?? posed.question
      const changed = tokens.filter((token, cell) => token !== before[cell]).length
      const picture = posed.show(tokens, (text, cell) => (tokens[cell] === before[cell] ? text : emphasise(text)))
      const halts = (100 / (1 + Math.exp(-qHalt))).toFixed(0)
      const change = i === 0 ? `${changed} cells filled` : changed === 0 ? 'no change' : `${changed} changed`
      const heading = `after segment ${i + 1}: ${change}, sure of it: ${halts} %`
      return changed === 0 ? heading : `${heading}\n${picture}`
    })
    .join('\n')
}
