/**
 * A run folder and its `config.json`: which model is trained how, on what. Everything `eval`, `solve` and `--resume` need
 * to build the same model again.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { type NamedSizes, type Reasoner, variantOf } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import {
  checkpointNamed,
  completeSettings,
  hasAverage,
  readModel,
  restoreParameters,
  type TrainingSettings,
  type Weights,
} from '../train/index.js'
import { failed, listed } from './result.js'

/** Where a model comes from: a variant's sizes, written out, or a file whose default export has it. */
export type ModelSource =
  | { readonly kind: 'variant'; readonly name: string; readonly preset: string; readonly sizes: NamedSizes }
  /** An HRM, as runs named it when presets had no other variant. */
  | { readonly kind: 'hrm'; readonly preset: string; readonly sizes: NamedSizes }
  | { readonly kind: 'file'; readonly file: string }

export interface RunConfig {
  readonly model: ModelSource
  readonly training: TrainingSettings
  /** The dataset folder or CSV file; absent where the weights were imported. */
  readonly data?: string
  /** What evaluations during training use, when not the test split of `data`. */
  readonly evalData?: string
  /** Augmentations of a CSV file's puzzles. */
  readonly augment: number
}

const configPath = (run: string): string => join(run, 'config.json')

/** Whether a new run may be made there: one that is there already is not overwritten. */
export const mayCreateRun = (run: string): E.Either<Problem, void> => {
  if (existsSync(configPath(run)))
    return E.left(
      problem('the folder holds a run already', {
        where: run,
        fix: 'add --resume to go on with it, or choose another --out',
      }),
    )
  if (existsSync(run) && readdirSync(run).some((name) => !isLeftover(name)))
    return E.left(problem('the folder is not empty', { where: run, fix: 'choose another --out' }))
  return E.right(undefined)
}

/** Makes the folder of a new run. */
export const createRun = (run: string, config: RunConfig): E.Either<Problem, void> => {
  const may = mayCreateRun(run)
  if (E.isLeft(may)) return may
  return E.tryCatch(
    () => {
      mkdirSync(run, { recursive: true })
      writeConfig(run, config)
    },
    (cause) => problem('the run folder cannot be made', { where: run, why: String(cause) }),
  )
}

/** Half a config file, of a process that was killed. */
const isLeftover = (name: string): boolean => /^config\.json\.\d+$/.test(name)

export const writeConfig = (run: string, config: RunConfig): void =>
  writeFileAtomic(configPath(run), `${JSON.stringify(config, null, 2)}\n`)

export const readConfig = (run: string): E.Either<Problem, RunConfig> => {
  const path = configPath(run)
  if (!existsSync(path))
    return E.left(
      problem(existsSync(run) ? 'this is no run folder: it has no config.json' : 'there is no such run folder', {
        where: run,
        fix: 'give the folder that `thetagrad train --out` or `thetagrad demo` made',
      }),
    )
  try {
    const config = JSON.parse(readFileSync(path, 'utf8')) as RunConfig
    if (typeof config.model?.kind !== 'string') return E.left(problem('it does not say which model', { where: path }))
    const training = completeSettings({ ...config.training }, path)
    if (E.isLeft(training)) return training
    const { data, ...rest } = config
    // Imported runs once said it so.
    return E.right({ ...rest, training: training.right, ...(data !== '' && data !== undefined && { data }) })
  } catch (cause) {
    return E.left(problem('this is no JSON', { where: path, why: String(cause) }))
  }
}

/** A model and, from a file, the training settings beside it. */
export interface LoadedModel {
  readonly model: Reasoner
  readonly training: Readonly<Record<string, unknown>>
}

/** `typeCheck`: compile a file first, for its shape errors as sentences; takes seconds, and a run has passed it already. */
export const loadModel = async (
  source: ModelSource,
  { typeCheck }: { readonly typeCheck: boolean },
): Promise<E.Either<readonly Problem[], LoadedModel>> => {
  if (source.kind !== 'file')
    return E.tryCatch(
      () => ({ model: variantOf(source.kind === 'hrm' ? 'hrm' : source.name, source.sizes), training: {} }),
      // Sizes that do not go together, such as heads that do not divide.
      (error) => [problem((error as Error).message, { where: source.preset, fix: 'change the sizes of the model' })],
    )
  // Brings the TypeScript compiler with it, which most commands do not need.
  const { checkFile, loadFile } = await import('./check.js')
  const checked = typeCheck ? await checkFile(source.file)() : E.right(undefined)
  if (E.isLeft(checked)) return checked
  const loaded = await loadFile(source.file)
  if (E.isLeft(loaded)) return loaded
  const { exports, models } = loaded.right
  const found = models.find(({ exported }) => exported === 'default' || exported === 'default.model')
  if (found === undefined)
    return failed(
      problem('the default export is no model', {
        where: source.file,
        fix: 'end it with `export default { model: …, training: { … } }`',
      }),
    )
  const training = (exports.default as { readonly training?: LoadedModel['training'] }).training
  return E.right({ model: found.model, training: training ?? {} })
}

export interface TrainedModel {
  readonly config: RunConfig
  readonly model: Reasoner
  /** Folder of the checkpoint in use. */
  readonly checkpoint: string
  /** The weights as they were trained, or their moving average. */
  readonly weights: Weights
  /** Puts the parameters on a device. */
  readonly writeTo: (backend: Backend) => void
}

/** Which parameters of a run: by default of its newest checkpoint, the moving average where there is one. */
export interface Chosen {
  /** `latest`, `best`, `step-N`. */
  readonly checkpoint?: string
  readonly weights?: Weights
}

/** The model of a run with its parameters. */
export const openRun = async (
  run: string,
  { checkpoint: name = 'latest', weights }: Chosen = {},
): Promise<E.Either<readonly Problem[], TrainedModel>> => {
  const config = readConfig(run)
  if (E.isLeft(config)) return listed(config)
  const loaded = await loadModel(config.right.model, { typeCheck: false })
  if (E.isLeft(loaded)) return loaded
  const { model } = loaded.right
  const checkpoint = checkpointNamed(run, name)
  if (E.isLeft(checkpoint)) return listed(checkpoint)
  const stored = readModel(checkpoint.right, weights)
  if (E.isLeft(stored)) return listed(stored)
  const parameters = restoreParameters(model, stored.right, join(checkpoint.right, 'model.safetensors'))
  if (E.isLeft(parameters)) return listed(parameters)
  return E.right({
    config: config.right,
    model,
    checkpoint: checkpoint.right,
    weights: weights ?? (hasAverage(checkpoint.right) ? 'ema' : 'live'),
    writeTo: (backend) => {
      for (const [name, data] of Object.entries(parameters.right)) backend.write(name, data)
    },
  })
}
