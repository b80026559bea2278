/** `thetagrad train`: from a preset or a config file to a run folder, and on from there with `--resume`. */
import { resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { countParameters } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import {
  completeSettings,
  latestCheckpoint,
  presetNamed,
  presets,
  type TrainingReport,
  type TrainingSettings,
  train,
} from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { fits, openTraining, type TrainingExamples } from './examples.js'
import { bytes, duration, trainingProgress } from './progress.js'
import { failed, listed, log, type Outcome } from './result.js'
import { createRun, loadModel, type ModelSource, type RunConfig, readConfig, writeConfig } from './run-folder.js'

export interface TrainOptions {
  readonly preset?: string
  readonly config?: string
  readonly data?: string
  readonly out: string
  readonly resume: boolean
  readonly backend: BackendChoice
  readonly augment?: number
  /** What the command line changes in the recipe. */
  readonly changes: Partial<Pick<TrainingSettings, 'steps' | 'seed' | 'batch' | 'lr' | 'checkpointEvery' | 'logEvery'>>
}

/** All that is known before a device is opened. */
interface Prepared {
  readonly config: RunConfig
  readonly model: Reasoner
  readonly examples: TrainingExamples
}

export const trainCommand = async (options: TrainOptions): Promise<Outcome> => {
  const prepared = await (options.resume ? resumed(options) : fresh(options))
  if (E.isLeft(prepared)) return prepared
  const backend = await chooseBackend(options.backend)
  try {
    const made = options.resume
      ? E.right(writeConfig(options.out, prepared.right.config))
      : createRun(options.out, prepared.right.config)
    if (E.isLeft(made)) return listed(made)
    const report = await runTraining({ ...prepared.right, backend, run: options.out, resume: options.resume })
    return E.isLeft(report) ? listed(report) : E.right(answer(options.out, prepared.right, backend, report.right))
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
  const source = modelSource(options, examples.right.info.num_puzzle_identifiers)
  if (E.isLeft(source)) return listed(source)
  const loaded = await loadModel(source.right.model, { typeCheck: true })
  if (E.isLeft(loaded)) return loaded
  const settings = completeSettings(
    { ...source.right.training, ...loaded.right.training, ...options.changes },
    options.config ?? 'command line',
  )
  if (E.isLeft(settings)) return listed(settings)
  const fit = fits(loaded.right.model, examples.right.info, data)
  if (E.isLeft(fit)) return listed(fit)
  const config = { model: source.right.model, training: settings.right, data: resolve(data), augment: copies }
  return E.right({ config, model: loaded.right.model, examples: examples.right })
}

/** The recipe of a run folder; the command line may only lengthen it and name the data anew. */
const resumed = async (options: TrainOptions): Promise<E.Either<readonly Problem[], Prepared>> => {
  const config = readConfig(options.out)
  if (E.isLeft(config)) return listed(config)
  const checkpoint = latestCheckpoint(options.out)
  if (E.isLeft(checkpoint)) return listed(checkpoint)
  const data = resolve(options.data ?? config.right.data)
  const examples = await openTraining(data, config.right.augment)
  if (E.isLeft(examples)) return listed(examples)
  const loaded = await loadModel(config.right.model, { typeCheck: false })
  if (E.isLeft(loaded)) return loaded
  const fit = fits(loaded.right.model, examples.right.info, data)
  if (E.isLeft(fit)) return listed(fit)
  const training = { ...config.right.training, ...options.changes }
  return E.right({ config: { ...config.right, training, data }, model: loaded.right.model, examples: examples.right })
}

const modelSource = (
  { preset, config }: TrainOptions,
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
  const { name, sizes, training } = found
  return E.right({ model: { kind: 'hrm', preset: name, sizes: { ...sizes, puzzles } }, training })
}

/** Trains with progress on stderr; Ctrl-C finishes the step in hand and saves. */
export const runTraining = async (
  options: Prepared & { readonly backend: Backend; readonly run: string; readonly resume: boolean },
): Promise<E.Either<Problem, TrainingReport>> => {
  const { config, model, examples, backend, run, resume } = options
  const { training } = config
  const { dense, rows } = countParameters(model.parameters)
  log(`${model.name}: ${(dense + rows).toLocaleString('en')} parameters, batch ${training.batch}, on ${backend.name}`)
  const interruption = interruptible()
  const progress = trainingProgress(training.steps)
  try {
    return await train({
      backend,
      model,
      settings: training,
      batches: (taken) => examples.batches(training.batch, training.seed, taken),
      run,
      resume,
      signal: interruption.signal,
      progress: progress.show,
    })()
  } finally {
    progress.stop()
    interruption.release()
  }
}

/**
 * The first Ctrl-C asks to stop; another one ends the process. npm and timeout pass a terminal's signal on to a process
 * that has had it already, so one that follows at once is the same.
 */
const interruptible = () => {
  const controller = new AbortController()
  let asked = 0
  const stop = () => {
    const now = performance.now()
    if (controller.signal.aborted) {
      if (now - asked > 1000) process.exit(130)
      return
    }
    asked = now
    log('\nstopping after this step and saving; once more to quit without')
    controller.abort()
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.on(signal, stop)
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of signals) process.off(signal, stop)
    },
  }
}

const answer = (run: string, { config }: Prepared, backend: Backend, report: TrainingReport) => {
  const { step, interrupted, seconds, stepMs, peakBytes, checkpoint } = report
  return {
    text: [
      interrupted
        ? `stopped at step ${step} of ${config.training.steps}; go on with \`thetagrad train --out ${run} --resume\``
        : `trained ${step} steps`,
      `  ${duration(seconds)}, ${stepMs.toPrecision(3)} ms a step on ${backend.name}, peak device memory ${bytes(peakBytes)}`,
      `  ${checkpoint}`,
    ].join('\n'),
    json: {
      run,
      step,
      steps: config.training.steps,
      interrupted,
      seconds,
      stepMs,
      peakBytes,
      device: backend.name,
      checkpoint,
    },
  }
}
