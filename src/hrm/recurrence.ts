/**
 * Recurrences: a straight line of calls, each a step `(state) → state`. Combinators build longer lines from shorter ones,
 * and say through which calls the gradient flows. Models of the family differ in the line, not in the code.
 *
 *   hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })(low, high)
 *   = low low high low │ low high        left of the bar without gradient: memory O(1) in the number of cycles
 */
import { stopGradient, type Tensor } from '../ir/index.js'
import type { ShapeOf } from '../nn/index.js'
import { demand, type KeptState, keptState, type Shape, ShapeError } from '../shape/index.js'
import type { State } from './reasoner.js'

/** Tensors by name; written so that an interface will do. */
type States<S> = { readonly [K in keyof S]: Tensor }

export type Step<S> = (state: S) => S

/** One application of a block; `level` names it in traces (`L`, `H`). */
export interface Call<S> {
  readonly level: string
  readonly step: Step<S>
}
export type Recurrence<S> = readonly Call<S>[]

/** What a step of result `R` does wrong to the states `S`: nothing, or a `ShapeError` a state it changes, loses or adds. */
type Steady<S, R> = [R, Exclude<keyof R, keyof S>] extends [S, never]
  ? unknown
  : Fault<S, R> extends infer E
    ? [E] extends [never]
      ? // Dims that only run time knows are checked there (`unroll`).
        [R] extends [{ readonly [K in keyof S]: Tensor<Shape, 'f32'> }]
        ? unknown
        : S
      : E
    : never
type Fault<S, R> =
  | {
      [K in keyof S & string]: K extends keyof R
        ? KeptState<K, ShapeOf<R[K]>, ShapeOf<S[K]>> extends infer E
          ? E extends Shape
            ? never
            : E
          : never
        : ShapeError<`the step loses the state ${K}`>
    }[keyof S & string]
  | { [K in Exclude<keyof R, keyof S> & string]: ShapeError<`the step adds the state ${K}`> }[Exclude<
      keyof R,
      keyof S
    > &
      string]

/** A recurrence of one call. Its step takes the states and gives them back in their shapes. */
export const call = <S, R>(level: string, step: (state: S) => Steady<NoInfer<S>, NoInfer<R>> & R): Recurrence<S> => [
  { level, step: step as unknown as Step<S> },
]

/** One recurrence after another. */
export const inTurn = <S>(...recurrences: readonly Recurrence<S>[]): Recurrence<S> => recurrences.flat()

/** The recurrence n times in a row. */
export const iterate =
  (n: number) =>
  <S>(recurrence: Recurrence<S>): Recurrence<S> =>
    Array.from({ length: n }, () => recurrence).flat()

const detach = (t: Tensor): Tensor => (t.op.kind === 'stopGradient' ? t : stopGradient(t))

/** The same states, through which no gradient flows. */
export const detached = <S extends States<S>>(recurrence: Recurrence<S>): Recurrence<S> =>
  recurrence.map(({ level, step }) => ({
    level,
    step: (state) => Object.fromEntries(Object.entries<Tensor>(step(state)).map(([name, t]) => [name, detach(t)])) as S,
  }))

/** All but the last `k` calls detached. */
export const lastWithGradient =
  (k: number) =>
  <S extends States<S>>(recurrence: Recurrence<S>): Recurrence<S> => {
    const cut = Math.max(0, recurrence.length - k)
    return [...detached(recurrence.slice(0, cut)), ...recurrence.slice(cut)]
  }

/** How far the gradient reaches back in `cycles` × (`steps` low, one high): through that many last low steps. */
export type GradientRule = (nesting: { readonly cycles: number; readonly steps: number }) => number

/** The last low and the last high step: the first Neumann term of the gradient at a fixed point. HRM §2. */
export const oneStepGradient: GradientRule = () => 1
/** The last k low steps, and the high steps from there on. */
export const lastSteps =
  (k: number): GradientRule =>
  () =>
    k
/** The whole last cycle, as TRM does. */
export const wholeCycleGradient: GradientRule = ({ steps }) => steps
/** Back-propagation through the whole segment. */
export const fullGradient: GradientRule = ({ cycles, steps }) => cycles * steps

export interface Convergence {
  /** N: how often the high level moves. */
  readonly cycles: number
  /** n: low steps before each high step. */
  readonly steps: number
  readonly gradient: GradientRule
}

/** `cycles` times: `steps` low steps, then one high step. The gradient flows through what `gradient` says. */
export const hierarchicalConvergence =
  ({ cycles, steps, gradient }: Convergence) =>
  <S extends States<S>>(low: Recurrence<S>, high: Recurrence<S>): Recurrence<S> => {
    const line = iterate(cycles)(inTurn(iterate(steps)(low), high))
    const reach = Math.min(gradient({ cycles, steps }), cycles * steps)
    // k low steps reach into ⌈k / steps⌉ cycles, each of which ends with a high step.
    return lastWithGradient(reach * low.length + Math.ceil(reach / steps) * high.length)(line)
  }

export interface Moment<S> {
  readonly level: string
  readonly state: S
}

/** The state after every call, from the first on; throws `ShapeError` when a call changes the shape of a state. */
export const unroll = <S extends States<S>>(recurrence: Recurrence<S>, start: S): readonly Moment<S>[] => {
  const moments: Moment<S>[] = []
  for (const { level, step } of recurrence) {
    const state = step(moments.at(-1)?.state ?? start)
    for (const [name, before] of Object.entries<Tensor>(start)) {
      const after = (state as State)[name]
      if (after === undefined) throw new ShapeError(`the step loses the state ${name}`)
      demand(keptState(name, after.shape, before.shape))
    }
    const added = Object.keys(state).find((name) => !Object.hasOwn(start, name))
    if (added !== undefined) throw new ShapeError(`the step adds the state ${added}`)
    moments.push({ level, state })
  }
  return moments
}
