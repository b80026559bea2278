/**
 * One segment as a graph that says what happened in it. `tracedSegment` gives reductions only, made where the states are:
 * of each call the norm of its step and the mean and scatter of the state it made. `statesSegment` gives the states
 * themselves, for the few examples whose whole way is drawn. Both keep the states on the device between segments and are
 * run M times. Must not know of datasets, files or plots. B batch, S puzzle tokens, T positions, D hidden.
 */
import { type Reasoner, type Segment, type State, saysStop } from '../hrm/index.js'
import {
  add,
  dot,
  type Graph,
  input,
  mul,
  reciprocal,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '../ir/index.js'
import { correctness, predict } from '../nn/index.js'
import { elements } from '../shape/index.js'
import { carriedSegment, freshOrKept } from '../train/index.js'

export interface Trace {
  readonly graph: Graph
  /** The calls of a segment in order: call `i` belongs to the outputs of that number. */
  readonly calls: readonly { readonly level: string; readonly state: string }[]
  readonly states: readonly string[]
}

/**
 * Residents: the parameters, the states under `trace`. Streams: `batch.*`, `draws.keys`, `fresh` (1: the initial state),
 * `trace.weight` f32 [B] (1: an example, 0: padding). Outputs:
 * - `predictions` i32 [B, S]; `labelled`, `right`, `q_halt` f32 [B]; `exact`, `stops` bool [B]
 * - for each call i: `residual.i` f32 [B], ‖zⁱ − zⁱ⁻¹‖ over positions and hidden; `mean.i` f32 [D], over B and T
 * - for each state s: `scatter.s` f32 [D, D], Σ (z − mean)(z − mean)ᵀ over B and T, summed over the calls that change it;
 *   `last.s` the same of its last call alone
 */
export const tracedSegment = (model: Reasoner): Trace => {
  const { segment, begin, updates, labels } = carriedSegment(model, 'trace', 'parameters', freshOrKept())
  const weight = input('trace.weight', ['batch'], 'f32', 'streamed')
  const scatters = segment.calls.map(({ state }) => scatter(state, weight))
  const { labelled, right, exact } = correctness(predict(segment.logits), labels)
  const states = changedStates(begin, segment)
  const outputs: Record<string, Tensor> = {
    predictions: predict(segment.logits),
    labelled,
    right,
    exact,
    q_halt: segment.qHalt,
    stops: saysStop(model.halting, segment),
  }
  segment.calls.forEach((call, i) => {
    outputs[`residual.${i}`] = residual(call)
    outputs[`mean.${i}`] = scatters[i]!.mean
  })
  for (const name of states) {
    const own = scatters.filter((_, i) => segment.calls[i]!.name === name).map(({ products }) => products)
    outputs[`scatter.${name}`] = own.reduce((a, b) => add(a, b))
    outputs[`last.${name}`] = own.at(-1)!
  }
  return { graph: { outputs, updates }, calls: segment.calls.map(labelsOf), states }
}

/**
 * The states themselves, [B, T, D] each: `start.s` what state s is before its first call, `call.i` what call i made of the
 * state it changes. Residents under `states`; streams as above but for the weight.
 */
export const statesSegment = (model: Reasoner): Trace => {
  const { segment, begin, updates } = carriedSegment(model, 'states', 'parameters', freshOrKept())
  const states = changedStates(begin, segment)
  const first = (name: string) => segment.calls.find((call) => call.name === name)!.before
  const outputs = Object.fromEntries([
    ...states.map((name) => [`start.${name}`, first(name)] as const),
    ...segment.calls.map(({ state }, i) => [`call.${i}`, state] as const),
  ])
  return { graph: { outputs, updates }, calls: segment.calls.map(labelsOf), states }
}

type Call = Segment['calls'][number]
const labelsOf = ({ level, name }: Call) => ({ level, state: name })

/** Those that a call changes: the carried ones as the model lists them, then those made in every segment. */
const changedStates = (carried: State, { calls }: Segment): readonly string[] => {
  const changed = new Set(calls.map(({ name }) => name))
  return [
    ...Object.keys(carried).filter((name) => changed.has(name)),
    ...[...changed].filter((name) => !(name in carried)),
  ]
}

/** ‖zⁱ − zⁱ⁻¹‖ of every example. [B] */
const residual = ({ before, state }: Call): Tensor =>
  sqrt(
    sum(
      square(sub(state, before)),
      state.shape.slice(1).map((_, i) => i + 1),
    ),
  )

/**
 * Mean and scatter of the positions of the examples of weight 1, centred before the product: a covariance from raw second
 * moments would lose what the mean outweighs. [B, T, D] → [D] and [D, D]; of a state with more axes, each place counts.
 */
const scatter = (state: Tensor, weight: Tensor): { readonly mean: Tensor; readonly products: Tensor } => {
  const [batch, hidden] = [state.shape[0]!, state.shape.at(-1) as number]
  const positions = Number(elements(state.shape.slice(1, -1)))
  const z = reshape(state, [batch, positions, hidden])
  const perRow = unsqueeze(unsqueeze(weight, 1), 2)
  const share = reciprocal(mul(sum(weight), positions))
  const mean = mul(sum(mul(z, perRow), [0, 1]), share)
  const centred = sub(z, reshape(mean, [1, 1, hidden]))
  const both = [0, 1] as const
  return { mean, products: dot(mul(centred, perRow), centred, [both, both]) }
}
