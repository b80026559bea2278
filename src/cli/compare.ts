/**
 * `thetagrad compare A B …`: trains each for the same compute, seconds or FLOPs, and says which is better for it: a table,
 * and accuracy against FLOPs as a plot. A budget becomes a number of steps before a model is trained (for seconds, by a few
 * steps that are timed), so that its learning rate comes to its end with the budget. Every model is a run in the folder of
 * the comparison: stopped and started again, it goes on where it was.
 */
import { existsSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { drawComparison } from '../analysis/index.js'
import { costs, isVariant, type Reasoner } from '../hrm/index.js'
import { type Problem, problem } from '../problem.js'
import { type EvaluationLine, readEvaluations } from '../train/index.js'
import { keepAsked } from './asked.js'
import type { BackendChoice } from './backend.js'
import type { Budget } from './options.js'
import { duration, percent } from './progress.js'
import { failed, listed, log, type Outcome } from './result.js'
import { aligned, whole } from './table.js'
import { type Trained, type TrainOptions, trainRun } from './train.js'
import type { Told } from './train-flags.js'

export interface CompareOptions {
  /** Files with a model, or names of variants, which need a preset. */
  readonly models: readonly string[]
  readonly preset?: string
  readonly data: string
  readonly out: string
  readonly budget: Budget
  readonly seed: number
  /** Examples of an evaluation at most. */
  readonly limit?: number
  /** What is changed in the sizes of every variant, and in every recipe. */
  readonly set?: Told
  readonly backend: BackendChoice
}

interface Entrant {
  readonly name: string
  readonly source: Pick<TrainOptions, 'preset' | 'variant' | 'config' | 'sizes'>
}

/** A model that was trained for the budget. */
interface Entry {
  readonly name: string
  readonly parameters: number
  readonly steps: number
  /** Of training, evaluations left out. */
  readonly flops: number
  readonly seconds: number
  readonly curve: readonly (Pick<EvaluationLine, 'step' | 'exact' | 'token'> & { readonly flops: number })[]
}

export const compareCommand = async (options: CompareOptions): Promise<Outcome> => {
  const entrants = entrantsOf(options)
  if (E.isLeft(entrants)) return listed(entrants)
  const opened = openFolder(options)
  if (E.isLeft(opened)) return listed(opened)
  const entries: Entry[] = []
  for (const entrant of entrants.right) {
    const entry = await enter(entrant, options)
    if (E.isLeft(entry)) return entry
    entries.push(entry.right)
  }
  const plot = join(options.out, 'comparison.svg')
  writeFileAtomic(plot, drawComparison(entries))
  return E.right({
    text: `${table(entries)}\n${plot}`,
    json: {
      out: options.out,
      plot,
      budget: options.budget,
      models: entries.map((entry) => ({
        ...entry,
        exact: entry.curve.at(-1)?.exact,
        token: entry.curve.at(-1)?.token,
      })),
    },
  })
}

const entrantsOf = ({ models, preset, set }: CompareOptions): E.Either<Problem, readonly Entrant[]> => {
  const entrants = models.map(
    (given): Entrant =>
      isVariant(given)
        ? { name: given, source: { variant: given, sizes: set?.sizes ?? {}, ...(preset !== undefined && { preset }) } }
        : { name: basename(given).replace(/\.ts$/, ''), source: { config: given } },
  )
  const twice = entrants.find(({ name }, i) => entrants.findIndex((other) => other.name === name) !== i)
  if (twice !== undefined)
    return E.left(problem(`two models are called ${twice.name}`, { fix: 'give files of different names' }))
  const unsized = entrants.find(({ source }) => source.variant !== undefined && source.preset === undefined)
  return unsized === undefined
    ? E.right(entrants)
    : E.left(
        problem(`${unsized.name} is a variant without sizes`, { fix: 'add --preset NAME, or give a file that has it' }),
      )
}

/** The folder of a new comparison, or of one that goes on: its runs were given another budget otherwise. */
const openFolder = ({ out, budget, data, seed, set }: CompareOptions): E.Either<Problem, void> =>
  keepAsked(
    out,
    'comparison.json',
    { budget, data: resolve(data), seed, ...set },
    'a comparison with another budget, data, seed or --set',
  )

/** Trains a model for the budget, or on to its end. */
const enter = async (entrant: Entrant, options: CompareOptions): Promise<E.Either<readonly Problem[], Entry>> => {
  const { data, out: folder, seed, limit, backend } = options
  const out = join(folder, entrant.name)
  const common = { ...entrant.source, data, backend }
  log(`${entrant.name}:`)
  const isBegun = existsSync(join(out, 'config.json'))
  const told = { ...options.set?.changes, seed }
  const steps = isBegun ? E.right(0) : await stepsFor(options.budget, { ...common, changes: told, out: `${out}.pilot` })
  if (E.isLeft(steps)) return steps
  const every = Math.ceil(steps.right / POINTS)
  const changes = { ...told, steps: steps.right, evalEvery: every, checkpointEvery: every }
  const trained = await trainRun(
    isBegun
      ? { data, backend, out, resume: true, changes: {} }
      : // The steps that were timed have been compiled from the same file.
        {
          ...common,
          typeCheck: false,
          out,
          resume: false,
          changes: { ...changes, ...(limit !== undefined && { evalLimit: limit }) },
        },
  )
  if (E.isLeft(trained)) return trained
  if (trained.right.report.interrupted)
    return failed(problem('the comparison was stopped', { where: out, fix: 'the same command goes on with it' }))
  return E.right(entryOf(entrant.name, out, trained.right))
}

/** Evaluations of a run. */
const POINTS = 10

const entryOf = (name: string, out: string, { model, config, report }: Trained): Entry => {
  const perStep = flopsOfStep(model, config.training.batch)
  const curve = readEvaluations(out).map(({ step, exact, token, seconds }) => ({
    step,
    flops: step * perStep,
    exact,
    token,
    seconds,
  }))
  const { parameters } = costs(model).total
  const seconds = curve.at(-1)?.seconds ?? report.seconds
  return { name, parameters, steps: report.step, flops: report.step * perStep, seconds, curve }
}

/** One segment with its gradient for every example; with q_continue, its target is another segment. */
export const flopsOfStep = (model: Reasoner, batch: number): number => {
  const { forward, backward } = costs(model).total
  const { adaptive, continuation, maxSegments } = model.halting
  return batch * (forward * (adaptive && continuation && maxSegments > 1 ? 2 : 1) + backward)
}

/** How many steps the budget buys: some are taken to see what one costs, and thrown away. */
const stepsFor = async (
  budget: Budget,
  { changes, out, ...common }: Omit<TrainOptions, 'resume'>,
): Promise<E.Either<readonly Problem[], number>> => {
  rmSync(out, { recursive: true, force: true })
  try {
    const [steps, logEvery] = budget.kind === 'seconds' ? [12, 3] : [1, 1]
    const pilot = await trainRun({ ...common, out, resume: false, changes: { ...changes, steps, logEvery } })
    if (E.isLeft(pilot)) return pilot
    const { report, model, config } = pilot.right
    if (report.interrupted)
      return failed(problem('the comparison was stopped', { fix: 'the same command begins anew' }))
    const bought =
      budget.kind === 'seconds'
        ? (1000 * budget.seconds) / report.stepMs
        : budget.flops / flopsOfStep(model, config.training.batch)
    return bought >= 1
      ? E.right(Math.floor(bought))
      : failed(problem('the budget does not pay for one step', { where: model.name, fix: 'give a larger --budget' }))
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

const table = (entries: readonly Entry[]): string => {
  const rows = [
    ['model', 'parameters', 'steps', 'PFLOP', 'time', 'exact', 'tokens'],
    ...entries.map(({ name, parameters, steps, flops, seconds, curve }) => [
      name,
      whole(parameters),
      `${steps}`,
      (flops / 1e15).toPrecision(3),
      duration(seconds),
      ...[curve.at(-1)?.exact, curve.at(-1)?.token].map((share) => (share === undefined ? '' : percent(share))),
    ]),
  ]
  return aligned(rows, 1)
}
