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
import { type GradientRule, product } from './gradient-rules.js'
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

/** A recurrence for each of the items, one after another: `each(net.layers, (layer, i) => call(…))`. */
export const each = <A, S>(items: readonly A[], recurrence: (item: A, i: number) => Recurrence<S>): Recurrence<S> =>
  items.flatMap(recurrence)

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

export interface Hierarchy<Ps extends readonly number[]> {
  /** Of each level, fastest first: how often it moves before the next slower one does; of the slowest, how often at all. */
  readonly periods: Ps
  readonly gradient: GradientRule
}

/**
 * m levels, fastest first, each moving after every run of the one below: `periods: [3, 2]` is L L L H L L L H. The gradient
 * flows through what `gradient` says.
 */
export const hierarchy =
  <const Ps extends readonly number[]>({ periods, gradient }: Hierarchy<Ps>) =>
  <S extends States<S>>(...levels: { readonly [K in keyof Ps]: Recurrence<S> }): Recurrence<S> => {
    const lines = levels as unknown as readonly Recurrence<S>[]
    const line = lines.reduce<Recurrence<S>>(
      (faster, level, i) => iterate(periods[i] ?? 0)<S>(inTurn(faster, level)),
      [],
    )
    const reach = Math.max(0, Math.min(gradient(periods), product(periods)))
    // k steps of the fastest level reach into ⌈k / n⌉ runs of n of them, each of which ends with a step of a slower level.
    const calls = lines.map((level, i) => level.length * Math.ceil(reach / product(periods.slice(0, i))))
    return lastWithGradient(calls.reduce((a, b) => a + b, 0))(line)
  }

export interface Convergence {
  /** N: how often the high level moves. */
  readonly cycles: number
  /** n: low steps before each high step. */
  readonly steps: number
  readonly gradient: GradientRule
}

/** Two levels: `cycles` times `steps` low steps, then one high step. HRM §2. */
export const hierarchicalConvergence =
  ({ cycles, steps, gradient }: Convergence) =>
  <S extends States<S>>(low: Recurrence<S>, high: Recurrence<S>): Recurrence<S> =>
    hierarchy({ periods: [steps, cycles], gradient })<S>(low, high)

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
