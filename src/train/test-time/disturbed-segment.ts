/**
 * The program of a test-time policy: a segment whose rows may start anywhere and are disturbed by noise, drawn on the device
 * by keys that the host streams. B batch; a state is [B, …, D], mostly [B, T, D] with T positions, D hidden.
 */
import type { Reasoner, State } from '../../hrm/index.js'
import {
  add,
  broadcastTo,
  constant,
  div,
  type Graph,
  input,
  less,
  mul,
  reshape,
  select,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from '../../ir/index.js'
import { drawsOf } from '../../nn/index.js'
import { elements, type Shape } from '../../shape/index.js'
import { carriedSegment, segmentOutputs } from '../evaluation.js'
import type { Rollouts } from './policy.js'

/**
 * One segment. As `evaluationSegment`, but of each row is streamed: `fresh` i32, whether it starts anew; `chance.keys` i32,
 * what its chance is drawn by, another in each segment; `chance.start` i32, whether it starts from a random state, where
 * rollouts do; `chance.noise` f32, the standard deviation of its noise, where they have any. One more output: `residual` f32
 * [B], the root mean square of the change in the carried states, ‖F(z + noise) − z‖ / √elements: measured from before the
 * noise, for a row without noise would always seem the calmest otherwise.
 */
export const disturbedSegment = (model: Reasoner, prefix: string, { start, noise }: Rollouts): Graph => {
  const each = (name: string, dtype: 'i32' | 'f32'): Tensor =>
    reshape(input(name, ['batch'], dtype, 'streamed'), ['batch', ...model.stateShape.slice(1).map(() => 1)])
  const says = (name: string): Tensor => less(constant(0, [], 'i32'), each(name, 'i32'))
  const draws = drawsOf(input('chance.keys', ['batch'], 'i32', 'streamed'))
  /** Of the distribution that models' own fixed starts are drawn from. */
  const randomStart = (shape: Shape): Tensor =>
    start === 'positions'
      ? draws.truncatedNormal(shape, 1)
      : broadcastTo(
          draws.truncatedNormal(
            shape.map((d, i) => (i === 0 || i === shape.length - 1 ? d : 1)),
            1,
          ),
          shape,
        )
  const { segment, begin, updates, labels } = carriedSegment(
    model,
    prefix,
    'parameters',
    (kept, initial) =>
      select(
        says('fresh'),
        start === 'own' ? initial : select(says('chance.start'), randomStart(initial.shape), initial),
        kept,
      ),
    (name, z) =>
      noise?.states.includes(name) === true ? add(z, mul(draws.normal(z.shape), each('chance.noise', 'f32'))) : z,
  )
  return {
    outputs: { ...segmentOutputs(model, segment, labels), residual: residual(begin, segment.state) },
    updates,
  }
}

/** Root mean square of the change over all states, positions and hidden. [B] */
const residual = (before: State, after: State): Tensor => {
  const changes = Object.entries(before).map(([name, z]) =>
    sum(
      square(sub(after[name]!, z)),
      z.shape.slice(1).map((_, i) => i + 1),
    ),
  )
  const count = Object.values(before).reduce((n, z) => n + Number(elements(z.shape.slice(1))), 0)
  return changes.length === 0
    ? constant(0, ['batch'])
    : sqrt(
        div(
          changes.reduce((a, b) => add(a, b)),
          count,
        ),
      )
}
