/**
 * The carry: what an example takes from one segment to the next. Its states, its step count, whether it halted, and its
 * own data. An example that halted is replaced by the next of the batch: its states by the initial state, its count by 0.
 */
import type { Reasoner, State } from '../hrm/index.js'
import { type DType, type HostArray, input, reshape, select, type Tensor, unsqueeze } from '../ir/index.js'
import type { Bound, ParameterTree } from '../nn/index.js'
import { bindDim, elements, type Shape } from '../shape/index.js'

/** The data of the examples at work. */
export interface Examples {
  /** i32 [B, S] */
  readonly inputs: Tensor
  /** i32 [B, S] */
  readonly labels: Tensor
  /** i32 [B] */
  readonly puzzle_identifiers: Tensor
}

export interface Carry {
  readonly state: State
  /** i32 [B] */
  readonly steps: Tensor
  /** bool [B] */
  readonly halted: Tensor
  readonly examples: Examples
}

/** The examples of the batch that the host streams. */
export const streamedExamples = ({ sizes }: Reasoner): Examples => ({
  inputs: input('batch.inputs', ['batch', sizes.sequence], 'i32', 'streamed'),
  labels: input('batch.labels', ['batch', sizes.sequence], 'i32', 'streamed'),
  puzzle_identifiers: input('batch.puzzle_identifiers', ['batch'], 'i32', 'streamed'),
})

/** The keys that the host streams, i32 [B]: what starts from noise, and noise in a segment, are drawn by them. */
export const streamedKeys = (): Tensor => input('draws.keys', ['batch'], 'i32', 'streamed')

/** The carry that stays on the device, for the examples at work; `leaf` may take them out of a larger one. */
export const residentCarry = (
  model: Reasoner,
  stateNames: readonly string[],
  leaf = (name: string, shape: Shape, dtype: DType): Tensor => input(name, shape, dtype, 'resident'),
): Carry => {
  const { sequence } = model.sizes
  return {
    state: Object.fromEntries(stateNames.map((name) => [name, leaf(`carry.${name}`, model.stateShape, 'f32')])),
    steps: leaf('carry.steps', ['batch'], 'i32'),
    halted: leaf('carry.halted', ['batch'], 'bool'),
    examples: {
      inputs: leaf('carry.inputs', ['batch', sequence], 'i32'),
      labels: leaf('carry.labels', ['batch', sequence], 'i32'),
      puzzle_identifiers: leaf('carry.puzzle_identifiers', ['batch'], 'i32'),
    },
  }
}

/** Contents of the carry before the first step: every example has halted. */
export const emptyCarry = (
  model: Reasoner,
  stateNames: readonly string[],
  batch: number,
): Record<string, HostArray> => {
  const { sequence } = model.sizes
  const numbers = bindDim(elements(model.stateShape), { batch })!
  return {
    ...Object.fromEntries(stateNames.map((name) => [`carry.${name}`, new Float32Array(numbers)])),
    'carry.steps': new Int32Array(batch),
    'carry.halted': new Uint32Array(batch).fill(1),
    'carry.inputs': new Int32Array(batch * sequence),
    'carry.labels': new Int32Array(batch * sequence),
    'carry.puzzle_identifiers': new Int32Array(batch),
  }
}

/** The carry a segment starts from: those that halted made new; what starts from noise by `keys` i32 [B]. */
export const refill = (
  model: Reasoner,
  parameters: Bound<ParameterTree>,
  carry: Carry,
  fresh: Examples,
  keys: Tensor,
): Omit<Carry, 'halted'> => {
  const initial = model.initialState(parameters, keys)
  const { halted } = carry
  const perToken = unsqueeze(halted, 1)
  const perNumber = (z: Tensor) => reshape(halted, [z.shape[0]!, ...z.shape.slice(1).map(() => 1)])
  return {
    state: Object.fromEntries(
      Object.entries(carry.state).map(([name, z]) => [name, select(perNumber(z), initial[name]!, z)]),
    ),
    steps: select(halted, 0, carry.steps),
    examples: {
      inputs: select(perToken, fresh.inputs, carry.examples.inputs),
      labels: select(perToken, fresh.labels, carry.examples.labels),
      puzzle_identifiers: select(halted, fresh.puzzle_identifiers, carry.examples.puzzle_identifiers),
    },
  }
}

/** Writes the new carry over the old. */
export const carryUpdates = (
  old: Carry,
  next: Carry,
): readonly { readonly target: Tensor; readonly value: Tensor }[] => [
  ...Object.entries(old.state).map(([name, target]) => ({ target, value: next.state[name]! })),
  { target: old.steps, value: next.steps },
  { target: old.halted, value: next.halted },
  { target: old.examples.inputs, value: next.examples.inputs },
  { target: old.examples.labels, value: next.examples.labels },
  { target: old.examples.puzzle_identifiers, value: next.examples.puzzle_identifiers },
]
