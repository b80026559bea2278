/** `thetagrad train`: from a preset or a config file to a run folder, and on from there with `--resume`. */
import { resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { showBytes } from '../bytes.js'
import type { DatasetInfo } from '../data/index.js'
import { isVariant, type Reasoner, sizesLike, variantNames } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { countParameters } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import {
  type Best,
  completeSettings,
  latestCheckpoint,
  loadTraining,
  presetNamed,
  presets,
  type TrainingPrograms,
  type TrainingReport,
  type TrainingSettings,
  train,
  tuneTraining,
} from '../train/index.js'
import { type BackendChoice, chooseBackend, deviceWords } from './backend.js'
import {
  type EvaluationExamples,
  fits,
  isCsv,
  openEvaluation,
  openTraining,
  type TrainingExamples,
} from './examples.js'
import { interruptible } from './interruption.js'
import { type SizeChanges, withSizes } from './preset-sizes.js'
import { profileCommand } from './profile.js'
import { duration, percent, trainingProgress, tuningProgress } from './progress.js'
import { failed, listed, log, type Outcome } from './result.js'
import {
  createRun,
  loadModel,
  type ModelSource,
  mayCreateRun,
  type RunConfig,
  readConfig,
  writeConfig,
} from './run-folder.js'

export interface TrainOptions {
  readonly preset?: string
  /** Which variant the preset trains; default `hrm`. */
  readonly variant?: string
  readonly config?: string
  /** Compile the file first, for its mistakes as sentences; default true. */
  readonly typeCheck?: boolean
  readonly data?: string
  readonly out: string
  readonly resume: boolean
  readonly backend: BackendChoice
  readonly augment?: number
  /** Time so many steps instead of training. */
  readonly profile?: number
  /** Measure first which kernels are fastest for shapes that were not measured on this adapter yet. */
  readonly tune?: boolean
  /** What evaluations during training use, when not the test split of `data`. */
  readonly evalData?: string
  /** What the command line changes in the sizes of a preset. */
  readonly sizes?: SizeChanges
  /** What the command line changes in the recipe; undefined takes a setting away. */
  readonly changes: { readonly [K in keyof TrainingSettings]?: TrainingSettings[K] | undefined }
}

/** All that is known before a device is opened. */
export interface Prepared {
  readonly config: RunConfig
  readonly model: Reasoner
  readonly examples: TrainingExamples
  /** What is evaluated on during training, where it is. */
  readonly evaluation: EvaluationExamples | undefined
}

/** A run that was trained, or trained on. */
export interface Trained {
  readonly config: RunConfig
  readonly model: Reasoner
  readonly device: string
  readonly report: TrainingReport
}

export const trainCommand = async (options: TrainOptions): Promise<Outcome> =>
  options.profile === undefined
    ? E.map((trained: Trained) => answer(options.out, trained))(await trainRun(options))
    : profiled(options, options.profile)

/** Reads the recipe, the model and the data; computes nothing. */
export const prepareTraining = (options: TrainOptions): Promise<E.Either<readonly Problem[], Prepared>> =>
  options.resume ? resumed(options) : fresh(options)

const profiled = async (options: TrainOptions, steps: number): Promise<Outcome> => {
  const prepared = await prepareTraining(options)
  if (E.isLeft(prepared)) return prepared
  const { model, config, examples } = prepared.right
  const { training } = config
  return profileCommand({ model, training, batches: examples.batches(training.batch, training.seed, 0), steps })
}

export const trainRun = async (options: TrainOptions): Promise<E.Either<readonly Problem[], Trained>> => {
  const may = options.resume ? E.right(undefined) : mayCreateRun(options.out)
  if (E.isLeft(may)) return listed(may)
  const prepared = await prepareTraining(options)
  if (E.isLeft(prepared)) return prepared
  const { config, model, evaluation } = prepared.right
  const backend = await chooseBackend(options.backend, config.training)
  try {
    announce(model, config.training, backend)
    if (options.tune === true)
      await tuneTraining(backend, model, config.training, { evaluated: evaluation?.count, told: tuningProgress })
    // Before the run folder is made: what does not fit leaves nothing behind.
    const programs = await loadTraining(backend, model, config.training, evaluation?.count)
    if (E.isLeft(programs)) return listed(programs)
    const made = options.resume ? E.right(writeConfig(options.out, config)) : createRun(options.out, config)
    if (E.isLeft(made)) return listed(made)
    const report = await runTraining({
      ...prepared.right,
      backend,
      programs: programs.right,
      run: options.out,
      resume: options.resume,
    })
    return E.isLeft(report) ? listed(report) : E.right({ config, model, device: backend.name, report: report.right })
  } finally {
    backend.dispose()
  }
}

const fresh = async (options: TrainOptions): Promise<E.Either<readonly Problem[], Prepared>> => {
  const data = options.data
  if (data === undefined) return failed(problem('no data is given', { fix: 'add --data DIR' }))
  // A mistyped preset is said before the data is read, which may take minutes.
  const named = modelSource(options, 1)
  if (E.isLeft(named)) return listed(named)
  const copies = options.augment ?? 0
  const examples = await openTraining(data, copies)
  if (E.isLeft(examples)) return listed(examples)
  if (copies > 0 && !isCsv(data))
    return failed(problem('the folder has its augmentations already', { where: data, fix: 'leave out --augment' }))
  const source = modelSource(options, examples.right.info.num_puzzle_identifiers)
  if (E.isLeft(source)) return listed(source)
  const loaded = await loadModel(source.right.model, { typeCheck: options.typeCheck ?? true })
  if (E.isLeft(loaded)) return loaded
  const where = options.config ?? 'command line'
  const settings = completeSettings({ ...source.right.training, ...loaded.right.training, ...options.changes }, where)
  if (E.isLeft(settings)) return listed(settings)
  const epochs = options.changes.steps === undefined ? presetNamed(options.preset ?? '')?.epochs : undefined
  const training =
    epochs === undefined
      ? settings.right
      : { ...settings.right, steps: stepsOf(epochs, examples.right.info, settings.right.batch) }
  const fit = fits(loaded.right.model, examples.right.info, data)
  if (E.isLeft(fit)) return listed(fit)
  const config: RunConfig = {
    model: source.right.model,
    training,
    data: resolve(data),
    ...(options.evalData !== undefined && { evalData: resolve(options.evalData) }),
    augment: copies,
  }
  return withEvaluation({ config, model: loaded.right.model, examples: examples.right }, data, options)
}

/** Optimiser steps of so many epochs: an epoch takes one puzzle of every group, with its examples. As published. */
const stepsOf = (epochs: number, info: DatasetInfo, batch: number): number =>
  Math.max(1, Math.floor((epochs * info.total_groups * info.mean_puzzle_examples) / batch))

/** Opens what the settings say is evaluated on. */
const withEvaluation = async (
  prepared: Omit<Prepared, 'evaluation'>,
  data: string,
  { evalData: asked }: Pick<TrainOptions, 'evalData'>,
): Promise<E.Either<readonly Problem[], Prepared>> => {
  const { config, model } = prepared
  const { evalEvery, evalLimit = Number.POSITIVE_INFINITY, evalSplit = 'test' } = config.training
  if (evalEvery === undefined)
    return asked !== undefined
      ? failed(problem('nothing is evaluated during training', { where: '--eval-data', fix: 'add --eval-every N' }))
      : E.right({ ...prepared, evaluation: undefined })
  const { evalData = data } = config
  if (config.evalData === undefined && evalSplit === 'test' && isCsv(data))
    return failed(
      problem('there is nothing to evaluate on that is not trained on', {
        where: data,
        why: 'a single file has no test split',
        fix: 'add --eval-data FILE, or --set evalSplit=train',
      }),
    )
  const opened = await openEvaluation(evalData, evalSplit, evalLimit)
  if (E.isLeft(opened)) return listed(opened)
  const fit = fits(model, opened.right.info, evalData)
  return E.isLeft(fit) ? listed(fit) : E.right({ ...prepared, evaluation: opened.right })
}

/** The recipe of a run folder; the command line may lengthen it, watch it otherwise, and name the data anew. */
const resumed = async (options: TrainOptions): Promise<E.Either<readonly Problem[], Prepared>> => {
  const config = readConfig(options.out)
  if (E.isLeft(config)) return listed(config)
  if (E.isLeft(latestCheckpoint(options.out))) log('the run was stopped before its first checkpoint: it begins anew')
  const given = options.data ?? config.right.data
  if (given === undefined)
    return failed(problem('the run does not say what to train on', { where: options.out, fix: 'add --data DIR' }))
  const data = resolve(given)
  const examples = await openTraining(data, config.right.augment)
  if (E.isLeft(examples)) return listed(examples)
  const loaded = await loadModel(config.right.model, { typeCheck: false })
  if (E.isLeft(loaded)) return loaded
  const fit = fits(loaded.right.model, examples.right.info, data)
  if (E.isLeft(fit)) return listed(fit)
  const training = completeSettings({ ...config.right.training, ...options.changes }, options.out)
  if (E.isLeft(training)) return listed(training)
  const evalData = options.evalData === undefined ? {} : { evalData: resolve(options.evalData) }
  const changed: RunConfig = { ...config.right, training: training.right, data, ...evalData }
  return withEvaluation({ config: changed, model: loaded.right.model, examples: examples.right }, data, options)
}

/** The model of a preset or a file, with the recipe beside it. */
export const modelSource = (
  {
    preset,
    variant = 'hrm',
    config,
    sizes: changes = {},
  }: Pick<TrainOptions, 'preset' | 'variant' | 'config' | 'sizes'>,
  puzzles: number,
): E.Either<Problem, { readonly model: ModelSource; readonly training: Partial<TrainingSettings> }> => {
  if (config !== undefined) return E.right({ model: { kind: 'file', file: resolve(config) }, training: {} })
  const found = presetNamed(preset ?? '')
  if (found === undefined)
    return E.left(
      problem(`there is no preset "${preset}"`, {
        where: '--preset',
        fix: `the presets are ${presets.map((p) => p.name).join(', ')}; or give your own with --config FILE.ts`,
      }),
    )
  if (!isVariant(variant))
    return E.left(
      problem(`there is no model "${variant}"`, {
        where: '--model',
        fix: `the models are ${variantNames.map((v) => v.name).join(', ')}; or give your own with --config FILE.ts`,
      }),
    )
  const sizes = withSizes(sizesLike(variant, found.sizes), changes)
  if (E.isLeft(sizes)) return sizes
  const model = { kind: 'variant', name: variant, preset: found.name, sizes: { ...sizes.right, puzzles } } as const
  return E.right({ model, training: found.training })
}

/** What is going to be trained: told before its kernels are compiled, which may take half a minute. */
export const announce = (model: Reasoner, training: TrainingSettings, backend: Backend): void => {
  const { dense, rows } = countParameters(model.parameters)
  log(
    `${model.name}: ${(dense + rows).toLocaleString('en')} parameters, batch ${training.batch}, on ${deviceWords(backend, training)}`,
  )
}

/** Trains with progress on stderr; Ctrl-C finishes the step in hand and saves. */
export const runTraining = async (
  options: Omit<Prepared, 'evaluation'> &
    Partial<Pick<Prepared, 'evaluation'>> & {
      readonly backend: Backend
      readonly programs?: TrainingPrograms
      readonly run: string
      readonly resume: boolean
    },
): Promise<E.Either<Problem, TrainingReport>> => {
  const { config, model, examples, evaluation, programs, backend, run, resume } = options
  const { training } = config
  const progress = trainingProgress(training.steps)
  return interruptible('stopping after this step and saving', (signal) =>
    train({
      backend,
      model,
      settings: training,
      batches: (taken) => examples.batches(training.batch, training.seed, taken),
      run,
      resume,
      ...(evaluation !== undefined && { evaluation }),
      ...(programs !== undefined && { programs }),
      signal,
      progress: progress.show,
      evaluated: ({ step, exact, token, examples: count }) =>
        log(`step ${step}: ${percent(exact)} of ${count} solved, ${percent(token)} of the tokens right`),
    })(),
  ).finally(progress.stop)
}

const answer = (run: string, { config, device, report }: Trained) => {
  const { step, interrupted, stoppedEarly, best, seconds, stepMs, peakBytes, checkpoint } = report
  return {
    text: [
      interrupted
        ? `stopped at step ${step} of ${config.training.steps}; go on with \`thetagrad train --out ${run} --resume\``
        : stoppedEarly !== undefined
          ? `stopped early at step ${step} of ${config.training.steps}: ${stoppedEarly}`
          : `trained ${step} steps`,
      `  ${duration(seconds)}, ${stepMs.toPrecision(3)} ms a step on ${device}, peak device memory ${showBytes(peakBytes)}`,
      `  ${checkpoint}`,
      ...(best === undefined ? [] : [`  best: step ${best.step}, ${bestWords(best)}`]),
    ].join('\n'),
    json: {
      run,
      step,
      steps: config.training.steps,
      interrupted,
      ...(stoppedEarly !== undefined && { stoppedEarly }),
      ...(best !== undefined && { best }),
      seconds,
      stepMs,
      peakBytes,
      device,
      checkpoint,
    },
  }
}

const bestWords = ({ by, value }: Best): string =>
  by === 'loss'
    ? `loss ${value.toPrecision(4)}`
    : `${percent(value)} of the ${by === 'exact' ? 'answers' : 'tokens'} right`
