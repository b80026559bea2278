/**
 * Self-attention over [..., T, D] with D split into heads, as rule: the projection D → 3D takes the input, so a wrong
 * width is that projection's sentence. And SwiGLU, whose input projection D → 2·inter speaks for it.
 */
import type { Modulo, Multiply } from '../arithmetic.js'
import { type Dim, type Shape, ShapeError, showShape } from '../dim.js'
import { type IsSize, isSize } from '../dims.js'
import {
  type Fits,
  isRefusal,
  type Refusal,
  type Rule,
  refuse,
  type SameShape,
  type ShapeFn,
  type Show,
} from '../rule.js'
import type { KnownRank } from '../tuple.js'
import { type LinearOut, linearRule } from './linear.js'

/** Dims left out (`…`) may stand for those that are missing. */
type HasPositions<In> = In extends readonly ['…', ...Shape]
  ? true
  : In extends Shape
    ? number extends In['length']
      ? true
      : In extends readonly [Dim, Dim, Dim, ...Shape]
        ? true
        : false
    : false

/** Over [..., positions, D], every row of the leading dims for itself; `W` is the width of all heads together. */
export interface AttentionRule<D extends number, H extends number, W extends number = D> extends ShapeFn {
  readonly name: `attention(${D}, ${H} heads)`
  readonly takes: 'f32'
  readonly probe: readonly ['…', D]
  readonly out: LinearOut<this['in'], D, Multiply<3, W>> extends infer M
    ? M extends Shape
      ? HasPositions<this['in']> extends true
        ? this['in']
        : ShapeError<`attention(${D}, ${H} heads) cannot take ${Show<this['in']>}: expected [batch, positions, ${D}]`>
      : M
    : never
}

export const attentionRule = (hidden: number, heads: number, width = hidden): Rule => {
  const projection = linearRule(hidden, 3 * width)
  return (input) => {
    const projected = projection(input)
    if (isRefusal(projected)) return projected
    return input.length >= 3 || input[0] === '…'
      ? input
      : refuse(
          `attention(${hidden}, ${heads} heads) cannot take ${showShape(input)}: expected [batch, positions, ${hidden}]`,
        )
  }
}

/** What is split into heads. */
type Wide = 'hidden' | 'width'

/** `unknown` when `H` heads divide `D`, a `ShapeError` otherwise. */
export type HeadsOf<D extends number, H extends number, What extends Wide = 'hidden'> = (
  IsSize<H> extends true
    ? Modulo<D, H>
    : never
) extends infer R
  ? [R] extends [never]
    ? ShapeError<`attention: ${What} ${D} does not split into ${H} heads`>
    : [R] extends [0]
      ? unknown
      : [number] extends [R]
        ? unknown
        : ShapeError<`attention: ${What} ${D} does not split into ${H} heads: the remainder is ${R & number}`>
  : never

/** D / H, or why there is none. */
export const headDim = (
  hidden: number,
  heads: number,
  what: Wide = 'hidden',
): number | { readonly sentence: string } =>
  isSize(heads) && hidden % heads === 0
    ? hidden / heads
    : refuse(
        `attention: ${what} ${hidden} does not split into ${heads} heads${isSize(heads) && heads > 0 ? `: the remainder is ${hidden % heads}` : ''}`,
      )

/** `unknown` when SwiGLU may be `E` times as wide, a `ShapeError` otherwise. */
export type Widening<Name extends string, E extends number> = [E] extends [0]
  ? ShapeError<`${Name}: the expansion 0 is not above 0`>
  : `${E}` extends `-${string}`
    ? ShapeError<`${Name}: the expansion ${E} is not above 0`>
    : unknown
/** `inter`: the inner width that the expansion gives. */
export const demandWidening = (name: string, expansion: number, inter: number): void => {
  if (!(expansion > 0)) throw new ShapeError(`${name}: the expansion ${expansion} is not above 0`)
  if (!(inter > 0 && Number.isFinite(inter)))
    throw new ShapeError(`${name}: the expansion ${expansion} gives an inner width of ${inter}`)
}

/** Keeps [..., D]; `Inter` is the inner width. */
export interface SwigluRule<D extends number, Inter extends number> extends ShapeFn {
  readonly name: `swiglu(${D})`
  readonly takes: 'f32'
  readonly probe: readonly ['…', D]
  readonly out: LinearOut<this['in'], D, Multiply<2, Inter>> extends infer M
    ? M extends Shape
      ? this['in']
      : M
    : never
}
export const swigluRule = (hidden: number, inter: number): Rule => {
  const projection = linearRule(hidden, 2 * inter)
  return (input) => {
    const projected = projection(input)
    return isRefusal(projected) ? projected : input
  }
}

// ── the parts by themselves ─────────────────────────────────────────────────────────────────────────────────────────
/** q [B, T, H, d], k [B, S, H, d], v [B, S, H, e] → [B, T, H, e] */
export type DotProductAttention<Q extends Shape, K extends Shape, V extends Shape> = [
  KnownRank<Q>,
  KnownRank<K>,
  KnownRank<V>,
] extends [true, true, true]
  ? [Q['length'], K['length'], V['length']] extends [4, 4, 4]
    ? SameShape<[Q[0], Q[2], Q[3]] & Shape, [K[0], K[2], K[3]] & Shape> extends true
      ? SameShape<[V[0], V[1], V[2]] & Shape, [K[0], K[1], K[2]] & Shape> extends true
        ? [Q[0], Q[1], Q[2], V[3]]
        : ShapeError<`${QkvText<Q, K, V>}: k and v must agree in batch, positions and heads`>
      : ShapeError<`${QkvText<Q, K, V>}: q and k must agree in batch, heads and head dimension`>
    : ShapeError<`${QkvText<Q, K, V>}: expected [batch, positions, heads, head dimension]`>
  : Shape
type QkvText<Q, K, V> = `dotProductAttention cannot take q ${Show<Q>}, k ${Show<K>}, v ${Show<V>}`

export const dotProductAttentionRule = (q: Shape, k: Shape, v: Shape): Shape | Refusal => {
  const text = `dotProductAttention cannot take q ${showShape(q)}, k ${showShape(k)}, v ${showShape(v)}`
  if ([q, k, v].some((s) => s.length !== 4))
    return refuse(`${text}: expected [batch, positions, heads, head dimension]`)
  if (![0, 2, 3].every((i) => q[i] === k[i]))
    return refuse(`${text}: q and k must agree in batch, heads and head dimension`)
  return [0, 1, 2].every((i) => k[i] === v[i])
    ? [q[0], q[1], q[2], v[3]].map((d) => d as Dim)
    : refuse(`${text}: k and v must agree in batch, positions and heads`)
}

/** Rotary positions turn pairs of numbers: `unknown` when the head dim is even, a `ShapeError` otherwise. */
export type EvenHead<Name extends string, D extends number> =
  Modulo<D, 2> extends 1
    ? ShapeError<`${Name}: rotary positions turn pairs of numbers, but the head dimension ${D} is odd`>
    : unknown
export const evenHead = (name: string, headDim: number): Refusal | undefined =>
  headDim % 2 === 0
    ? undefined
    : refuse(`${name}: rotary positions turn pairs of numbers, but the head dimension ${headDim} is odd`)

/** On a grid one half of the pairs turns by the row, the other by the column. */
export type QuarteredHead<Name extends string, D extends number> =
  Modulo<D, 4> extends 1 | 2 | 3
    ? ShapeError<`${Name}: rotary positions on a grid turn pairs by row and by column, but the head dimension ${D} is no multiple of 4`>
    : unknown
export const quarteredHead = (name: string, headDim: number): Refusal | undefined =>
  headDim % 4 === 0
    ? undefined
    : refuse(
        `${name}: rotary positions on a grid turn pairs by row and by column, but the head dimension ${headDim} is no multiple of 4`,
      )

/** x [..., T, H, d] turned by tables of [T, d]. */
export type Rotated<S extends Shape, T extends number, D extends number> =
  KnownRank<S> extends false
    ? S
    : S extends readonly [...Shape, infer P extends Dim, Dim, infer X extends Dim]
      ? [Fits<P, T>, Fits<X, D>] extends [true, true]
        ? S
        : ShapeError<`rotate cannot take ${Show<S>}: the tables are for ${T} positions of head dimension ${D}`>
      : ShapeError<`rotate cannot take ${Show<S>}: expected [batch, positions, heads, head dimension]`>
export const rotatedRule = (input: Shape, positions: number, headDim: number): Shape | Refusal => {
  if (input.length < 3)
    return refuse(`rotate cannot take ${showShape(input)}: expected [batch, positions, heads, head dimension]`)
  return input.at(-3) === positions && input.at(-1) === headDim
    ? input
    : refuse(
        `rotate cannot take ${showShape(input)}: the tables are for ${positions} positions of head dimension ${headDim}`,
      )
}
