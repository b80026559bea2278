/**
 * Models that grow while they are trained: in the first part of a run others with the same parameters and states stand in
 * for it, with fewer cycles, a shorter gradient or other halting. CGAR (arXiv 2511.08653) deepens the recurrence so,
 * HRM-Text (arXiv 2605.20613) widens the window of its gradient.
 */
import { type ParameterTree, parameterMismatches, parameterShapes } from '../nn/index.js'
import { type Shape, ShapeError, sameShape, showShape } from '../shape/index.js'
import type { Reasoner, Stage } from './reasoner.js'

/**
 * `model`, whose place others take in training: each until its share of the steps is done, in order. What is evaluated is
 * `model`. They must have its parameters and states: the compiler sees to the parameters, `ShapeError` at run time to both.
 *
 *     curriculum([{ until: 0.3, model: trm({ …, cycles: 1, steps: 2 }) }], trm({ …, cycles: 3, steps: 6 }))
 */
export const curriculum = <M extends Reasoner>(
  stages: readonly { readonly until: number; readonly model: NoInfer<M> }[],
  model: M,
): M => {
  stages.reduce((before, { until, model: stage }) => {
    if (!(until > before && until < 1))
      throw new Error(`curriculum: stages end at rising shares of the training between 0 and 1, not at ${until}`)
    demandAlike(stage, model)
    return until
  }, 0)
  return { ...model, stages }
}

/** Refuses a stage that could not hand its weights and states over. */
const demandAlike = (stage: Reasoner, model: Reasoner): void => {
  const refuse = (what: string): never => {
    throw new ShapeError(`curriculum: ${stage.name} cannot stand in for ${model.name}: ${what}`)
  }
  if (stage.stages !== undefined) refuse('it has stages of its own')
  const shapes = parameterShapes<ParameterTree>(stage.parameters) as Readonly<Record<string, Shape>>
  const mismatch = parameterMismatches(model.parameters, shapes, { it: 'it', its: 'its' })[0]
  if (mismatch !== undefined) refuse(mismatch)
  const states = ({ carried }: Reasoner) => Object.keys(carried).join(', ')
  if (states(stage) !== states(model)) refuse(`its states are ${states(stage)}, not ${states(model)}`)
  if (!sameShape(stage.stateShape, model.stateShape))
    refuse(`its states are ${showShape(stage.stateShape)}, not ${showShape(model.stateShape)}`)
}

/** The models that train in turn, each until its share of the steps of a run is done; the last to the end. */
export const stagesOf = (model: Reasoner): readonly Stage[] => [...(model.stages ?? []), { until: 1, model }]

/** The last step of a stage in a run of so many. */
export const lastStepOf = ({ until }: Stage, steps: number): number => Math.floor(until * steps)
