/**
 * Self-attention over [B, T, D] with D split into heads, as rule: the projection D → 3D takes the input, so a wrong
 * width is that projection's sentence. And SwiGLU, whose input projection D → 2·inter speaks for it.
 */
import type { Modulo, Multiply } from '../arithmetic.js'
import { type Shape, type ShapeError, showShape } from '../dim.js'
import { isRefusal, type Rule, refuse, type ShapeFn, type Show } from '../rule.js'
import { type LinearOut, linearRule } from './linear.js'

/** Unknown leading dims (`…`) may stand for two. */
type RankThree<In> = In extends readonly ['…', unknown]
  ? true
  : In extends Shape
    ? number extends In['length']
      ? true
      : In['length'] extends 3
        ? true
        : false
    : false

export interface AttentionRule<D extends number, H extends number> extends ShapeFn {
  readonly name: `attention(${D}, ${H} heads)`
  readonly takes: 'f32'
  readonly probe: readonly ['…', D]
  readonly out: LinearOut<this['in'], D, Multiply<3, D>> extends infer M
    ? M extends Shape
      ? RankThree<this['in']> extends true
        ? this['in']
        : ShapeError<`attention(${D}, ${H} heads) cannot take ${Show<this['in']>}: expected [batch, positions, ${D}]`>
      : M
    : never
}

export const attentionRule = (hidden: number, heads: number): Rule => {
  const projection = linearRule(hidden, 3 * hidden)
  return (input) => {
    const projected = projection(input)
    if (isRefusal(projected)) return projected
    return input.length === 3 || input[0] === '…'
      ? input
      : refuse(
          `attention(${hidden}, ${heads} heads) cannot take ${showShape(input)}: expected [batch, positions, ${hidden}]`,
        )
  }
}

/** `H` when it divides `D`, a `ShapeError` otherwise. */
export type HeadsOf<D extends number, H extends number> =
  Modulo<D, H> extends infer R
    ? [R] extends [0]
      ? unknown
      : [number] extends [R]
        ? unknown
        : ShapeError<`attention: hidden ${D} does not split into ${H} heads: the remainder is ${R & number}`>
    : never

/** D / H; throws when it does not divide. */
export const headDim = (hidden: number, heads: number): number | { readonly sentence: string } =>
  hidden % heads === 0
    ? hidden / heads
    : refuse(`attention: hidden ${hidden} does not split into ${heads} heads: the remainder is ${hidden % heads}`)

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
