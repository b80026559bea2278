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

/** The graphs of a step with their dims, as they are loaded: of every stage the whole, or a micro-batch; and then the update. */
export const stepGraphs = (
  model: Reasoner,
  { batch, accumulate = 1, ...settings }: TrainingSettings,
): readonly (readonly [Graph, Dims])[] => {
  const step: StepSettings = { ...settings, window: settings.logEvery }
  const stages = stagesOf(model).map((stage) => stage.model)
  return accumulate === 1
    ? stages.map((stage) => [trainingStep(stage, step), { batch }])
    : [
        ...stages.map((stage) => [microStep(stage, step, accumulate), { batch: batch / accumulate }] as const),
        [updateStep(model, step), { batch }],
      ]
}

export const stepper = async (backend: Backend, model: Reasoner, settings: TrainingSettings): Promise<Stepper> => {
  const loaded: Executable[] = []
  for (const [graph, dims] of stepGraphs(model, settings)) loaded.push(await backend.load(graph, dims))
  const { accumulate = 1, steps } = settings
  const stages = stagesOf(model).map((stage) => ({
    model: stage.model,
    last: lastStepOf(stage, steps),
    segment: loaded.shift()!,
  }))
  const [update] = loaded
  return async (t, examples) => {
    while (stages.length > 1 && stages[0]!.last < t) stages.shift()!.segment.dispose()
    const { model: current, segment } = stages[0]!
    const streams = streamsOf(current, settings, t, examples)
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
