/** `thetagrad data arc`: builds a dataset folder from ARC tasks. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type ArcTask, arcSource, longestSide, readArcTasks } from '../data/index.js'
import { type Problem, problem } from '../problem.js'
import { type Log, writeWatched } from './data-writing.js'

export interface ArcOptions {
  readonly out: string
  readonly seed: number
  /** Folders or combined files of tasks that are trained on whole. */
  readonly train?: readonly string[]
  /** Tasks whose demonstrations are trained on, and whose test pairs are the test set. */
  readonly test?: readonly string[]
  readonly augment?: number
  /** Tasks with larger grids are left out; sequences are as long as its square. Default 30. */
  readonly maxSide?: number
}

export interface ArcSummary {
  readonly out: string
  readonly side: number
  readonly tasks: number
  /** Tasks with grids larger than the side. */
  readonly leftOut: number
  readonly puzzles: number
  readonly trainExamples: number
  readonly testExamples: number
  readonly seconds: number
}

export const buildArc =
  (options: ArcOptions, log: Log): TaskEither<Problem, ArcSummary> =>
  async () => {
    const start = performance.now()
    const { out, seed, train = [], test = [], augment = 0, maxSide: side = 30 } = options
    const [training, evaluation] = [readAll(train), readAll(test)]
    if (E.isLeft(training)) return training
    if (E.isLeft(evaluation)) return evaluation
    if (evaluation.right.length === 0)
      return E.left(
        problem('no tasks to test on are given', { where: '--test', fix: 'name a folder of tasks with --test' }),
      )
    const fits = (task: ArcTask) => longestSide(task) <= side
    const kept = { train: training.right.filter(fits), test: evaluation.right.filter(fits) }
    const tasks = kept.train.length + kept.test.length
    const leftOut = training.right.length + evaluation.right.length - tasks
    if (kept.test.length === 0)
      return E.left(problem(`no task has grids of at most ${side}×${side}`, { where: '--max-side', fix: 'raise it' }))
    const twice = repeated([...kept.train, ...kept.test].map(({ name }) => name))
    if (twice !== undefined)
      return E.left(
        problem(`the task ${twice} is given twice`, {
          where: '--train, --test',
          why: 'what is trained on must not be tested',
          fix: 'name every task once',
        }),
      )
    log(`augmenting ${tasks} tasks up to ${augment} times`)
    const source = arcSource(kept.train, kept.test, { size: side, augmentations: augment, seed })
    const testPuzzles = Object.fromEntries(kept.test.map(raw))
    const written = await writeWatched(source, out, log, { testPuzzles })()
    if (E.isLeft(written)) return written
    return E.right({
      out,
      side,
      tasks,
      leftOut,
      puzzles: written.right.identifiers - 1,
      trainExamples: written.right.train.examples,
      testExamples: written.right.test.examples,
      seconds: (performance.now() - start) / 1000,
    })
  }

const raw = ({ name, train, test }: ArcTask) => [name, { train, test }] as const

const readAll = (paths: readonly string[]): E.Either<Problem, readonly ArcTask[]> => {
  const tasks: ArcTask[] = []
  for (const path of paths) {
    const read = readArcTasks(path)
    if (E.isLeft(read)) return read
    tasks.push(...read.right)
  }
  return E.right(tasks)
}

const repeated = (names: readonly string[]): string | undefined => {
  const seen = new Set<string>()
  return names.find((name) => seen.has(name) || !seen.add(name))
}

export const showArcSummary = (s: ArcSummary): string =>
  [
    `${s.out}: ARC, grids up to ${s.side}×${s.side}`,
    `  tasks  ${s.tasks}${s.leftOut > 0 ? ` (${s.leftOut} left out: larger grids)` : ''}, ${s.puzzles} puzzles with augmentations`,
    `  train  ${s.trainExamples} examples`,
    `  test   ${s.testExamples} examples`,
    `  in ${s.seconds.toFixed(1)} s`,
  ].join('\n')
