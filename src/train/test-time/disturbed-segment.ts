/**
 * The program of a test-time policy: a segment whose rows may start anywhere and are disturbed by what the host draws.
 * B batch, T positions, D hidden.
 */
import type { Reasoner, State } from '../../hrm/index.js'
import {
  add,
  constant,
  div,
  type Graph,
  input,
  less,
  select,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '../../ir/index.js'
import { carriedSegment, segmentOutputs } from '../evaluation.js'

/**
 * One segment. As `evaluationSegment`, but `fresh` i32 [B] says of each row whether it starts from the model's initial
 * state, and `noise.s` f32 [B, T, D] is streamed and added to each of the states s named. One more output: `residual` f32
 * [B], the root mean square of the change in the carried states, ‖F(z + noise) − z‖ / √elements: measured from before the
 * noise, for a row without noise would always seem the calmest otherwise.
 */
export const disturbedSegment = (model: Reasoner, prefix: string, noised: readonly string[]): Graph => {
  const fresh = unsqueeze(unsqueeze(less(constant(0, [], 'i32'), input('fresh', ['batch'], 'i32', 'streamed')), 1), 2)
  const { segment, begin, updates, labels } = carriedSegment(
    model,
    prefix,
    'parameters',
    (kept, initial) => select(fresh, initial, kept),
    (name, z) => (noised.includes(name) ? add(z, input(`noise.${name}`, z.shape, 'f32', 'streamed')) : z),
  )
  return {
    outputs: { ...segmentOutputs(model, segment, labels), residual: residual(begin, segment.state) },
    updates,
  }
}

/** Root mean square of the change over all states, positions and hidden. [B] */
const residual = (before: State, after: State): Tensor => {
  const names = Object.keys(before)
  if (names.length === 0) return constant(0, ['batch'])
  const [, positions, hidden] = before[names[0]!]!.shape as readonly [string, number, number]
  const changes = names.map((name) => sum(square(sub(after[name]!, before[name]!)), [1, 2]))
  return sqrt(
    div(
      changes.reduce((a, b) => add(a, b)),
      names.length * positions * hidden,
    ),
  )
}
