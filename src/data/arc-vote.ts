/**
 * Votes on ARC: every augmented copy of a task answers each test input; answers are turned back into the frame of the task
 * and counted. Ranked as in the published notebook of HRM, by votes and then by mean sigmoid(q_halt). Must not know of
 * models or files. A grid is rows of colours; an answer without any grid is the empty one.
 */
import { logistic } from '../ir/index.js'
import { type ArcExample, type ArcGrid, cropArc, gridHash, parseAugmentedName, undoArc } from './arc.js'
import type { ArcTask } from './arc-files.js'

/** An answer to one test input, back in the frame of its task. */
export interface ArcVote {
  readonly grid: ArcGrid
  /** Logit: how sure the model was that it is right. */
  readonly qHalt: number
}
export interface ArcCandidate {
  readonly grid: ArcGrid
  readonly votes: number
  /** Mean of sigmoid(q_halt). */
  readonly confidence: number
}

/** Counts votes one by one. */
const ballot = () => {
  const found = new Map<string, { readonly grid: ArcGrid; votes: number; sum: number }>()
  const add = ({ grid, qHalt }: ArcVote): void => {
    const key = gridHash(grid)
    const candidate = found.get(key) ?? { grid, votes: 0, sum: 0 }
    candidate.votes += 1
    candidate.sum += logistic(qHalt)
    found.set(key, candidate)
  }
  const ranked = (): readonly ArcCandidate[] =>
    [...found.values()]
      .map(({ grid, votes, sum }) => ({ grid, votes, confidence: sum / votes }))
      .sort((a, b) => b.votes - a.votes || b.confidence - a.confidence)
  return { add, ranked }
}

/** The different answers, by votes, then by mean confidence; the first seen of equals. */
export const rankArc = (votes: readonly ArcVote[]): readonly ArcCandidate[] => {
  const { add, ranked } = ballot()
  for (const vote of votes) add(vote)
  return ranked()
}

export const sameGrid = (a: ArcGrid, b: ArcGrid): boolean => gridHash(a) === gridHash(b)

/**
 * Whether the right answers of a task's tests are among the first k candidates of each. `whole`: of all tests, as the
 * published notebook of HRM counts; `share`: of what share of them, as TRM's evaluator does.
 */
export const passAtK = (
  tests: readonly { readonly answer: ArcGrid; readonly candidates: readonly ArcCandidate[] }[],
  k: number,
): { readonly whole: boolean; readonly share: number } => {
  const solved = tests.filter(({ answer, candidates }) =>
    candidates.slice(0, k).some(({ grid }) => sameGrid(grid, answer)),
  )
  return { whole: solved.length === tests.length, share: solved.length / tests.length }
}

// ── the votes on a dataset's tasks ──────────────────────────────────────────────────────────────────────────────────
/** A held-out task: its test inputs and what is right. */
export type ArcTests = Pick<ArcTask, 'name' | 'test'>

/** What a model answers to one test input of one copy of a task; tokens row by row of a square. */
export interface ArcPrediction {
  /** The copy's puzzle identifier, which says how it was augmented. */
  readonly name: string
  readonly question: ArrayLike<number>
  /** One, or those after several segments. */
  readonly answers: readonly { readonly tokens: ArrayLike<number>; readonly qHalt: number }[]
}

/** What came out of the votes on one test input. */
export interface ArcTestReport {
  readonly answer: ArcGrid
  /** Copies that were asked. */
  readonly copies: number
  /** From the first to the last. */
  readonly candidates: readonly ArcCandidate[]
  /** Place of the right answer among the candidates, from 1; `undefined` where no copy gave it. */
  readonly place: number | undefined
}
export interface ArcTaskReport {
  readonly name: string
  readonly tests: readonly ArcTestReport[]
}
export interface ArcReport {
  readonly tasks: readonly ArcTaskReport[]
  /** Shares of tasks: `whole` solved, or the mean share of a task's tests that are. */
  readonly passAt: readonly { readonly k: number; readonly whole: number; readonly share: number }[]
  /** Predictions that belong to no test input of any task. */
  readonly strays: number
}

/** The k of pass@k, as published; those that the votes cannot fill say nothing. */
const attempts = [1, 2, 10, 100, 1000]

/** An answer in the frame of its task. */
const original = (tokens: ArrayLike<number>, size: number, { augmentation }: ReturnType<typeof parseAugmentedName>) => {
  const grid = cropArc(tokens, size)
  return augmentation === undefined ? grid : undoArc(grid, augmentation)
}

/** Counts the predictions on these tasks, whose grids lie in a square of `size`. */
export const arcVoting = (tasks: readonly ArcTests[], size: number) => {
  const boxes = new Map(
    tasks.map(({ name, test }) => [
      name,
      test.map(({ input, output }: ArcExample) => ({
        question: gridHash(input),
        answer: output,
        copies: 0,
        ...ballot(),
      })),
    ]),
  )
  let strays = 0
  /** A prediction belongs to the test whose input it was asked, as in the published evaluators. */
  const add = ({ name, question, answers }: ArcPrediction): void => {
    const copy = parseAugmentedName(name)
    const asked = gridHash(original(question, size, copy))
    const meant = (boxes.get(copy.task) ?? []).filter((box) => box.question === asked)
    if (meant.length === 0) strays++
    for (const box of meant) {
      box.copies++
      for (const { tokens, qHalt } of answers) box.add({ grid: original(tokens, size, copy), qHalt })
    }
  }
  const report = (): ArcReport => {
    const found = [...boxes].map(([name, tests]) => ({
      name,
      tests: tests.map(({ answer, copies, ranked }): ArcTestReport => {
        const candidates = ranked()
        const place = candidates.findIndex(({ grid }) => sameGrid(grid, answer)) + 1
        return { answer, copies, candidates, place: place === 0 ? undefined : place }
      }),
    }))
    const most = Math.max(0, ...found.flatMap(({ tests }) => tests.map(({ candidates }) => sumOf(candidates))))
    const passAt = attempts
      .filter((k) => k <= 2 || k <= most)
      .map((k) => {
        const passed = found.map(({ tests }) => passAtK(tests, k))
        const mean = (of: (p: (typeof passed)[number]) => number) =>
          passed.reduce((sum, p) => sum + of(p), 0) / passed.length
        return { k, whole: mean(({ whole }) => (whole ? 1 : 0)), share: mean(({ share }) => share) }
      })
    return { tasks: found, passAt, strays }
  }
  return { add, report }
}

const sumOf = (candidates: readonly ArcCandidate[]): number => candidates.reduce((sum, { votes }) => sum + votes, 0)

/** Two attempts at every test input, as ARC wants them submitted. */
export type ArcSubmission = Readonly<
  Record<string, readonly { readonly attempt_1: ArcGrid; readonly attempt_2: ArcGrid }[]>
>

/** The first two candidates that are grids at all; the first twice where there is one, a black cell where there is none. */
export const arcSubmission = ({ tasks }: ArcReport): ArcSubmission =>
  Object.fromEntries(
    tasks.map(({ name, tests }) => [
      name,
      tests.map(({ candidates }) => {
        const [first = [[0]], second = first] = candidates.map(({ grid }) => grid).filter((grid) => grid.length > 0)
        return { attempt_1: first, attempt_2: second }
      }),
    ]),
  )
