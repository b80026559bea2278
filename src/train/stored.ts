/** Reading checkpoints back: which one, and of its weights the live ones or their moving average. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { readLarge } from '../large-file.js'
import { type Problem, problem } from '../problem.js'
import { type Checkpoint, checkpointSteps, files, folderOf, ioProblem, nameOf, stepOf } from './checkpoint.js'
import { decodeSafetensors, type StoredTensors } from './safetensors.js'

/** The weights as they are trained, or their moving average. Where neither is asked for: the average, if there is one. */
export type Weights = 'live' | 'ema'

const readBytes = (path: string): E.Either<Problem, Uint8Array> =>
  E.tryCatch(() => readLarge(path), ioProblem('the checkpoint cannot be read', path))

const readTensors = (path: string): E.Either<Problem, StoredTensors> => {
  const bytes = readBytes(path)
  if (E.isLeft(bytes)) return bytes
  const file = decodeSafetensors(bytes.right, path)
  return E.isLeft(file) ? file : E.right(file.right.tensors)
}

const none = (run: string): Problem =>
  problem('the run has no checkpoint', {
    where: folderOf(run),
    why: existsSync(run) ? 'no step-N folder is there' : 'the folder does not exist',
    fix: 'name the folder given to `thetagrad train --out`, or train first',
  })

/** The step that `latest` or `best` names, if that checkpoint is there. */
const pointed = (run: string, pointer: 'latest' | 'best'): number | undefined => {
  const path = join(folderOf(run), pointer)
  const step = existsSync(path) ? stepOf(readFileSync(path, 'utf8').trim()) : undefined
  return step !== undefined && checkpointSteps(run).includes(step) ? step : undefined
}

/** The folder of the newest checkpoint. */
export const latestCheckpoint = (run: string): E.Either<Problem, string> => {
  const step = pointed(run, 'latest') ?? checkpointSteps(run).at(-1)
  return step === undefined ? E.left(none(run)) : E.right(join(folderOf(run), nameOf(step)))
}

/** The folder of a checkpoint by name: `latest`, `best`, `step-N`, or N. */
export const checkpointNamed = (run: string, name: string): E.Either<Problem, string> => {
  if (name === 'latest') return latestCheckpoint(run)
  const steps = checkpointSteps(run)
  if (steps.length === 0) return E.left(none(run))
  const step = name === 'best' ? pointed(run, 'best') : stepOf(/^\d+$/.test(name) ? nameOf(Number(name)) : name)
  if (step !== undefined && steps.includes(step)) return E.right(join(folderOf(run), nameOf(step)))
  return E.left(
    problem(name === 'best' ? 'the run does not know its best checkpoint' : `the run has no checkpoint "${name}"`, {
      where: folderOf(run),
      fix: `there are ${['latest', ...(pointed(run, 'best') === undefined ? [] : ['best']), ...steps.map(nameOf)].join(', ')}`,
    }),
  )
}

/** Whether a checkpoint keeps an average of its weights. */
export const hasAverage = (checkpoint: string): boolean => existsSync(join(checkpoint, files.average))

/** The parameters alone: all that evaluation needs. What is not averaged (puzzle rows, fixed vectors) is as it is. */
export const readModel = (checkpoint: string, weights?: Weights): E.Either<Problem, StoredTensors> => {
  const model = readTensors(join(checkpoint, files.model))
  if (E.isLeft(model) || weights === 'live') return model
  if (!hasAverage(checkpoint))
    return weights === undefined
      ? model
      : E.left(
          problem('the checkpoint has no average of its weights', {
            where: checkpoint,
            why: 'it was trained without the setting ema',
            fix: 'use --weights live',
          }),
        )
  const average = readTensors(join(checkpoint, files.average))
  return E.isLeft(average) ? average : E.right({ ...model.right, ...average.right })
}

/** What lies at a path: a safetensors file, the folder of a checkpoint, or of a run the one of its newest. */
export const checkpointAt = (path: string): E.Either<Problem, string> =>
  isFile(path) || existsSync(join(path, files.model)) ? E.right(path) : latestCheckpoint(path)

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile()

/** The parameters stored at such a path. */
export const readModelAt = (path: string, weights?: Weights): E.Either<Problem, StoredTensors> => {
  const found = checkpointAt(path)
  if (E.isLeft(found)) return found
  return isFile(found.right) ? readTensors(found.right) : readModel(found.right, weights)
}

/** Everything a run needs to go on. */
export const readCheckpoint = (checkpoint: string): E.Either<Problem, Checkpoint> => {
  const model = readModel(checkpoint, 'live')
  if (E.isLeft(model)) return model
  const average = hasAverage(checkpoint) ? readTensors(join(checkpoint, files.average)) : undefined
  if (average !== undefined && E.isLeft(average)) return average
  const optimizer = readTensors(join(checkpoint, files.optimizer))
  if (E.isLeft(optimizer)) return optimizer
  const path = join(checkpoint, files.state)
  const state = E.tryCatch(
    () => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>,
    ioProblem('the checkpoint cannot be read', path),
  )
  if (E.isLeft(state)) return state
  const { step, ...rest } = state.right
  if (typeof step !== 'number') return E.left(problem('the checkpoint does not say its step', { where: path }))
  return E.right({
    step,
    model: model.right,
    ...(average !== undefined && { average: average.right }),
    optimizer: optimizer.right,
    state: rest,
  })
}
