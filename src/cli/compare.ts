/**
 * `thetagrad compare A B …`: trains each for the same compute, seconds or FLOPs, and says which is better for it: a table,
 * and accuracy against FLOPs as a plot. A budget becomes a number of steps before a model is trained (for seconds, by a few
 * steps that are timed), so that its learning rate comes to its end with the budget. Every model and seed is a run in the
 * folder of the comparison: stopped and started again, it goes on where it was.
 */
import { existsSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { drawComparison } from '../analysis/index.js'
import { costs, gradientNamed, isVariant, sizesLike } from '../hrm/index.js'
import { type Problem, problem } from '../problem.js'
import { type EvaluationLine, presetNamed, readEvaluations, type TrainingFlops, trainingFlops } from '../train/index.js'
import { keepAsked } from './asked.js'
import type { BackendChoice } from './backend.js'
import type { Budget } from './options.js'
import { GRADIENTS, sizeNames } from './preset-sizes.js'
import { duration, percent } from './progress.js'
import { failed, listed, log, type Outcome } from './result.js'
import { aligned, whole } from './table.js'
import { type Prepared, prepareTraining, type Trained, type TrainOptions, trainRun } from './train.js'
import type { Told } from './train-flags.js'

export interface CompareOptions {
  /** Files with a model, or names of variants, which need a preset; `NAME:RULE` is one under another gradient rule. */
  readonly models: readonly string[]
  readonly preset?: string
  readonly data: string
  readonly out: string
  readonly budget: Budget
  readonly seed: number
  /** Each is trained from so many seeds, the first of them `seed`. */
  readonly seeds: number
  /** Examples of an evaluation at most. */
  readonly limit?: number
  /** How often each is evaluated, the last time at its end: points of its curve. */
  readonly evaluations: number
  /** What is changed in every recipe, and in the sizes of the variants that have them. */
  readonly set?: Told
  readonly backend: BackendChoice
}

interface Entrant {
  readonly name: string
  readonly source: Pick<TrainOptions, 'preset' | 'variant' | 'config' | 'sizes'>
}

/** One whose model and recipe have been read. */
interface Ready extends Entrant {
  readonly flops: TrainingFlops
}

/** A model that was trained for the budget, from every seed: numbers are means over these. */
interface Entry {
  readonly name: string
  readonly parameters: number
  readonly steps: number
  /** Of training, evaluations left out. */
  readonly flops: number
  readonly seconds: number
  readonly curve: readonly Point[]
  /** At the end, by seed. */
  readonly seeds: readonly { readonly seed: number; readonly exact: number; readonly token: number }[]
}

type Point = Pick<EvaluationLine, 'step' | 'exact' | 'token'> & { readonly flops: number }

/** One run of an entrant. */
type Run = Omit<Entry, 'seeds'> & { readonly seed: number }

export const compareCommand = async (options: CompareOptions): Promise<Outcome> => {
  const entrants = entrantsOf(options)
  if (E.isLeft(entrants)) return listed(entrants)
  // Before any work: a mistake in the last one should not cost the budget of the first.
  const ready: Ready[] = []
  for (const entrant of entrants.right) {
    const one = await readied(entrant, options)
    if (E.isLeft(one)) return one
    ready.push(one.right)
  }
  const opened = openFolder(options)
  if (E.isLeft(opened)) return listed(opened)
  const entries: Entry[] = []
  for (const entrant of ready) {
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
        exactDeviation: deviation(entry.seeds.map(({ exact }) => exact)),
        token: entry.curve.at(-1)?.token,
      })),
    },
  })
}

const entrantsOf = ({ models, preset, set }: CompareOptions): E.Either<Problem, readonly Entrant[]> => {
  const partsOf = (given: string) => {
    const [, variant = given, gradient] = /^(.*?):(.*)$/.exec(given) ?? []
    return { variant, gradient: isVariant(variant) ? gradient : undefined }
  }
  for (const given of models) {
    const { gradient } = partsOf(given)
    if (gradient !== undefined && gradientNamed(gradient) === undefined)
      return E.left(problem(`there is no gradient rule "${gradient}"`, { where: given, fix: `give ${GRADIENTS}` }))
  }
  const recipe = presetNamed(preset ?? '')?.sizes
  const variants = models.map((given) => partsOf(given).variant).filter(isVariant)
  const has = (variant: string, size: string) =>
    recipe !== undefined && sizeNames(sizesLike(variant, recipe)).includes(size)
  /** A size that others have passes this one over; one that nobody has stays, and is refused with all that there are. */
  const changesOf = (variant: string) =>
    Object.entries(set?.sizes ?? {}).filter(([size]) => has(variant, size) || !variants.some((v) => has(v, size)))
  const entrants = models.map((given): Entrant => {
    const { variant, gradient } = partsOf(given)
    if (!isVariant(variant)) return { name: basename(given).replace(/\.ts$/, ''), source: { config: given } }
    const sizes = { ...Object.fromEntries(changesOf(variant)), ...(gradient !== undefined && { gradient }) }
    return { name: given, source: { variant, sizes, ...(preset !== undefined && { preset }) } }
  })
  const twice = entrants.find((one, i) => entrants.findIndex((other) => folderOf(other) === folderOf(one)) !== i)
  if (twice !== undefined)
    return E.left(problem(`two models are called ${twice.name}`, { fix: 'give files of different names' }))
  const unsized = entrants.find(({ source }) => source.variant !== undefined && source.preset === undefined)
  return unsized === undefined
    ? E.right(entrants)
    : E.left(
        problem(`${unsized.name} is a variant without sizes`, { fix: 'add --preset NAME, or give a file that has it' }),
      )
}

/** In the folder of the comparison: a colon is no letter of a file's name everywhere. */
const folderOf = ({ name }: Entrant): string => name.replace(':', '-')

const readied = async (
  entrant: Entrant,
  { data, out, backend, seed, set }: CompareOptions,
): Promise<E.Either<readonly Problem[], Ready>> => {
  // Evaluated, whatever the recipe says: what cannot be is found out here.
  const changes = { ...set?.changes, ...wholeBudget, seed, evalEvery: 1 }
  const prepared = await prepareTraining({ ...entrant.source, data, out, backend, resume: false, changes })
  return E.map(
    ({ model, config }: Prepared): Ready => ({ ...entrant, flops: trainingFlops(model, config.training.batch) }),
  )(prepared)
}

/** The folder of a new comparison, or of one that goes on: its runs were given another budget otherwise. */
const openFolder = ({ out, budget, preset, data, limit, evaluations, set }: CompareOptions): E.Either<Problem, void> =>
  keepAsked(
    out,
    'comparison.json',
    { budget, preset, data: resolve(data), limit, evaluations, ...set },
    'a comparison with another budget, preset, data, --limit, --evaluations or --set',
  )

/** None stops early, whatever its recipe says. */
const wholeBudget = { stopAt: undefined, patience: undefined } as const

/** Trains a model from every seed for the budget, or on to its end. */
const enter = async (entrant: Ready, options: CompareOptions): Promise<E.Either<readonly Problem[], Entry>> => {
  const runs: Run[] = []
  for (let i = 0; i < options.seeds; i++) {
    const run = await enterOnce(entrant, options, options.seed + i, runs[0]?.steps)
    if (E.isLeft(run)) return run
    runs.push(run.right)
  }
  return E.right(summary(runs))
}

/** `known`: the steps of the other seeds. */
const enterOnce = async (
  entrant: Ready,
  { data, out: folder, limit, evaluations, backend, budget, set }: CompareOptions,
  seed: number,
  known?: number,
): Promise<E.Either<readonly Problem[], Run>> => {
  const { name, source } = entrant
  const out = join(folder, folderOf(entrant), `seed-${seed}`)
  // Files were type-checked when all were prepared.
  const common = { ...source, data, backend, typeCheck: false }
  log(`${name}, seed ${seed}:`)
  const isBegun = existsSync(join(out, 'config.json'))
  const told = { ...set?.changes, ...wholeBudget, seed }
  const steps =
    isBegun || known !== undefined
      ? E.right(known ?? 0)
      : await stepsFor(budget, entrant, { ...common, changes: told, out: `${out}.pilot`, resume: false })
  if (E.isLeft(steps)) return steps
  const every = Math.ceil(steps.right / evaluations)
  const changes = { ...told, steps: steps.right, evalEvery: every, checkpointEvery: every }
  const trained = await trainRun(
    isBegun
      ? { data, backend, out, resume: true, changes: {} }
      : { ...common, out, resume: false, changes: { ...changes, ...(limit !== undefined && { evalLimit: limit }) } },
  )
  if (E.isLeft(trained)) return trained
  if (trained.right.report.interrupted)
    return failed(problem('the comparison was stopped', { where: out, fix: 'the same command goes on with it' }))
  return E.right(runOf(name, seed, out, trained.right))
}

const runOf = (name: string, seed: number, out: string, { model, config, report }: Trained): Run => {
  const flops = trainingFlops(model, config.training.batch)
  const spent = (step: number) => flops.upTo(step, config.training.steps)
  const evaluations = readEvaluations(out)
  const curve = evaluations.map(({ step, exact, token }) => ({ step, flops: spent(step), exact, token }))
  const { parameters } = costs(model).total
  const seconds = evaluations.at(-1)?.seconds ?? report.seconds
  return { name, seed, parameters, steps: report.step, flops: spent(report.step), seconds, curve }
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
/** Of a sample; none of one. */
const deviation = (values: readonly number[]): number | undefined =>
  values.length < 2
    ? undefined
    : Math.sqrt(values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / (values.length - 1))

const summary = (runs: readonly Run[]): Entry => {
  const { seed: _, ...first } = runs[0]!
  const at = (i: number, which: 'exact' | 'token') => mean(runs.map(({ curve }) => curve[i]![which]))
  return {
    ...first,
    seconds: mean(runs.map(({ seconds }) => seconds)),
    curve: first.curve.map((point, i) => ({ ...point, exact: at(i, 'exact'), token: at(i, 'token') })),
    seeds: runs.map(({ seed, curve }) => ({ seed, exact: curve.at(-1)?.exact ?? 0, token: curve.at(-1)?.token ?? 0 })),
  }
}

/** How many steps the budget buys: of seconds, some are taken to see what one costs, and thrown away. */
const stepsFor = async (
  budget: Budget,
  { name, flops }: Ready,
  pilot: TrainOptions,
): Promise<E.Either<readonly Problem[], number>> => {
  const bought =
    budget.kind === 'flops' ? E.right(budget.flops / flops.perStep) : await stepsOfSeconds(budget.seconds, flops, pilot)
  if (E.isLeft(bought)) return bought
  return bought.right >= 1
    ? E.right(Math.floor(bought.right))
    : failed(problem('the budget does not pay for one step', { where: name, fix: 'give a larger --budget' }))
}

/** Steps that are taken to see what one takes. */
const PILOT = 12

const stepsOfSeconds = async (
  seconds: number,
  { perStep, upTo }: TrainingFlops,
  options: TrainOptions,
): Promise<E.Either<readonly Problem[], number>> => {
  rmSync(options.out, { recursive: true, force: true })
  try {
    const pilot = await trainRun({ ...options, changes: { ...options.changes, steps: PILOT, logEvery: PILOT / 4 } })
    if (E.isLeft(pilot)) return pilot
    const { report } = pilot.right
    // Of the quarters the first is not timed, and the third stands between the others in what its steps cost.
    const timed = (upTo((3 * PILOT) / 4, PILOT) - upTo(PILOT / 2, PILOT)) / (PILOT / 4)
    return report.interrupted
      ? failed(problem('the comparison was stopped', { fix: 'the same command begins anew' }))
      : E.right(((1000 * seconds) / report.stepMs) * (timed / perStep))
  } finally {
    rmSync(options.out, { recursive: true, force: true })
  }
}

const table = (entries: readonly Entry[]): string => {
  const rows = [
    ['model', 'parameters', 'steps', 'PFLOP', 'time', 'exact', '±', 'tokens'],
    ...entries.map(({ name, parameters, steps, flops, seconds, curve, seeds }) => [
      name,
      whole(parameters),
      `${steps}`,
      (flops / 1e15).toPrecision(3),
      duration(seconds),
      ...[curve.at(-1)?.exact, deviation(seeds.map(({ exact }) => exact)), curve.at(-1)?.token].map((share) =>
        share === undefined ? '' : percent(share),
      ),
    ]),
  ]
  return aligned(rows, 1)
}
