/** `thetagrad eval` on ARC: all copies of a task vote on its test inputs; pass@k, a report of every task, a submission. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import {
  type ArcReport,
  type ArcTaskReport,
  arcSubmission,
  arcTests,
  arcVoting,
  type DatasetSplit,
  isArc,
  readIdentifiers,
  readTestPuzzles,
  type Split,
  type Tokens,
} from '../data/index.js'
import { type Problem, problem } from '../problem.js'
import type { Asked as AskedCandidates, Selection, Watcher } from '../train/index.js'
import { given } from './options.js'
import { percent } from './progress.js'

export interface ArcFlags {
  /** Which segments' answers are votes. Default: the last one's. */
  readonly voteSegments?: 'last' | 'all'
  /** Print the table of all tasks. */
  readonly perTask?: boolean
  /** A file for the first two answers to every test input, in the layout that ARC's contests take. */
  readonly submission?: string
}

export interface ArcSession {
  /** Of the tasks that are asked, all copies. */
  readonly examples: number
  readonly watch: Watcher
  /** The same where a test-time policy has several candidates: all of them vote, or the one that is chosen. */
  readonly voteOfAll: (select: Selection) => (asked: AskedCandidates, choice: number) => void
  /** What the votes come to; writes the submission. */
  readonly conclude: () => E.Either<Problem, ArcVotes>
}

export interface ArcVotes {
  readonly report: ArcReport
  readonly text: string
  readonly json: unknown
}

interface Asked extends ArcFlags {
  readonly data: string
  readonly split: Split
  /** Tasks. */
  readonly limit: number
  /** The data of the run, by whose identifiers it knows tasks. */
  readonly trainedOn: string | undefined
  /** Symmetric copies that are asked for; here they are in the data. */
  readonly copies?: number
  /** Whether one candidate answers, as without a test-time policy. */
  readonly isPlain: boolean
}

/** Gets ready to count votes; nothing where the data are no ARC tasks that are held out. */
export const openArc = async (
  asked: Asked,
  split: DatasetSplit<Tokens>,
): Promise<E.Either<Problem, ArcSession | undefined>> => {
  const { data, limit, voteSegments = 'last', perTask = false, submission } = asked
  const refuse = (what: string, why: string, fix: string) => E.left(problem(what, { where: data, why, fix }))
  const stray = { '--vote-segments': asked.voteSegments, '--per-task': asked.perTask, '--submission': submission }
  if (!isArc(split.info) || asked.split === 'train') {
    const flag = given(stray)
    return flag === undefined
      ? E.right(undefined)
      : E.left(
          problem(`${flag} is for ARC tasks that are held out`, {
            where: data,
            why: isArc(split.info) ? 'demonstrations are not voted on' : 'these are no ARC tasks',
            fix: isArc(split.info) ? 'leave out --split train' : `leave out ${flag}`,
          }),
        )
  }
  if (asked.copies !== undefined)
    return refuse('the copies of ARC tasks are in the data', 'all of them vote already', 'leave out --copies')
  if (!asked.isPlain && voteSegments === 'all')
    return refuse(
      '--vote-segments all goes with one candidate',
      'of several, each has its last answer voted on, or the chosen one',
      'leave out --vote-segments',
    )
  // Said before a model runs for hours.
  if (submission !== undefined && !existsSync(dirname(resolve(submission))))
    return E.left(problem('there is no such folder', { where: dirname(resolve(submission)), fix: 'make it first' }))
  const [identifiers, testPuzzles] = [await readIdentifiers(data)(), await readTestPuzzles(data)()]
  if (E.isLeft(identifiers)) return identifiers
  if (E.isLeft(testPuzzles)) return testPuzzles
  const known = await sameIdentifiers(identifiers.right, asked)
  if (E.isLeft(known)) return known
  const held = arcTests({ split, identifiers: identifiers.right, testPuzzles: testPuzzles.right }, data, limit)
  if (E.isLeft(held)) return held
  const { tasks, examples } = held.right
  const voting = arcVoting(tasks, Math.sqrt(split.info.seq_len))
  const watch: Watcher = ({ question, puzzleIdentifier, segments }) =>
    voting.add({
      name: identifiers.right[puzzleIdentifier]!,
      question,
      answers: segments.slice(voteSegments === 'last' ? -1 : 0).map(({ answer, qHalt }) => ({ tokens: answer, qHalt })),
    })
  const voteOfAll: ArcSession['voteOfAll'] =
    (select) =>
    ({ plain: { question, puzzleIdentifier }, found }, choice) =>
      voting.add({
        name: identifiers.right[puzzleIdentifier]!,
        question,
        answers: (select === 'vote' ? found : [found[choice]!]).map(({ answer, qHalt }) => ({ tokens: answer, qHalt })),
      })
  const conclude: ArcSession['conclude'] = () => {
    const report = voting.report()
    const written = submission === undefined ? E.right(undefined) : writeSubmission(report, submission)
    if (E.isLeft(written)) return written
    const lines = [showPasses(report, voteSegments), ...(perTask ? [showTasks(report.tasks)] : [])]
    return E.right({
      report,
      text: [...lines, ...(submission === undefined ? [] : [`two answers to every test input: ${submission}`])].join(
        '\n',
      ),
      json: reportJson(report, voteSegments),
    })
  }
  return E.right({ examples, watch, voteOfAll, conclude })
}

/** A task is known by the number of its identifier: under another list of names a run would answer for another task. */
const sameIdentifiers = async (
  identifiers: readonly string[],
  { data, trainedOn }: Asked,
): Promise<E.Either<Problem, void>> => {
  if (trainedOn === undefined || !existsSync(join(trainedOn, 'identifiers.json'))) return E.right(undefined)
  const trained = await readIdentifiers(trainedOn)()
  if (E.isLeft(trained)) return trained
  const other = identifiers.findIndex((name, i) => name !== trained.right[i])
  return other < 0
    ? E.right(undefined)
    : E.left(
        problem(`puzzle ${other} is ${identifiers[other]}, but ${trained.right[other] ?? 'none'} to the run`, {
          where: data,
          why: `the run knows a task by its puzzle identifier, and was trained on ${trainedOn}`,
          fix: 'evaluate on the dataset it was trained on',
        }),
      )
}

const writeSubmission = (report: ArcReport, file: string): E.Either<Problem, void> =>
  E.tryCatch(
    () => writeFileAtomic(file, `${JSON.stringify(arcSubmission(report))}\n`),
    (cause) => problem('the submission cannot be written', { where: file, why: String(cause) }),
  )

// ── report ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Candidates of a test input that the report names: the two that ARC counts. */
const NAMED = 2
/** Tests of a task whose votes are printed: no published task has more, generated ones have a hundred. */
const PRINTED = 4

const testsOf = ({ tasks }: ArcReport) => tasks.flatMap(({ tests }) => tests)
const solvedAt = ({ tests }: ArcTaskReport, k: number): number =>
  tests.filter(({ place }) => place !== undefined && place <= k).length
/** Copies that were asked; where tests differ, the most. */
const copiesOf = ({ tests }: ArcTaskReport): number => Math.max(0, ...tests.map(({ copies }) => copies))

const reportJson = (report: ArcReport, votes: 'last' | 'all') => ({
  votes,
  tasks: report.tasks.length,
  tests: testsOf(report).length,
  copies: testsOf(report).reduce((sum, { copies }) => sum + copies, 0),
  ...(report.strays > 0 && { strays: report.strays }),
  pass: report.passAt,
  perTask: report.tasks.map((task) => ({
    task: task.name,
    tests: task.tests.length,
    copies: copiesOf(task),
    solved: { 1: solvedAt(task, 1), 2: solvedAt(task, 2) },
    answers: task.tests.map(({ candidates, place, copies }) => ({
      copies,
      different: candidates.length,
      /** Of the right answer among them. */
      place: place ?? null,
      candidates: candidates.slice(0, NAMED).map(({ votes: count, confidence }) => ({ votes: count, confidence })),
    })),
  })),
})

const showPasses = (report: ArcReport, votes: 'last' | 'all'): string => {
  const tests = testsOf(report)
  const copies = tests.reduce((sum, t) => sum + t.copies, 0) / tests.length
  return [
    `ARC: ${many(report.tasks.length, 'task')}, ${many(tests.length, 'test input')}, each answered by ${copies.toFixed(copies < 10 ? 1 : 0)} copies; votes of ${votes === 'last' ? 'the last segment' : 'all segments'}`,
    '  pass@k   whole tasks   their tests',
    ...report.passAt.map(
      ({ k, whole, share }) => `${`${k}`.padStart(8)}${percent(whole).padStart(14)}${percent(share).padStart(14)}`,
    ),
    ...(report.strays > 0
      ? [`  ${report.strays} answers belong to no test input of these tasks and were not counted`]
      : []),
  ].join('\n')
}

const showTasks = (tasks: readonly ArcTaskReport[]): string => {
  const width = Math.max(4, ...tasks.map(({ name }) => name.length))
  return [
    `${'task'.padEnd(width)}  tests   @1   @2  copies  votes for the first answers (confidence)`,
    ...tasks.map((task) =>
      [
        task.name.padEnd(width),
        `${task.tests.length}`.padStart(7),
        ...[solvedAt(task, 1), solvedAt(task, 2)].map((n) => `${n}`.padStart(5)),
        `${copiesOf(task)}`.padStart(8),
        `  ${showTests(task)}`,
      ].join(''),
    ),
  ].join('\n')
}

const many = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

const showTests = ({ tests }: ArcTaskReport): string => {
  const others = tests.length - PRINTED
  const shown = tests.slice(0, PRINTED).map(showTest)
  return [...shown, ...(others > 0 ? [`and ${others} more (--json names them)`] : [])].join(' | ')
}

const showTest = ({ candidates, place }: ArcTaskReport['tests'][number]): string =>
  candidates
    .slice(0, NAMED)
    .map(({ votes, confidence }, i) => `${i + 1 === place ? '✓' : ''}${votes} (${percent(confidence)})`)
    .join(', ')
