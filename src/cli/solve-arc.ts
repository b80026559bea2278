/**
 * `thetagrad solve` for ARC: a task that the run knows is answered by all its augmented copies, each with its own
 * embedding; they vote as in the evaluation. A task it does not know has no embedding: the blank one only when asked for.
 */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import {
  type ArcCandidate,
  type ArcGrid,
  type ArcQuestion,
  arcTokens,
  arcVocabulary,
  augmentArc,
  cropArc,
  IGNORED,
  isArc,
  parseArcQuestions,
  parseAugmentedName,
  rankArc,
  readIdentifiers,
  readInfo,
  readTestPuzzles,
  sameGrid,
  showArc,
  undoArc,
} from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import { type Backend, logistic } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { evaluator } from '../train/index.js'
import { fits } from './examples.js'
import { percent } from './progress.js'

export interface ArcQuestionFlags {
  /** The task's name, where the file's does not say it. */
  readonly task?: string
  /** Which test input, from 1. */
  readonly test?: number
  /** Solve a task that the run does not know with the blank embedding. */
  readonly blank?: boolean
  /** At most so many copies vote. */
  readonly copies?: number
}

/** By what an ARC run knows its tasks. */
export interface ArcNames {
  readonly identifiers: readonly string[]
  readonly testPuzzles: unknown
}

/** The names of an ARC run's tasks; nothing where the run solves other puzzles. */
export const openNames = async (
  model: Reasoner,
  data: string | undefined,
): Promise<E.Either<Problem, ArcNames | undefined>> => {
  if (data === undefined || !existsSync(join(data, 'train', 'dataset.json')))
    return model.sizes.vocabulary !== arcVocabulary || model.sizes.puzzles === 1
      ? E.right(undefined)
      : E.left(
          problem('the dataset of the run is not there, whose names say which embedding is which task', {
            where: data ?? 'the run was imported',
            fix: 'add --data DIR',
          }),
        )
  const info = await readInfo(data, 'train')()
  if (E.isLeft(info)) return info
  if (!isArc(info.right)) return E.right(undefined)
  const fit = fits(model, info.right, data)
  if (E.isLeft(fit)) return fit
  const [identifiers, testPuzzles] = [await readIdentifiers(data)(), await readTestPuzzles(data)()]
  if (E.isLeft(identifiers)) return identifiers
  return E.isLeft(testPuzzles)
    ? testPuzzles
    : E.right({ identifiers: identifiers.right, testPuzzles: testPuzzles.right })
}

type Copy = ReturnType<typeof parseAugmentedName> & { readonly identifier: number }

export interface PosedArc {
  readonly task: string
  /** Whether the run was trained on the task. */
  readonly known: boolean
  /** From 1. */
  readonly test: number
  readonly tests: number
  readonly question: ArcQuestion
  readonly copies: readonly Copy[]
  readonly note?: string
}

/** What is asked, and of whom. `where` names the file, `-` is stdin. */
export const poseArc = (
  { sizes }: Reasoner,
  { identifiers, testPuzzles }: ArcNames,
  text: string,
  file: string | undefined,
  flags: ArcQuestionFlags,
): E.Either<Problem, PosedArc> => {
  const where = file ?? 'the puzzle'
  const asked = parseArcQuestions(text, where)
  if (E.isLeft(asked)) return asked
  const tests = asked.right.length
  const question = asked.right[(flags.test ?? 1) - 1]
  if (question === undefined)
    return E.left(problem(`there is no test ${flags.test}`, { where, fix: `--test goes from 1 to ${tests}` }))
  const size = Math.sqrt(sizes.sequence)
  const sides = [question.input.length, question.input[0]!.length] as const
  if (Math.max(...sides) > size)
    return E.left(
      problem(`the input is ${sides.join('×')}, the run takes grids up to ${size}×${size}`, {
        where,
        fix: 'train with a larger --max-side',
      }),
    )
  const task = flags.task ?? (file?.endsWith('.json') ? basename(file, '.json') : undefined)
  const own = identifiers.flatMap((name, identifier): readonly Copy[] => {
    const copy = parseAugmentedName(name)
    return copy.task === task ? [{ ...copy, identifier }] : []
  })
  const known = own.length > 0
  if (!known && flags.blank !== true)
    return E.left(
      problem(task === undefined ? 'which task it is is not said' : `the run does not know the task "${task}"`, {
        where,
        why: 'a run knows a task by the embedding that it learnt from its demonstrations; it does not read them here',
        fix: `${task === undefined ? 'add --task NAME' : 'train on a dataset that has the task, or name one of its tasks with --task NAME'}; --blank guesses without knowing`,
      }),
    )
  const more = tests > 1 && flags.test === undefined ? `test 1 of ${tests}; --test 2 asks for the next` : undefined
  const note = known ? more : 'a guess: the run never learnt this task, and answers with the blank embedding'
  return E.right({
    task: task ?? 'unknown',
    known,
    test: flags.test ?? 1,
    tests,
    question: withSolution(question, task, testPuzzles),
    copies: known ? own.slice(0, flags.copies) : [{ task: task ?? 'unknown', identifier: 0 }],
    ...(note !== undefined && { note }),
  })
}

/** The solution that the dataset keeps, where the question comes without. */
const withSolution = (question: ArcQuestion, task: string | undefined, testPuzzles: unknown): ArcQuestion => {
  if (question.output !== undefined || task === undefined) return question
  const kept = (testPuzzles as Readonly<Record<string, unknown>> | undefined)?.[task]
  const tests = kept === undefined ? E.right([]) : parseArcQuestions(JSON.stringify(kept), task)
  const same = E.isLeft(tests) ? undefined : tests.right.find(({ input }) => sameGrid(input, question.input))
  return same ?? question
}

/** What one copy answers after each segment, in the frame of the task. */
type Said = readonly { readonly grid: ArcGrid; readonly qHalt: number }[]

/** Asks every copy, some at once. */
export const askCopies = async (
  backend: Backend,
  model: Reasoner,
  { question, copies }: PosedArc,
  segments: number,
  atOnce: number,
): Promise<readonly Said[]> => {
  const length = model.sizes.sequence
  const size = Math.sqrt(length)
  const batch = Math.min(atOnce, copies.length)
  const asking = await evaluator(backend, model, batch)
  const said: Said[] = []
  for (let start = 0; start < copies.length; start += batch) {
    const some = copies.slice(start, start + batch)
    const data = {
      inputs: new Int32Array(batch * length),
      labels: new Int32Array(batch * length).fill(IGNORED),
      puzzleIdentifiers: new Int32Array(batch),
    }
    for (const [row, { augmentation, identifier }] of some.entries()) {
      const input = augmentation === undefined ? question.input : augmentArc(question.input, augmentation)
      data.inputs.set(arcTokens(input, size, 0, 0), row * length)
      data.puzzleIdentifiers[row] = identifier
    }
    const results = await asking.evaluate(data, segments)
    for (const [row, { augmentation }] of some.entries())
      said.push(
        results.map(({ predictions, qHalt }) => {
          const grid = cropArc(predictions.subarray(row * length, (row + 1) * length), size)
          return { grid: augmentation === undefined ? grid : undoArc(grid, augmentation), qHalt: qHalt[row]! }
        }),
      )
  }
  return said
}

// ── answer ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Answers that are shown, as many as ARC lets one try; and those in the JSON. */
const ATTEMPTS = 2
const LISTED = 10

export const arcAnswer = (posed: PosedArc, said: readonly Said[], trace: boolean) => {
  const { question, copies } = posed
  const candidates = rankArc(said.map((guesses) => guesses.at(-1)!))
  const place = question.output && candidates.findIndex(({ grid }) => sameGrid(grid, question.output!)) + 1
  const solved = place === undefined ? null : place > 0 && place <= ATTEMPTS
  const plain = said[copies.findIndex(({ augmentation }) => augmentation === undefined)]
  return {
    text: [
      `${posed.task}, test ${posed.test}: ${sidesOf(question.input)}`,
      showArc(question.input),
      ...(trace && plain !== undefined ? [showTrace(plain)] : []),
      ...candidates.slice(0, ATTEMPTS).map((candidate, i) => showCandidate(candidate, i + 1, said.length, place)),
      verdict(candidates.length, place),
    ].join('\n'),
    json: {
      task: posed.task,
      known: posed.known,
      test: posed.test,
      tests: posed.tests,
      input: question.input,
      copies: said.length,
      segments: said[0]!.length,
      answers: candidates.slice(0, LISTED),
      different: candidates.length,
      place: place === undefined || place === 0 ? null : place,
      solved,
      ...(trace && plain !== undefined && { trace: plain }),
    },
  }
}

const sidesOf = (grid: ArcGrid): string => (grid.length === 0 ? 'no grid' : `${grid.length}×${grid[0]!.length}`)

const sure = (qHalt: number): string => percent(logistic(qHalt))

const showCandidate = (
  { grid, votes, confidence }: ArcCandidate,
  number: number,
  of: number,
  place: number | undefined,
): string =>
  `answer ${number}: ${sidesOf(grid)}, ${votes} of ${of} votes, sure of it: ${percent(confidence)}${number === place ? ', RIGHT' : ''}${grid.length === 0 ? '' : `\n${showArc(grid)}`}`

const verdict = (different: number, place: number | undefined): string => {
  if (place === undefined) return 'the solution is not known'
  if (place === 0) return `NOT solved: the right answer is not among the ${different} given`
  return place <= ATTEMPTS
    ? `solved at attempt ${place} of ${ATTEMPTS}`
    : `NOT solved: the right answer came at place ${place} of ${different}`
}

/** The guesses of the copy that is not augmented. */
const showTrace = (guesses: Said): string =>
  guesses
    .map(({ grid, qHalt }, i) => {
      const before = guesses[i - 1]?.grid
      const isSame = before !== undefined && sameGrid(before, grid)
      const heading = `after segment ${i + 1}: ${isSame ? 'no change' : sidesOf(grid)}, sure of it: ${sure(qHalt)}`
      return isSame || grid.length === 0 ? heading : `${heading}\n${showArc(grid)}`
    })
    .join('\n')
