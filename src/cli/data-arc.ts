/** `thetagrad data arc`: builds a dataset folder from ARC tasks, published ones or generated. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import {
  type ArcExample,
  type ArcRuleName,
  type ArcTask,
  arcHash,
  arcLargestSide,
  arcRuleNames,
  arcSource,
  dihedral,
  generateArcPair,
  longestSide,
  mayReplace,
  type Origins,
  type PublicArcName,
  publicArc,
  readArcTasks,
  symmetriesOf,
} from '../data/index.js'
import { type Problem, problem } from '../problem.js'
import { type DownloadFlags, downloadArc } from './data-download.js'
import { generateDistinct } from './data-generating.js'
import { type Log, writeWatched } from './data-writing.js'
import { given } from './options.js'

export interface ArcOptions extends DownloadFlags {
  readonly out: string
  readonly seed: number
  /** Public sets, beside the folders. */
  readonly download?: readonly PublicArcName[]
  /** Folders or combined files of tasks that are trained on whole. */
  readonly train?: readonly string[]
  /** Tasks whose demonstrations are trained on, and whose test pairs are the test set. */
  readonly test?: readonly string[]
  readonly augment?: number
  /** Tasks with larger grids are left out; sequences are as long as its square. Default 30. */
  readonly maxSide?: number
  /** A task whose name is given twice is taken once, for the test where it is given there. */
  readonly dropRepeated?: boolean
  /** Side of generated grids, instead of files. */
  readonly generate?: number
  /** Which rules to generate tasks of; absent: all. */
  readonly rule?: readonly ArcRuleName[]
  /** Pairs of a generated task. */
  readonly trainCount?: number
  readonly testCount?: number
}

export interface ArcSummary {
  readonly out: string
  readonly side: number
  readonly tasks: number
  /** Tasks with grids larger than the side. */
  readonly leftOut: number
  /** Tasks given again, and dropped. */
  readonly dropped: number
  readonly puzzles: number
  readonly trainExamples: number
  readonly testExamples: number
  readonly seconds: number
}

/** Why options do not go together, if they do not: bad usage. */
export const arcUsage = (o: Omit<ArcOptions, 'out' | 'seed'>): string | undefined => {
  const { download = [], train, test, maxSide, cache, dropRepeated, generate } = o
  if (generate !== undefined) {
    const files = { '--download': o.download, '--cache': cache, '--train': train, '--test': test }
    const stray = given({ ...files, '--max-side': maxSide, '--drop-repeated': dropRepeated })
    if (stray !== undefined) return `${stray} is for published tasks: leave out --generate or ${stray}`
    return generate > arcLargestSide
      ? `--generate ${generate} is more than any grid has: ${arcLargestSide} is the most`
      : undefined
  }
  const stray = given({ '--rule': o.rule, '--train-count': o.trainCount, '--test-count': o.testCount })
  if (stray !== undefined) return `${stray} is for generated tasks: add --generate SIDE, or leave it out`
  if (maxSide !== undefined && maxSide > arcLargestSide)
    return `--max-side ${maxSide} is more than any grid has: ${arcLargestSide} is the most`
  if (download.length === 0 && cache !== undefined) return '--cache is for what is fetched: add --download SET'
  if (test !== undefined || download.some((name) => publicArc[name].test.length > 0)) return undefined
  return download.length === 0
    ? 'give --test PATH: tasks whose test pairs are held out; or --download SET, or --generate SIDE'
    : `${download.join(', ')} is trained on whole: add tasks to test on, with --test PATH or another --download SET`
}

export const buildArc =
  (options: ArcOptions, log: Log, from?: Origins): TaskEither<Problem, ArcSummary> =>
  async () => {
    const start = performance.now()
    const { out, seed, augment = 0, generate } = options
    const may = await mayReplace(out)
    if (E.isLeft(may)) return may
    const made = generate === undefined ? await published(options, log, from) : await generated(generate, options, log)
    if (E.isLeft(made)) return made
    const { side, train, test, leftOut, dropped } = made.right
    const tasks = train.length + test.length
    log(`augmenting ${tasks} tasks up to ${augment} times`)
    const source = arcSource(train, test, { size: side, augmentations: augment, seed })
    const testPuzzles = Object.fromEntries(test.map(raw))
    const written = await writeWatched(source, out, log, { testPuzzles })()
    if (E.isLeft(written)) return written
    return E.right({
      out,
      side,
      tasks,
      leftOut,
      dropped,
      puzzles: written.right.identifiers - 1,
      trainExamples: written.right.train.examples,
      testExamples: written.right.test.examples,
      seconds: (performance.now() - start) / 1000,
    })
  }

interface Made extends Pick<ArcSummary, 'side' | 'leftOut' | 'dropped'> {
  /** Trained on whole. */
  readonly train: readonly ArcTask[]
  readonly test: readonly ArcTask[]
}

const published = async (options: ArcOptions, log: Log, from?: Origins): Promise<E.Either<Problem, Made>> => {
  const { maxSide: side = arcLargestSide, dropRepeated = false } = options
  const sets = (options.download ?? []).map((name) => publicArc[name])
  const fetched = await downloadArc(sets, options, log, from)()
  if (E.isLeft(fetched)) return fetched
  const training = readAll([...fetched.right.train, ...(options.train ?? [])])
  if (E.isLeft(training)) return training
  const evaluation = readAll([...fetched.right.test, ...(options.test ?? [])])
  if (E.isLeft(evaluation)) return evaluation
  if (evaluation.right.length === 0)
    return E.left(
      problem('no tasks to test on are given', { where: '--test', fix: 'name a folder of tasks with --test' }),
    )
  const distinct = once(training.right, evaluation.right)
  const { repeated } = distinct
  const twice = repeated.filter(({ name, other }) => name === other)
  if (twice.length > 0 && !dropRepeated)
    return E.left(
      problem(`the task ${twice[0]!.name} is given twice${twice.length > 1 ? `, and ${twice.length - 1} more` : ''}`, {
        where: '--train, --test',
        why: 'what is trained on must not be tested',
        fix: 'name every task once, or add --drop-repeated to keep those to test on',
      }),
    )
  for (const { name, other } of repeated) if (name !== other) log(`dropping ${name}: it is ${other} under another name`)
  const fits = (task: ArcTask) => longestSide(task) <= side
  const [train, test] = [distinct.train.filter(fits), distinct.test.filter(fits)]
  const leftOut = distinct.train.length + distinct.test.length - train.length - test.length
  return test.length === 0
    ? E.left(problem(`no task has grids of at most ${side}×${side}`, { where: '--max-side', fix: 'raise it' }))
    : E.right({ side, train, test, leftOut, dropped: repeated.length })
}

const generated = async (side: number, options: ArcOptions, log: Log): Promise<E.Either<Problem, Made>> => {
  const { rule = arcRuleNames, trainCount = 1000, testCount = 100, seed } = options
  const test: ArcTask[] = []
  for (const name of new Set(rule)) {
    const wanted = trainCount + testCount
    log(`generating ${wanted} pairs of ${name}`)
    const pairs = await generateDistinct(wanted, (index) => generateArcPair(name, { side, seed }, index), likeness, log)
    if (E.isLeft(pairs)) {
      const { found, none } = pairs.left
      const fewer = none ? '' : 'lower --train-count and --test-count, or '
      return E.left(
        problem(`only ${found} of ${wanted} pairs of ${name} were found at ${side}×${side}`, {
          where: '--generate',
          fix: `${fewer}give a larger --generate`,
        }),
      )
    }
    test.push({ name, train: pairs.right.slice(0, trainCount), test: pairs.right.slice(trainCount) })
  }
  return E.right({ side, train: [], test, leftOut: 0, dropped: 0 })
}

/** The same for inputs that are each other turned or flipped: they count as one, and only one of the splits has it. */
const likeness = ({ input }: ArcExample): string =>
  symmetriesOf(input.length, input.length)
    .map((symmetry) => `${dihedral(input, symmetry)}`)
    .sort()[0]!

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

interface Repeated {
  readonly name: string
  /** The task that it is the same as: by its name, whatever is in it, or by what is in it under another name. */
  readonly other: string
}
/** Every task once, by its name and by what is in it (ARC-AGI-1 has one task twice); those to test on come first. */
const once = (training: readonly ArcTask[], evaluation: readonly ArcTask[]) => {
  const names = new Map<string, string>()
  const repeated: Repeated[] = []
  const isNew = (task: ArcTask): boolean => {
    const keys = [`name ${task.name}`, arcHash([...task.train, ...task.test])]
    const other = keys.map((key) => names.get(key)).find((found) => found !== undefined)
    if (other !== undefined) repeated.push({ name: task.name, other })
    else for (const key of keys) names.set(key, task.name)
    return other === undefined
  }
  const test = evaluation.filter(isNew)
  return { test, train: training.filter(isNew), repeated }
}

export const showArcSummary = (s: ArcSummary): string =>
  [
    `${s.out}: ARC, grids up to ${s.side}×${s.side}`,
    `  tasks  ${s.tasks}${s.leftOut > 0 ? ` (${s.leftOut} left out: larger grids)` : ''}, ${s.puzzles} puzzles with augmentations`,
    ...(s.dropped > 0 ? [`         ${s.dropped} given again, and dropped`] : []),
    `  train  ${s.trainExamples} examples`,
    `  test   ${s.testExamples} examples`,
    `  in ${s.seconds.toFixed(1)} s`,
  ].join('\n')
