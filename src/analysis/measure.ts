/**
 * Runs a model over examples and takes its figures: per batch M segments of the traced graph, of which only reductions are
 * read. Must not know where the examples come from, nor how the figures are drawn.
 */
import * as E from 'fp-ts/lib/Either.js'
import { haltingRule, type Reasoner } from '../hrm/index.js'
import type { HostArray } from '../ir/index.js'
import type { Problem } from '../problem.js'
import { elements } from '../shape/index.js'
import { accuracyAt, attemptKeys, type HostBatch, haltingFigures, type Outcome, streamedBatch } from '../train/index.js'
import { type Analysis, type Guess, type Guesses, type Participation, type Residuals, spreadOf } from './analysis.js'
import { mergeScatter, participationRatio, type Scatter, scatterOfSum } from './participation.js'
import { interrupted, type Task } from './task.js'
import { type Trace, tracedSegment } from './trace.js'
import { trajectories } from './trajectory.js'

export const analyse = async (task: Task): Promise<E.Either<Problem, Analysis>> => {
  const { backend, model, segments, signal, progress = () => {} } = task
  const trace = tracedSegment(model)
  const { graph, calls, states } = trace
  const executable = await backend.load(graph, { batch: task.batch })
  const names = Object.keys(graph.outputs)
  const notLast = names.filter((name) => !name.startsWith('last.'))
  const seen = emptyRecord(trace)
  let done = 0
  for (const data of task.batches(task.batch)) {
    const rows = Math.min(task.batch, task.count - done)
    const weight = Float32Array.from({ length: task.batch }, (_, b) => (b < rows ? 1 : 0))
    const runs: Outputs[] = []
    for (let s = 0; s < segments; s++) {
      if (signal?.aborted) return E.left(interrupted)
      const streams = { ...streamedBatch(data), ...attemptKeys(data) }
      await executable.run({ ...streams, fresh: Int32Array.of(s === 0 ? 1 : 0), 'trace.weight': weight })
      const outputs = await executable.read(s === segments - 1 ? names : notLast)
      runs.push(outputs)
      recordScatters(seen, trace, rows * placesOf(model), outputs, s === segments - 1)
    }
    recordExamples(seen, runs, calls.length, data, rows, task.shown)
    done += rows
    seen.participation.push({ examples: done, ratios: states.map((name) => ratiosOf(seen, name)) })
    progress(done)
  }
  const ways = await trajectories(task)
  if (E.isLeft(ways)) return ways
  return E.right({
    examples: done,
    segments,
    calls: calls.map(({ level }) => level),
    residuals: residualsOf(trace, seen, segments),
    participation: participationOf(states, seen),
    accuracy: Array.from({ length: segments }, (_, s) => ({
      segments: s + 1,
      ...accuracyAt(seen.outcomes, () => s + 1),
    })),
    haltingRule: haltingRule(model.halting),
    halting: haltingFigures(seen.outcomes, segments),
    predictions: seen.guesses,
    trajectories: ways.right,
  })
}

type Outputs = Readonly<Record<string, HostArray>>

interface Ratios {
  readonly final: number | null
  readonly trajectory: number | null
}

/** What has been seen so far; grows with every batch. */
interface Seen {
  /** [segment · calls + call][example] */
  readonly residuals: number[][]
  readonly outcomes: Outcome[]
  readonly guesses: Guesses[]
  /** By state: after the last segment, and after every call. */
  readonly scatters: Map<string, { readonly final?: Scatter; readonly trajectory?: Scatter }>
  readonly participation: { readonly examples: number; readonly ratios: readonly Ratios[] }[]
}

const emptyRecord = ({ states }: Trace): Seen => ({
  residuals: [],
  outcomes: [],
  guesses: [],
  scatters: new Map(states.map((name) => [name, {}])),
  participation: [],
})

/** Vectors [D] that the state of an example consists of. */
const placesOf = ({ stateShape }: Reasoner): number => Number(elements(stateShape.slice(1, -1)))

/** `each`: vectors that a call of this run made. */
const recordScatters = (
  seen: Seen,
  { calls, states }: Trace,
  each: number,
  outputs: Outputs,
  isLast: boolean,
): void => {
  for (const name of states) {
    const means = calls.flatMap(({ state }, i) => (state === name ? [outputs[`mean.${i}`]!] : []))
    const before = seen.scatters.get(name)!
    const trajectory = mergeScatter(before.trajectory, scatterOfSum(each, means, outputs[`scatter.${name}`]!))
    const final = isLast
      ? mergeScatter(before.final, scatterOfSum(each, means.slice(-1), outputs[`last.${name}`]!))
      : before.final
    seen.scatters.set(name, { trajectory, ...(final !== undefined && { final }) })
  }
}

const recordExamples = (
  seen: Seen,
  runs: readonly Outputs[],
  calls: number,
  data: HostBatch,
  rows: number,
  shown: number,
): void => {
  runs.forEach((outputs, s) => {
    for (let i = 0; i < calls; i++) {
      seen.residuals[s * calls + i] ??= []
      seen.residuals[s * calls + i]!.push(...outputs[`residual.${i}`]!.subarray(0, rows))
    }
  })
  for (let b = 0; b < rows; b++) {
    if (seen.guesses.length < shown) seen.guesses.push(guessesOf(seen.outcomes.length, runs, data, b))
    seen.outcomes.push({
      labelled: runs[0]!.labelled![b]!,
      right: runs.map(({ right }) => right![b]!),
      stops: runs.map(({ stops }) => stops![b]! === 1),
    })
  }
}

const guessesOf = (example: number, runs: readonly Outputs[], { inputs, labels }: HostBatch, b: number): Guesses => {
  const length = runs[0]!.predictions!.length / runs[0]!.right!.length
  const rowOf = (values: HostArray) => Array.from(values.subarray(b * length, (b + 1) * length))
  const puzzle = rowOf(inputs)
  const tokens = runs.map(({ predictions }) => rowOf(predictions!))
  return {
    example,
    inputs: puzzle,
    labels: rowOf(labels),
    segments: runs.map(
      ({ right, q_halt }, s): Guess => ({
        segment: s + 1,
        tokens: tokens[s]!,
        changed: tokens[s]!.filter((token, i) => token !== (tokens[s - 1] ?? puzzle)[i]).length,
        right: right![b]!,
        qHalt: q_halt![b]!,
      }),
    ),
  }
}

const ratiosOf = (seen: Seen, state: string): Ratios => {
  const { final, trajectory } = seen.scatters.get(state)!
  const ratio = (s: Scatter | undefined) => {
    const value = s === undefined ? Number.NaN : participationRatio(s)
    return Number.isFinite(value) ? value : null
  }
  return { final: ratio(final), trajectory: ratio(trajectory) }
}

const participationOf = (states: readonly string[], { participation }: Seen): readonly Participation[] =>
  states.map((state, i) => ({
    state,
    ...participation.at(-1)!.ratios[i]!,
    byExamples: participation.map(({ examples, ratios }) => ({ examples, ...ratios[i]! })),
  }))

const residualsOf = ({ calls, states }: Trace, { residuals }: Seen, segments: number): readonly Residuals[] =>
  states.map((name) => ({
    state: name,
    steps: Array.from({ length: segments }, (_, s) =>
      calls.flatMap(({ level, state }, i) => {
        const step = s * calls.length + i
        return state === name ? [{ step: step + 1, segment: s + 1, level, ...spreadOf(residuals[step]!) }] : []
      }),
    ).flat(),
  }))
