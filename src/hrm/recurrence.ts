/**
 * Recurrences: a straight line of calls, each a step `(state) → state`. Combinators build longer lines from shorter ones,
 * and say through which calls the gradient flows. Models of the family differ in the line, not in the code.
 *
 *   hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })(low, high)
 *   = low low high low │ low high        left of the bar without gradient: memory O(1) in the number of cycles
 */
import { stopGradient, type Tensor } from '../ir/index.js'
import type { Draws, ShapeOf } from '../nn/index.js'
import { demand, demandPositive, type KeptState, keptState, ShapeError, type Show, showShape } from '../shape/index.js'
import { type GradientRule, product } from './gradient-rules.js'
import type { State } from './reasoner.js'

/** Tensors by name; written so that an interface will do. */
export type States<S> = { readonly [K in keyof S]: Tensor }

/** `draws` are there where there is to be noise. */
export type Step<S> = (state: S, draws?: Draws) => S

/** One application of a block; `level` names it in traces (`L`, `H`). */
export interface Call<S> {
  readonly level: string
  readonly step: Step<S>
}
export type Recurrence<S> = readonly Call<S>[]

/** What a step of result `R` does wrong to the states `S`: nothing, or a `ShapeError` of states it loses, changes or adds. */
type Steady<S, R> = [R, Exclude<keyof R, keyof S>] extends [S, never]
  ? unknown
  : R extends Tensor
    ? ShapeError<`the step gives a tensor ${Show<R['shape']>}; it must give the states`>
    : [Lost<S, R>] extends [never]
      ? [Changed<S, R>] extends [never]
        ? [Added<S, R>] extends [never]
          ? // Dims that only run time knows are checked there (`unroll`).
            unknown
          : ShapeError<Added<S, R>>
        : ShapeError<Changed<S, R>>
      : ShapeError<Lost<S, R>>
type Lost<S, R> = Exclude<keyof S, keyof R> extends infer K ? `the step loses the state ${K & string}` : never
type Added<S, R> = Exclude<keyof R, keyof S> extends infer K ? `the step adds the state ${K & string}` : never
type Changed<S, R> = {
  [K in keyof S & keyof R & string]: R[K] extends Tensor<infer Z, infer D>
    ? ['f32'] extends [D]
      ? SentenceOf<KeptState<K, Z, ShapeOf<S[K]>>>
      : `the step turns the state ${K} into ${D} ${Show<Z>}; it must stay f32`
    : `the step turns the state ${K} into what is no tensor`
}[keyof S & keyof R & string]
type SentenceOf<R> = R extends ShapeError<infer Sentence> ? Sentence : never

/** A recurrence of one call. Its step takes the states and gives them back in their shapes. */
export const call = <S, R>(level: string, step: (state: S) => Steady<NoInfer<S>, NoInfer<R>> & R): Recurrence<S> => [
  { level, step: step as unknown as Step<S> },
]

/** The states with one of them replaced, by a name that is computed: `written(z, slot, net(z[slot]))`. */
export const written = <S, const K extends keyof S>(state: S, name: K, value: S[K]): S => ({ ...state, [name]: value })

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

const detach = (t: Tensor): Tensor => (!isTensor(t) || t.op.kind === 'stopGradient' ? t : stopGradient(t))

/** The same states, through which no gradient flows. */
export const detached = <S extends States<S>>(recurrence: Recurrence<S>): Recurrence<S> =>
  recurrence.map(({ level, step }) => ({
    level,
    step: (state, draws) => {
      const after = step(state, draws)
      // (A step that gives no states is refused by `unroll`.)
      return isTensor(after)
        ? after
        : (Object.fromEntries(Object.entries<Tensor>(after).map(([name, t]) => [name, detach(t)])) as S)
    },
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
    for (const [i, period] of periods.entries()) demandPositive(`hierarchy: the period of level ${i + 1}`, period)
    const line = lines.reduce<Recurrence<S>>(
      (faster, level, i) => iterate(periods[i] ?? 0)<S>(inTurn(faster, level)),
      [],
    )
    const steps = gradient(periods)
    if (steps < 1)
      throw new ShapeError(
        `hierarchy: the gradient rule leaves none of ${product(periods)} steps: nothing would be trained`,
      )
    const reach = Math.min(steps, product(periods))
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
  <S extends States<S>>(low: Recurrence<S>, high: Recurrence<S>): Recurrence<S> => {
    for (const [name, n] of Object.entries({ cycles, steps })) demandPositive(`hierarchicalConvergence: ${name}`, n)
    return hierarchy({ periods: [steps, cycles], gradient })<S>(low, high)
  }

export interface Moment<S> {
  readonly level: string
  readonly state: S
}

/** The state after every call, from the first on; throws `ShapeError` when a call changes the shape of a state. */
export const unroll = <S extends States<S>>(
  recurrence: Recurrence<S>,
  start: S,
  draws?: Draws,
): readonly Moment<S>[] => {
  const moments: Moment<S>[] = []
  for (const { level, step } of recurrence) {
    const state = step(moments.at(-1)?.state ?? start, draws)
    demandSteady(state, start)
    moments.push({ level, state })
  }
  return moments
}

/** The run-time side of `Steady`. */
const demandSteady = (after: State | Tensor, before: State): void => {
  if (isTensor(after))
    throw new ShapeError(`the step gives a tensor ${showShape(after.shape)}; it must give the states`)
  const lost = Object.keys(before).find((name) => !Object.hasOwn(after, name))
  if (lost !== undefined) throw new ShapeError(`the step loses the state ${lost}`)
  for (const [name, { shape }] of Object.entries(before)) {
    const now: unknown = after[name]
    if (!isTensor(now)) throw new ShapeError(`the step turns the state ${name} into what is no tensor`)
    if (now.dtype !== 'f32')
      throw new ShapeError(
        `the step turns the state ${name} into ${now.dtype} ${showShape(now.shape)}; it must stay f32`,
      )
    demand(keptState(name, now.shape, shape))
  }
  const added = Object.keys(after).find((name) => !Object.hasOwn(before, name))
  if (added !== undefined) throw new ShapeError(`the step adds the state ${added}`)
}
/** The states that a call changed: other tensors than before, but for a `stopGradient` around them. */
export const moved = <S extends States<S>>(before: S, after: S): readonly (keyof S & string)[] => {
  const bare = (t: Tensor): Tensor => (t.op.kind === 'stopGradient' ? (t.inputs[0] as Tensor) : t)
  return (Object.keys(after) as (keyof S & string)[]).filter((name) => bare(after[name]) !== bare(before[name]))
}
const isTensor = (value: unknown): value is Tensor => typeof value === 'object' && value !== null && 'op' in value
