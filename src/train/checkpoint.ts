/**
 * Checkpoints of a run: `checkpoints/step-N/{model,ema,optimizer}.safetensors` and `state.json` (`ema` where averages are
 * kept), and two files with the name of one: `checkpoints/latest` and, where it is known, `checkpoints/best`. A checkpoint
 * is written into a temporary folder, flushed to the disk and renamed, so that a folder with its final name is always whole
 * and a process may be killed at any moment. Reading them is in `stored.ts`.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { writeLarge } from '../large-file.js'
import { type Problem, problem } from '../problem.js'
import { encodeSafetensors, type StoredTensors } from './safetensors.js'

export interface Checkpoint {
  readonly step: number
  /** Parameters under their official names. */
  readonly model: StoredTensors
  /** Moving averages of the dense parameters, under the same names; the others have none. */
  readonly average?: StoredTensors
  /** Moments, carry, metrics not yet written. */
  readonly optimizer: StoredTensors
  /**
   * Whatever else the trainer must know to go on, as JSON. Random numbers and the place in the data follow from the step
   * (see `randomness.ts`), so they need nothing.
   */
  readonly state: Readonly<Record<string, unknown>>
}

/** Names of the files of a checkpoint. */
export const files = {
  model: 'model.safetensors',
  average: 'ema.safetensors',
  optimizer: 'optimizer.safetensors',
  state: 'state.json',
} as const

export const nameOf = (step: number): string => `step-${step}`
export const stepOf = (name: string): number | undefined => {
  const digits = /^step-(\d+)$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
export const folderOf = (run: string): string => join(run, 'checkpoints')

export const ioProblem = (what: string, where: string) => (cause: unknown) =>
  problem(what, { where, why: cause instanceof Error ? cause.message : String(cause) })

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

/** Puts back a checkpoint that a crash left aside while another of the same step was to take its place. */
export const mendCheckpoints = (run: string): void => {
  const folder = folderOf(run)
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const original = /^\.(step-\d+)\.\d+\.replaced$/.exec(name)?.[1]
    if (original !== undefined && !existsSync(join(folder, original)))
      renameSync(join(folder, name), join(folder, original))
  }
}

/**
 * Writes a checkpoint, points `latest` at it and `best` at the step given, if it is there; then lets go of all but the
 * newest `keep` and the best.
 */
export const saveCheckpoint = (
  run: string,
  checkpoint: Checkpoint,
  keep: number,
  best?: number,
): E.Either<Problem, string> => {
  const folder = folderOf(run)
  const { step } = checkpoint
  const target = join(folder, nameOf(step))
  const temporary = join(folder, `.${nameOf(step)}.${process.pid}`)
  return E.tryCatch(
    () => {
      mendCheckpoints(run)
      // What a crashed process left behind.
      if (existsSync(folder))
        for (const name of readdirSync(folder).filter((n) => n.startsWith('.step-')))
          rmSync(join(folder, name), { recursive: true, force: true })
      mkdirSync(temporary, { recursive: true })
      writeInto(temporary, checkpoint)
      // Two renames, so that a crash between them leaves the old one beside.
      if (existsSync(target)) renameSync(target, `${temporary}.replaced`)
      renameSync(temporary, target)
      rmSync(`${temporary}.replaced`, { recursive: true, force: true })
      flushFolder(folder)
      writeFileAtomic(join(folder, 'latest'), `${nameOf(step)}\n`)
      const steps = checkpointSteps(run)
      if (best !== undefined && steps.includes(best)) writeFileAtomic(join(folder, 'best'), `${nameOf(best)}\n`)
      for (const old of steps.slice(0, Math.max(0, steps.length - keep)))
        if (old !== step && old !== best) rmSync(join(folder, nameOf(old)), { recursive: true, force: true })
      return target
    },
    (cause) => {
      discard(temporary)
      return ioProblem(`the checkpoint of step ${step} could not be written`, target)(cause)
    },
  )
}

const writeInto = (folder: string, { model, average, optimizer, state, step }: Checkpoint): void => {
  const metadata = { format: 'pt', step: `${step}` }
  writeLarge(join(folder, files.model), encodeSafetensors(model, metadata))
  if (average !== undefined) writeLarge(join(folder, files.average), encodeSafetensors(average, metadata))
  writeLarge(join(folder, files.optimizer), encodeSafetensors(optimizer))
  writeLarge(join(folder, files.state), new TextEncoder().encode(`${JSON.stringify({ ...state, step })}\n`))
  flushFolder(folder)
}
