/** The transformer block of HRM: post-norm, no biases. y = rms(y + attention(y)); y = rms(y + swiglu(y)). */
import type { AttentionRule, HeadsOf, Repeat, SwigluWidth, Widening } from '../shape/index.js'
import { type AttentionParameters, attention, type SwigluParameters, swiglu, type Turned } from './attention.js'
import { named, postNorm, residual, seq } from './combinators.js'
import type { Module } from './module.js'

export interface BlockOptions<D extends number, H extends number, E extends number, R = boolean> {
  readonly hidden: D
  readonly heads: H
  /** Default 4. */
  readonly expansion?: E
  readonly rotary?: R
}
export type BlockParameters<D extends number, E extends number> = {
  readonly self_attn: AttentionParameters<D>
  readonly mlp: SwigluParameters<D, SwigluWidth<D, E>>
}

/** Of `L` such blocks in a `stack`. */
export type StackParameters<L extends number, D extends number, E extends number> = {
  readonly layers: Repeat<L, BlockParameters<D, E>>
}

/** [B, T, D] → [B, T, D] */
export const transformerBlock = <
  const D extends number,
  const H extends number,
  const E extends number = 4,
  const R extends boolean = false,
>(
  options: BlockOptions<D, H & HeadsOf<D, H>, Widening<'swiglu', E> & E, Turned<D, H, R> & R>,
): Module<AttentionRule<D, H>, BlockParameters<D, E>> => {
  const { hidden, heads, expansion = 4, rotary = false } = options as unknown as BlockOptions<number, number, number>
  return seq(
    named('self_attn', postNorm(residual(attention({ hidden, heads, rotary })))),
    named('mlp', postNorm(residual(swiglu({ hidden, expansion })))),
  ) as never
}
