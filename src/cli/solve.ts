/**
 * `thetagrad solve`: answers the user's own puzzle with a trained run, if asked with a test-time policy; `--trace` shows the
 * guess after every segment.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { gridWidth, IGNORED, readInfo } from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import { type Backend, logistic } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { candidateCount, evaluator, showPolicy, type Weights } from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { membersOf } from './ensemble.js'
import { dashed, given } from './options.js'
import { enoughCopies, type PolicyFlags, policyOf } from './policy-flags.js'
import { type Posed, posePuzzle } from './puzzles.js'
import { listed, log, type Outcome } from './result.js'
import { openRun, type TrainedModel } from './run-folder.js'
import { type ArcNames, type ArcQuestionFlags, arcAnswer, askCopies, openNames, poseArc } from './solve-arc.js'
import { askPolicy, chosenJson, showChosen } from './solve-policy.js'

export interface SolveOptions extends ArcQuestionFlags, PolicyFlags {
  readonly run: string
  /** The puzzle itself, or a file that holds it; `-`: read it from stdin. */
  readonly puzzle: string
  /** The dataset folder the run was trained on, where it has moved. */
  readonly data?: string
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
  const { config, model } = opened.right
  const { data = config.data } = options
  const puzzleText = readPuzzle(options.puzzle)
  if (E.isLeft(puzzleText)) return listed(puzzleText)
  const names = await openNames(model, data)
  if (E.isLeft(names)) return listed(names)
  if (names.right !== undefined) return solveArc(options, opened.right, names.right, puzzleText.right)
  const { task, test, blank } = options
  const stray = given({ task, test, blank })
  if (stray !== undefined)
    return listed(E.left(problem(`--${stray} is for ARC, which this run does not solve`, { where: options.run })))
  const width = await widthOf(data)
  if (E.isLeft(width)) return listed(width)
  const puzzle = puzzleFor(model, puzzleText.right.text, width.right)
  if (E.isLeft(puzzle)) return listed(puzzle)
  const posed = puzzle.right
  if (posed.note !== undefined) log(`note: ${posed.note}`)
  const members = membersOf(options.run, opened.right, options.checkpoints, options)
  if (E.isLeft(members)) return listed(members)
  const segments = options.segments ?? model.halting.maxSegments
  const policy = policyOf(model, options, segments, members.right.length)
  if (E.isLeft(policy)) return listed(policy)
  const enough = enoughCopies(policy.right, posed.copies)
  if (E.isLeft(enough)) return listed(enough)
  const backend = await chooseBackend(options.backend)
  try {
    const written = members.right[0]!.writeTo(backend)
    if (E.isLeft(written)) return listed(written)
    if (candidateCount(policy.right) === 1)
      return E.right(answered(posed, await think(backend, model, posed.question, segments), options.trace))
    log(showPolicy(model, policy.right))
    const { batch, accumulate = 1 } = config.training
    const chosen = await askPolicy(backend, model, posed, policy.right, members.right, batch / accumulate)
    if (E.isLeft(chosen)) return listed(chosen)
    const { text, json } = answered(posed, chosen.right.guesses, options.trace)
    return E.right({
      text: `${text}\n${showChosen(chosen.right, posed)}`,
      json: { ...json, testTime: chosenJson(chosen.right, policy.right, members.right, posed) },
    })
  } finally {
    backend.dispose()
  }
}

const answered = (posed: Posed, guesses: readonly Guess[], trace: boolean) => {
  const answer = guesses.at(-1)!.tokens
  const solved = posed.isSolved(answer)
  const shown = trace ? showGuesses(posed, guesses) : posed.show(answer, (cell) => cell)
  return {
    text: `${shown}\n${posed.verdict(solved)}`,
    json: {
      puzzle: posed.text(posed.question),
      answer: posed.text(answer),
      solved,
      segments: guesses.length,
      ...(trace && { trace: guesses.map((g) => ({ answer: posed.text(g.tokens), qHalt: g.qHalt })) }),
    },
  }
}

const solveArc = async (
  options: SolveOptions,
  { config, model, writeTo }: TrainedModel,
  names: ArcNames,
  { text, file }: Given,
): Promise<Outcome> => {
  const { checkpoints, rollouts, noise, noiseOn, randomStart, select, seed } = options
  const stray = given({ checkpoints, rollouts, noise, noiseOn, randomStart, select, seed })
  if (stray !== undefined)
    return listed(
      E.left(
        problem(`--${dashed(stray)} is not for single ARC tasks`, {
          why: 'the copies of the task vote',
          fix: 'evaluate the run with it: `thetagrad eval`',
        }),
      ),
    )
  const posed = poseArc(model, names, text, file, options)
  if (E.isLeft(posed)) return listed(posed)
  if (posed.right.note !== undefined) log(`note: ${posed.right.note}`)
  const backend = await chooseBackend(options.backend)
  try {
    writeTo(backend)
    const { batch, accumulate = 1 } = config.training
    const segments = options.segments ?? model.halting.maxSegments
    const said = await askCopies(backend, model, posed.right, segments, batch / accumulate)
    return E.right(arcAnswer(posed.right, said, options.trace))
  } finally {
    backend.dispose()
  }
}

interface Given {
  readonly text: string
  readonly file?: string
}

/** What was given: the text of a file, of stdin, or the text itself. */
const readPuzzle = (puzzle: string): E.Either<Problem, Given> => {
  const bare = (text: string) => text.replace(/^\ufeff/, '')
  if (puzzle === '-') return E.right({ text: bare(readFileSync(0, 'utf8')) })
  if (existsSync(puzzle) && statSync(puzzle).isFile())
    return E.tryCatch(
      () => ({ text: bare(readFileSync(puzzle, 'utf8')), file: puzzle }),
      (cause) => problem('the file cannot be read', { where: puzzle, why: String(cause) }),
    )
  return /[/\\]|\.(txt|json|csv)$/.test(puzzle)
    ? E.left(problem('there is no such file', { where: puzzle, fix: 'give a file, the cells of the puzzle, or -' }))
    : E.right({ text: puzzle })
}

/** Columns of the grids of a dataset folder, which is not needed where squares are drawn; `undefined` where it is gone. */
const widthOf = async (data: string | undefined): Promise<E.Either<Problem, number | undefined>> => {
  if (data === undefined || !existsSync(join(data, 'train', 'dataset.json'))) return E.right(undefined)
  const info = await readInfo(data, 'train')()
  return E.isLeft(info) ? info : E.right(gridWidth(info.right))
}

const puzzleFor = ({ sizes }: Reasoner, text: string, width: number | undefined): E.Either<Problem, Posed> => {
  const posed = posePuzzle(text, width)
  if (E.isLeft(posed)) return posed
  const { question, vocabulary } = posed.right
  if (question.length !== sizes.sequence)
    return E.left(
      problem(`the puzzle has ${question.length} cells, the model takes ${sizes.sequence}`, {
        fix: 'give a puzzle of the size the run was trained on',
      }),
    )
  if (width !== undefined && posed.right.width !== undefined && posed.right.width !== width)
    return E.left(
      problem(`the maze has rows of ${posed.right.width} cells, the run was trained on rows of ${width}`, {
        fix: 'give a maze of the shape the run was trained on',
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
      const halts = (100 * logistic(qHalt)).toFixed(0)
      const change = i === 0 ? `${changed} cells filled` : changed === 0 ? 'no change' : `${changed} changed`
      const heading = `after segment ${i + 1}: ${change}, sure of it: ${halts} %`
      return changed === 0 ? heading : `${heading}\n${picture}`
    })
    .join('\n')
}
