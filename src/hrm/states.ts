/**
 * Where a state starts: a closed set of values. A state that has a start of its own is carried from one segment to the next
 * and starts anew with every example; one that starts from the input is made in every segment. D hidden.
 */
import { broadcastTo, type Tensor } from '../ir/index.js'
import { drawsOf } from '../nn/index.js'
import type { Shape } from '../shape/index.js'

export type StateStart =
  /** The name of a fixed vector [D], truncated normal with std 1, saved but not trained; the same at every position. */
  string | typeof fromInput | StartFromNoise

/** x̃ itself, at the start of every segment: a net without memory between segments. */
export const fromInput = { kind: 'input' } as const

export interface StartFromNoise {
  readonly kind: 'noise'
  readonly std: number
}

/**
 * Random numbers, drawn anew for every example that begins: truncated normal, each element its own. Another draw is another
 * attempt at the same puzzle. EqR (arXiv 2605.21488).
 */
export const fromNoise = ({ std = 1 }: { readonly std?: number } = {}): StartFromNoise => ({ kind: 'noise', std })

/** Whether examples start from random states: then attempts at one puzzle differ, and `initialState` needs keys. */
export const startsFromNoise = ({ carried }: { readonly carried: Readonly<Record<string, StateStart>> }): boolean =>
  Object.values(carried).some((start) => typeof start !== 'string' && start.kind === 'noise')

type Starts = Readonly<Record<string, StateStart>>

/** The states that have a start of their own. */
export const carriedStates = (states: Starts): Readonly<Record<string, string | StartFromNoise>> =>
  Object.fromEntries(
    Object.entries(states).flatMap(([name, start]) =>
      typeof start === 'string' || start.kind === 'noise' ? [[name, start] as const] : [],
    ),
  )

/** The names of the fixed vectors that states start from. */
export const fixedVectors = (states: Starts): readonly string[] => [
  ...new Set(Object.values(states).filter((start) => typeof start === 'string')),
]

/** The counters of starts lie behind those of a segment's noise, which may be drawn by the same keys. */
const FIRST_OF_STARTS = 2 ** 30

/** The carried states at the start, all of shape `z` [B, …, D]: vectors from `parameters`, noise by `keys` i32 [B]. */
export const initialStates = (
  model: string,
  carried: ReturnType<typeof carriedStates>,
  z: Shape,
  parameters: Readonly<Record<string, unknown>>,
  keys: Tensor | undefined,
): Readonly<Record<string, Tensor>> => {
  const draws = keys && drawsOf(keys, FIRST_OF_STARTS)
  const begin = (start: string | StartFromNoise): Tensor => {
    if (typeof start === 'string') return broadcastTo(parameters[start] as Tensor, z)
    if (draws === undefined) throw new Error(`${model} starts from noise: its initial state needs keys`)
    return draws.truncatedNormal(z, start.std)
  }
  return Object.fromEntries(Object.entries(carried).map(([name, start]) => [name, begin(start)]))
}
