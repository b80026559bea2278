/** What training a model costs, in floating-point operations: counted from its graphs, evaluations left out. */
import { costs, lastStepOf, type Reasoner, stagesOf } from '../hrm/index.js'

export interface TrainingFlops {
  /** Of a step, on the average of a whole run. */
  readonly perStep: number
  /** Of the first `step` steps of a run of so many. */
  readonly upTo: (step: number, steps: number) => number
}

/** A step is one segment with its gradient for every example of the batch, of the model whose stage it is. */
export const trainingFlops = (model: Reasoner, batch: number): TrainingFlops => {
  const stages = stagesOf(model)
  const flops = stages.map((stage) => batch * flopsOfExample(stage.model))
  const starts = [0, ...stages.map(({ until }) => until)]
  return {
    perStep: stages.reduce((sum, { until }, i) => sum + (until - starts[i]!) * flops[i]!, 0),
    upTo: (step, steps) => {
      const ends = stages.map((stage) => lastStepOf(stage, steps))
      const taken = (i: number) => Math.max(0, Math.min(step, ends[i]!) - (ends[i - 1] ?? 0))
      return flops.reduce((sum, each, i) => sum + taken(i) * each, 0)
    },
  }
}

/** Of a segment with its gradient; with q_continue, its target is another segment. */
const flopsOfExample = (model: Reasoner): number => {
  const { forward, backward } = costs(model).total
  const { adaptive, continuation, maxSegments } = model.halting
  return forward * (adaptive && continuation && maxSegments > 1 ? 2 : 1) + backward
}
