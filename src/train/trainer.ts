/**
 * The training loop on any backend: streams batches in, reads metrics late, writes checkpoints, stops at a loss that is
 * not a number, and at a signal after the step in hand. A run resumed from a checkpoint goes on exactly as if it had never
 * stopped. Must not know of datasets or terminals.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend, HostArray } from '../ir/index.js'
import { init } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import { arenaOf, toResidents } from './arena.js'
import { emptyCarry } from './carry.js'
import { type Checkpoint, latestCheckpoint, readCheckpoint, saveCheckpoint } from './checkpoint.js'
import { type HostBatch, streamedBatch } from './evaluation.js'
import { type Metrics, metricNames, metricsAt, summarise } from './metrics.js'
import { appendMetrics, truncateMetrics } from './metrics-file.js'
import { explorationDraws } from './randomness.js'
import { nonFinite, restoreResidents, snapshot } from './residents.js'
import { learningRate } from './schedule.js'
import type { TrainingSettings } from './settings.js'
import { stateNames, streamedRates, trainingStep } from './step.js'

/** Batches without end, the t-th for step t. Where it stands follows from how many were taken. */
export type BatchStream = Iterator<HostBatch, never>

export interface TrainingProgress {
  readonly step: number
  readonly steps: number
  /** Per example. */
  readonly loss: number
  /** Share of the examples that halted since the last report whose answer was right. */
  readonly exact: number
  readonly lr: number
  readonly stepsPerSecond: number
  readonly secondsLeft: number
}

export interface TrainingReport {
  readonly step: number
  /** Stopped by the signal before the last step. */
  readonly interrupted: boolean
  /** Wall-clock seconds, of this call. */
  readonly seconds: number
  /** Median milliseconds between reports, per step; the first report, which waits for compilation, is left out. */
  readonly stepMs: number
  readonly peakBytes: number
  readonly checkpoint: string
}

export interface TrainingOptions {
  readonly backend: Backend
  readonly model: Reasoner
  readonly settings: TrainingSettings
  /** Opens the stream after `taken` batches. */
  readonly batches: (taken: number) => BatchStream
  /** The run folder, which exists. */
  readonly run: string
  /** Go on from the newest checkpoint. */
  readonly resume: boolean
  readonly signal?: AbortSignal
  readonly progress?: (progress: TrainingProgress) => void
  /** Milliseconds, for speeds only. */
  readonly clock?: () => number
}

/** Where a run stands between two steps. */
interface Position {
  readonly step: number
  /** The last step whose metrics are in the file. */
  readonly logged: number
  readonly seconds: number
}

export const train =
  (options: TrainingOptions): TaskEither<Problem, TrainingReport> =>
  async () => {
    const start = begin(options)
    return E.isLeft(start) ? start : loop(options, start.right)
  }

/** Fills the residents: from the newest checkpoint, or fresh. */
const begin = ({ backend, model, settings, run, resume }: TrainingOptions): E.Either<Problem, Position> => {
  if (resume) {
    const folder = latestCheckpoint(run)
    if (E.isLeft(folder)) return folder
    const checkpoint = readCheckpoint(folder.right)
    if (E.isLeft(checkpoint)) return checkpoint
    const restored = restoreResidents(model, settings, checkpoint.right, folder.right)
    if (E.isLeft(restored)) return restored
    for (const [name, data] of Object.entries(restored.right)) backend.write(name, data)
    const { step, state } = checkpoint.right
    truncateMetrics(run, step)
    return E.right({ step, logged: Number(state.logged ?? step), seconds: Number(state.seconds ?? 0) })
  }
  const { size } = arenaOf(model.parameters)
  const fresh: Readonly<Record<string, HostArray>> = {
    ...toResidents(model.parameters, init(model.parameters, settings.seed)),
    'moments.m': new Float32Array(size),
    'moments.v': new Float32Array(size),
    'metrics.history': new Float32Array(settings.logEvery * metricNames.length),
    ...emptyCarry(model, stateNames(model), settings.batch),
  }
  for (const [name, data] of Object.entries(fresh)) backend.write(name, data)
  return E.right({ step: 0, logged: 0, seconds: 0 })
}

const loop = async (options: TrainingOptions, from: Position): Promise<E.Either<Problem, TrainingReport>> => {
  const { backend, model, settings, run, signal, progress = () => {}, clock = () => performance.now() } = options
  const { logEvery: window, batch, steps } = settings
  const executable = await backend.load(trainingStep(model, { ...settings, window }), { batch })
  const stream = options.batches(from.step)
  const { maxSegments } = model.halting
  const rateAt = (base: number, t: number) =>
    learningRate({ base, warmup: settings.warmup, steps, minRatio: settings.lrMinRatio }, t)

  const stopped = () => signal?.aborted ?? false
  const started = clock()
  let reported = started
  const stepTimes: number[] = []
  let [step, logged, checked, saved] = [from.step, from.logged, from.step, from.step]
  let checkpoint = ''

  const secondsSoFar = () => from.seconds + (clock() - started) / 1000

  /** Metrics of the steps since the last look; a problem when a loss is not finite. */
  const look = async (): Promise<E.Either<Problem, readonly Metrics[]>> => {
    const history = (await backend.read(['metrics.history']))['metrics.history']!
    const rows = (after: number) =>
      Array.from({ length: step - after }, (_, i) => ({
        t: after + 1 + i,
        row: metricsAt(history, after + 1 + i, window),
      }))
    const bad = rows(checked).find(({ row }) => !metricNames.every((name) => Number.isFinite(row[name])))
    if (bad !== undefined) return E.left(await notFinite(options, bad.t, bad.row, saved))
    checked = step
    return E.right(rows(logged).map(({ row }) => row))
  }

  const report = (rows: readonly Metrics[]): void => {
    const summary = summarise(rows, batch)
    const now = clock()
    if (reported !== started) stepTimes.push((now - reported) / rows.length)
    const msPerStep = (now - started) / (step - from.step)
    reported = now
    appendMetrics(run, { step, lr: rateAt(settings.lr, step), ...summary, seconds: secondsSoFar() })
    logged = step
    progress({
      step,
      steps,
      loss: summary.loss,
      exact: summary.exact_accuracy,
      lr: rateAt(settings.lr, step),
      stepsPerSecond: 1000 / msPerStep,
      secondsLeft: ((steps - step) * msPerStep) / 1000,
    })
  }

  const save = async (): Promise<E.Either<Problem, string>> => {
    const residents = await snapshot(backend, model)
    const whole: Checkpoint = { step, ...residents, state: { logged, seconds: secondsSoFar() } }
    const written = saveCheckpoint(run, whole, settings.keep)
    if (E.isRight(written)) {
      saved = step
      checkpoint = written.right
    }
    return written
  }

  while (step < steps && !stopped()) {
    step++
    await executable.run({
      ...streamedBatch(stream.next().value),
      ...streamedRates(
        { ...settings, window },
        { t: step, lr: rateAt(settings.lr, step), puzzleLr: rateAt(settings.puzzleLr, step), globalBatch: batch },
      ),
      ...explorationDraws(settings.seed, step, batch, maxSegments),
    })
    const last = step === steps || stopped()
    const logs = step % window === 0 || step === steps
    const saves = step % settings.checkpointEvery === 0 || last
    if (!logs && !saves) continue
    const rows = await look()
    if (E.isLeft(rows)) return rows
    if (logs) report(rows.right)
    if (saves) {
      const written = await save()
      if (E.isLeft(written)) return written
    }
  }
  // The signal may have come while a report was awaited.
  if (saved !== step || checkpoint === '') {
    const rows = await look()
    if (E.isLeft(rows)) return rows
    const written = await save()
    if (E.isLeft(written)) return written
  }
  const sorted = [...stepTimes].sort((a, b) => a - b)
  return E.right({
    step,
    interrupted: step < steps,
    seconds: (clock() - started) / 1000,
    stepMs: sorted[sorted.length >> 1] ?? (clock() - started) / Math.max(1, step - from.step),
    peakBytes: backend.peakBytes(),
    checkpoint,
  })
}

/** The loss of step `t` is not a number: says which part of it, and which tensors have been spoilt. */
const notFinite = async (
  { backend, model, run }: TrainingOptions,
  t: number,
  row: Metrics,
  saved: number,
): Promise<Problem> => {
  const part = metricNames.find((name) => name !== 'loss' && !Number.isFinite(row[name])) ?? 'loss'
  const spoilt = await nonFinite(backend, model)
  return problem(`the loss of step ${t} is not finite: ${part} is ${row[part]}`, {
    where: run,
    why:
      spoilt.length === 0
        ? 'all parameters are still finite'
        : `not finite by now: ${spoilt[0]}${spoilt.length > 1 ? ` and ${spoilt.length - 1} more tensors` : ''}`,
    fix:
      saved > 0
        ? `the checkpoint of step ${saved} is good: lower the learning rate or lengthen the warm-up, then --resume`
        : 'lower the learning rate or lengthen the warm-up',
  })
}
