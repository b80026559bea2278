/**
 * A training step as the trainer calls it: loads the programs for the whole batch at once, or for n micro-batches and an
 * update (see `accumulation.ts`), and runs them. The host's batch and draws are always those of the whole batch. Of a
 * model in stages, the one whose turn it is.
 */
import { lastStepOf, type Reasoner, stagesOf } from '../hrm/index.js'
import type { Backend, Executable, Graph, HostArray } from '../ir/index.js'
import type { Dims } from '../shape/index.js'
import { microStep, updateStep } from './accumulation.js'
import { type HostBatch, streamedBatch } from './evaluation.js'
import { explorationDraws, stepKeys } from './randomness.js'
import { learningRate } from './schedule.js'
import type { TrainingSettings } from './settings.js'
import { type StepSettings, streamedRates, trainingStep } from './step.js'

/** Runs step t (from 1) on its batch; steps may only be asked for in order. */
export type Stepper = (t: number, examples: HostBatch) => Promise<void>

/** What step t (from 1) streams: its batch, the rates of its place in the schedule, its draws. */
export const streamsOf = (
  { halting }: Reasoner,
  settings: TrainingSettings,
  t: number,
  examples: HostBatch,
): Readonly<Record<string, HostArray>> => {
  const { batch, logEvery: window, seed } = settings
  const rates = { t, lr: rateAt(settings, settings.lr, t), puzzleLr: rateAt(settings, settings.puzzleLr, t) }
  return {
    ...streamedBatch(examples),
    ...streamedRates({ ...settings, window }, { ...rates, globalBatch: batch }),
    ...explorationDraws(seed, t, batch, halting.maxSegments),
    ...stepKeys(seed, t, batch),
  }
}

/** The rate whose peak is `base` at step t. */
export const rateAt = ({ warmup, steps, lrMinRatio }: TrainingSettings, base: number, t: number): number =>
  learningRate({ base, warmup, steps, minRatio: lrMinRatio }, t)

/** A graph with its dims, as it is loaded. */
export type Sized = readonly [Graph, Dims]

/** The graphs of a step: of every stage the whole, or a micro-batch, and then the update that follows the last of them. */
export interface StepGraphs {
  readonly stages: readonly Sized[]
  readonly update?: Sized
}

export const stepGraphs = (model: Reasoner, { batch, accumulate = 1, ...settings }: TrainingSettings): StepGraphs => {
  const step: StepSettings = { ...settings, window: settings.logEvery }
  const stages = stagesOf(model).map((stage) => stage.model)
  return accumulate === 1
    ? { stages: stages.map((stage) => [trainingStep(stage, step), { batch }]) }
    : {
        stages: stages.map((stage) => [microStep(stage, step, accumulate), { batch: batch / accumulate }]),
        update: [updateStep(model, step), { batch }],
      }
}

/**
 * Loads what the first step needs. A later stage is loaded when its turn comes, after the one before has given its memory
 * back: that it will find room is for the caller to see to (`trainingMemory`).
 */
export const stepper = async (backend: Backend, model: Reasoner, settings: TrainingSettings): Promise<Stepper> => {
  const { accumulate = 1, steps } = settings
  const graphs = stepGraphs(model, settings)
  const load = ([graph, dims]: Sized): Promise<Executable> => backend.load(graph, dims)
  const stages = stagesOf(model)
  let current = 0
  let segment = await load(graphs.stages[current]!)
  const update = graphs.update === undefined ? undefined : await load(graphs.update)
  return async (t, examples) => {
    const done = stages.filter((stage) => lastStepOf(stage, steps) < t).length
    const due = Math.min(done, stages.length - 1)
    if (due !== current) {
      segment.dispose()
      segment = await load(graphs.stages[due]!)
      current = due
    }
    const streams = streamsOf(stages[current]!.model, settings, t, examples)
    if (update === undefined) return segment.run(streams)
    for (let i = 0; i < accumulate; i++)
      await segment.run({ ...sliceOf(streams, i, accumulate), micro: Int32Array.of(i) })
    await update.run(streams)
  }
}

const PER_EXAMPLE = /^(batch|explore|draws)\./

const sliceOf = (streams: Readonly<Record<string, HostArray>>, i: number, n: number) =>
  Object.fromEntries(
    Object.entries(streams).map(([name, data]) => {
      const size = data.length / n
      return [name, PER_EXAMPLE.test(name) ? data.subarray(i * size, (i + 1) * size) : data]
    }),
  )
