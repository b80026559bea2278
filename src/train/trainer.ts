/**
 * The training loop on any backend: streams batches in, reads metrics late, evaluates, writes checkpoints, stops at a loss
 * that is not a number, early when the settings say so, and at a signal after the step in hand. A run resumed from a
 * checkpoint goes on exactly as if it had never stopped. Must not know of datasets or terminals.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { type Checkpoint, saveCheckpoint } from './checkpoint.js'
import type { HostBatch } from './evaluation.js'
import { measure } from './measure.js'
import { type Metrics, metricNames, metricsAt, summarise } from './metrics.js'
import { appendMetrics, type EvaluationLine } from './metrics-file.js'
import { loadTraining, type TrainingPrograms } from './programs.js'
import { nonFinite, snapshot } from './residents.js'
import type { TrainingSettings } from './settings.js'
import { afterEvaluation, afterLine, atCheckpoint, type Best, stopReason } from './standing.js'
import { begin, type Position } from './start.js'
import { rateAt } from './stepper.js'

/** Batches without end, the t-th for step t. Where it stands follows from how many were taken. */
export type BatchStream = Iterator<HostBatch, never>

export interface TrainingProgress {
  readonly step: number
  readonly steps: number
  /** Per example. */
  readonly loss: number
  /** Share of the examples that halted since the last report whose answer was right. */
  readonly exact: number
  readonly stepsPerSecond: number
  readonly secondsLeft: number
}

export interface TrainingReport {
  readonly step: number
  /** Stopped by the signal before the last step, or the evaluation after it. */
  readonly interrupted: boolean
  /** Why it ended before the last step of itself. */
  readonly stoppedEarly?: string
  readonly best?: Best
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
  /** What is evaluated on, when the settings say that it is. */
  readonly evaluation?: { readonly count: number; readonly batches: (size: number) => Iterable<HostBatch> }
  /** Loaded already, by `loadTraining`. */
  readonly programs?: TrainingPrograms
  readonly signal?: AbortSignal
  readonly progress?: (progress: TrainingProgress) => void
  readonly evaluated?: (line: EvaluationLine) => void
  /** Milliseconds, for speeds only. */
  readonly clock?: () => number
}

export const train =
  (options: TrainingOptions): TaskEither<Problem, TrainingReport> =>
  async () => {
    if (options.settings.evalEvery !== undefined && options.evaluation === undefined)
      return E.left(problem('there is nothing to evaluate on', { where: options.run, fix: 'leave out evalEvery' }))
    const { backend, model, settings, evaluation } = options
    const programs =
      options.programs === undefined
        ? await loadTraining(backend, model, settings, evaluation?.count)
        : E.right(options.programs)
    if (E.isLeft(programs)) return programs
    const start = begin(options)
    return E.isLeft(start) ? start : loop(options, programs.right, start.right)
  }

const loop = async (
  options: TrainingOptions,
  programs: TrainingPrograms,
  from: Position,
): Promise<E.Either<Problem, TrainingReport>> => {
  const { backend, model, settings, run, signal, progress = () => {}, clock = () => performance.now() } = options
  const { logEvery: window, batch, steps, evalEvery, checkpointEvery } = settings
  const stream = options.batches(from.step)
  const { maxSegments } = model.halting

  const stopped = () => signal?.aborted ?? false
  const started = clock()
  let reported = started
  const stepTimes: number[] = []
  let { step, logged, evaluated, standing, checkpoint } = from
  let [checked, saved] = [step, step]

  /** In f16: by what the loss is multiplied, as of the last look. */
  let lossScale: number | undefined

  const secondsSoFar = () => from.seconds + (clock() - started) / 1000

  /** Metrics of the steps since the last look; a problem when a loss is not finite. */
  const look = async (): Promise<E.Either<Problem, readonly Metrics[]>> => {
    const read = await backend.read(['metrics.history', ...(settings.precision === 'f16' ? ['scaling'] : [])])
    const history = read['metrics.history']!
    lossScale = read.scaling?.[0]
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
    const scale = lossScale === undefined ? {} : { loss_scale: lossScale }
    appendMetrics(run, {
      step,
      lr: rateAt(settings, settings.lr, step),
      ...summary,
      ...scale,
      seconds: secondsSoFar(),
    })
    logged = step
    standing = afterLine(standing, settings, summary)
    progress({
      step,
      steps,
      loss: summary.loss,
      exact: summary.exact_accuracy,
      stepsPerSecond: 1000 / msPerStep,
      secondsLeft: ((steps - step) * msPerStep) / 1000,
    })
  }

  const evaluates = () =>
    evalEvery !== undefined && step > 0 && step !== evaluated && (step % evalEvery === 0 || step === steps)
  const weights = settings.ema === undefined ? 'live' : 'ema'

  /** Given up when the signal comes: then it is made up for when the run is resumed. */
  const evaluate = async (): Promise<void> => {
    const { batches } = options.evaluation!
    const evaluating = programs.evaluation!
    const before = clock()
    const measured = await measure(evaluating, until(stopped, batches(evaluating.batch)), maxSegments)
    if (reported !== started) reported += clock() - before
    if (stopped()) return
    const { examples } = measured
    const [exact, token] = [measured.exact.at(-1)!, measured.token.at(-1)!]
    const seconds = secondsSoFar()
    const line = { kind: 'evaluation', step, examples, segments: maxSegments, exact, token, weights, seconds } as const
    appendMetrics(run, line)
    evaluated = step
    standing = afterEvaluation(standing, settings, line)
    options.evaluated?.(line)
  }

  const save = async (): Promise<E.Either<Problem, undefined>> => {
    const residents = await snapshot(backend, model, settings)
    const whole: Checkpoint = { step, ...residents, state: { logged, evaluated, seconds: secondsSoFar(), standing } }
    const written = saveCheckpoint(run, whole, settings.keep, standing.best?.step)
    if (E.isLeft(written)) return written
    saved = step
    checkpoint = written.right
    return E.right(undefined)
  }

  /** What is due between two steps: looking, a line of metrics, an evaluation, a checkpoint. */
  const attend = async (): Promise<E.Either<Problem, undefined>> => {
    const logs = step > logged && (step % window === 0 || step === steps)
    const settles = step > saved && (step % checkpointEvery === 0 || step === steps)
    const stops = step > saved && stopped()
    if (!logs && !settles && !stops && !evaluates()) return E.right(undefined)
    const rows = await look()
    if (E.isLeft(rows)) return rows
    if (logs) report(rows.right)
    if (evaluates() && !stopped()) await evaluate()
    const ends = stopReason(standing, settings) !== undefined
    if (settles || ends) standing = atCheckpoint(standing, settings, step)
    // Evaluations are dear: what is new of one is kept at once.
    const isNews = evaluated === step && (standing.best?.step === step || step === saved)
    return settles || ends || isNews || (stopped() && step > saved) ? save() : E.right(undefined)
  }

  const pending = await attend()
  if (E.isLeft(pending)) return pending
  while (step < steps && !stopped() && stopReason(standing, settings) === undefined) {
    step++
    await programs.step(step, stream.next().value)
    const attended = await attend()
    if (E.isLeft(attended)) return attended
  }
  // The signal may have come while a report was awaited.
  if (saved !== step || checkpoint === '') {
    const rows = await look()
    if (E.isLeft(rows)) return rows
    const written = await save()
    if (E.isLeft(written)) return written
  }
  const sorted = [...stepTimes].sort((a, b) => a - b)
  const reason = stopReason(standing, settings)
  return E.right({
    step,
    interrupted: reason === undefined && (step < steps || evaluates()),
    ...(step < steps && reason !== undefined && { stoppedEarly: reason }),
    ...(standing.best !== undefined && { best: standing.best }),
    seconds: (clock() - started) / 1000,
    stepMs: sorted[sorted.length >> 1] ?? (clock() - started) / Math.max(1, step - from.step),
    peakBytes: backend.peakBytes(),
    checkpoint,
  })
}

function* until<A>(stopped: () => boolean, items: Iterable<A>): Iterable<A> {
  for (const item of items) {
    if (stopped()) return
    yield item
  }
}

/** The loss of step `t` is not a number: says which part of it, and which tensors have been spoilt. */
const notFinite = async (
  { backend, model, run, settings }: TrainingOptions,
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
        ? `all parameters are still finite${settings.precision === 'f16' ? '; f16 ends at 65504: in f32 it may go well' : ''}`
        : `not finite by now: ${spoilt[0]}${spoilt.length > 1 ? ` and ${spoilt.length - 1} more tensors` : ''}`,
    fix:
      saved > 0
        ? `the checkpoint of step ${saved} is good: lower the learning rate or lengthen the warm-up, then --resume`
        : 'lower the learning rate or lengthen the warm-up',
  })
}
