/**
 * Checkpoints of a run: `checkpoints/step-N/{model,optimizer}.safetensors` and `state.json`, and `checkpoints/latest`, a
 * file with the name of the newest. A checkpoint is written into a temporary folder, flushed to the disk and renamed, so
 * that a folder with its final name is always whole.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { type Problem, problem } from '../problem.js'
import { decodeSafetensors, encodeSafetensors, type StoredTensors } from './safetensors.js'

export interface Checkpoint {
  readonly step: number
  /** Parameters under their official names. */
  readonly model: StoredTensors
  /** Moments, carry, metrics not yet written. */
  readonly optimizer: StoredTensors
  /** Whatever else the trainer must know to go on, as JSON. */
  readonly state: Readonly<Record<string, unknown>>
}

const nameOf = (step: number): string => `step-${step}`
const stepOf = (name: string): number | undefined => {
  const digits = /^step-(\d+)$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
const folderOf = (run: string): string => join(run, 'checkpoints')

const ioProblem = (what: string, where: string) => (cause: unknown) =>
  problem(what, { where, why: cause instanceof Error ? cause.message : String(cause) })

const writeDurably = (path: string, data: Uint8Array): void => {
  const file = openSync(path, 'w')
  try {
    let at = 0
    while (at < data.length) at += writeSync(file, data, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Folders cannot be flushed everywhere (Windows): then the rename is as durable as it gets. */
const flushFolder = (path: string): void => {
  try {
    const folder = openSync(path, 'r')
    fsyncSync(folder)
    closeSync(folder)
  } catch {}
}

/** Removes what is left of a failed write; that failing too must not hide why the write failed. */
const discard = (folder: string): void => {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {}
}

/** Steps of the whole checkpoints of a run, oldest first. */
export const checkpointSteps = (run: string): readonly number[] =>
  existsSync(folderOf(run))
    ? readdirSync(folderOf(run))
        .map(stepOf)
        .filter((step) => step !== undefined)
        .sort((a, b) => a - b)
    : []

/** Writes a checkpoint and lets go of all but the newest `keep`. */
export const saveCheckpoint = (run: string, checkpoint: Checkpoint, keep: number): E.Either<Problem, string> => {
  const folder = folderOf(run)
  const target = join(folder, nameOf(checkpoint.step))
  const temporary = join(folder, `.${nameOf(checkpoint.step)}.${process.pid}`)
  return E.tryCatch(
    () => {
      // What a crashed process left behind.
      if (existsSync(folder))
        for (const name of readdirSync(folder).filter((n) => n.startsWith('.step-')))
          rmSync(join(folder, name), { recursive: true, force: true })
      mkdirSync(temporary, { recursive: true })
      const { model, optimizer, state, step } = checkpoint
      writeDurably(join(temporary, 'model.safetensors'), encodeSafetensors(model, { format: 'pt', step: `${step}` }))
      writeDurably(join(temporary, 'optimizer.safetensors'), encodeSafetensors(optimizer))
      writeDurably(join(temporary, 'state.json'), new TextEncoder().encode(`${JSON.stringify({ ...state, step })}\n`))
      flushFolder(temporary)
      // Two renames, so that a crash between them leaves the old one beside.
      if (existsSync(target)) renameSync(target, `${temporary}.replaced`)
      renameSync(temporary, target)
      rmSync(`${temporary}.replaced`, { recursive: true, force: true })
      flushFolder(folder)
      writeFileAtomic(join(folder, 'latest'), `${nameOf(checkpoint.step)}\n`)
      const steps = checkpointSteps(run)
      for (const old of steps.slice(0, Math.max(0, steps.length - keep)))
        if (old !== checkpoint.step) rmSync(join(folder, nameOf(old)), { recursive: true, force: true })
      return target
    },
    (cause) => {
      discard(temporary)
      return ioProblem(`the checkpoint of step ${checkpoint.step} could not be written`, target)(cause)
    },
  )
}

const readBytes = (path: string): E.Either<Problem, Uint8Array> =>
  E.tryCatch(() => readFileSync(path), ioProblem('the checkpoint cannot be read', path))

const readTensors = (path: string): E.Either<Problem, StoredTensors> => {
  const bytes = readBytes(path)
  if (E.isLeft(bytes)) return bytes
  const file = decodeSafetensors(bytes.right, path)
  return E.isLeft(file) ? file : E.right(file.right.tensors)
}

/** The folder of the newest checkpoint. */
export const latestCheckpoint = (run: string): E.Either<Problem, string> => {
  const latest = join(folderOf(run), 'latest')
  const steps = checkpointSteps(run)
  const named = existsSync(latest) ? stepOf(readFileSync(latest, 'utf8').trim()) : undefined
  const step = named !== undefined && steps.includes(named) ? named : steps.at(-1)
  if (step === undefined)
    return E.left(
      problem('the run has no checkpoint', {
        where: folderOf(run),
        why: existsSync(run) ? 'no step-N folder is there' : 'the folder does not exist',
        fix: 'name the folder given to `thetagrad train --out`, or train first',
      }),
    )
  return E.right(join(folderOf(run), nameOf(step)))
}

/** The parameters alone: all that evaluation needs. */
export const readModel = (checkpoint: string): E.Either<Problem, StoredTensors> =>
  readTensors(join(checkpoint, 'model.safetensors'))

/** The parameters stored at a path: a safetensors file, the folder of a checkpoint, or a run with its newest one. */
export const readModelAt = (path: string): E.Either<Problem, StoredTensors> => {
  if (existsSync(path) && statSync(path).isFile()) return readTensors(path)
  if (existsSync(join(path, 'model.safetensors'))) return readModel(path)
  const latest = latestCheckpoint(path)
  return E.isLeft(latest) ? latest : readModel(latest.right)
}

/** Everything a run needs to go on. */
export const readCheckpoint = (checkpoint: string): E.Either<Problem, Checkpoint> => {
  const model = readModel(checkpoint)
  if (E.isLeft(model)) return model
  const optimizer = readTensors(join(checkpoint, 'optimizer.safetensors'))
  if (E.isLeft(optimizer)) return optimizer
  const path = join(checkpoint, 'state.json')
  const state = E.tryCatch(
    () => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>,
    ioProblem('the checkpoint cannot be read', path),
  )
  if (E.isLeft(state)) return state
  const { step, ...rest } = state.right
  if (typeof step !== 'number') return E.left(problem('the checkpoint does not say its step', { where: path }))
  return E.right({ step, model: model.right, optimizer: optimizer.right, state: rest })
}
