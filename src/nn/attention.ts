/** Multi-head self-attention and SwiGLU, named as in the published checkpoints. D hidden, H heads, d = D / H. */
import {
  attention as attend,
  concat,
  type DType,
  dot,
  mul,
  reshape,
  sliceAxis,
  type Tensor,
  transpose,
} from '../ir/index.js'
import {
  type Accept,
  type AttentionRule,
  attentionRule,
  type DotProductAttention,
  demand,
  demandPositive,
  demandWidening,
  dotProductAttentionRule,
  type EvenHead,
  elements,
  evenHead,
  type First,
  type FloorDivide,
  type HeadsOf,
  headDim,
  type Modulo,
  type Multiply,
  type QuarteredHead,
  quarteredHead,
  type Shape,
  ShapeError,
  type SwigluRule,
  type SwigluWidth,
  swigluRule,
  swigluWidth,
  type Widening,
} from '../shape/index.js'
import { type LinearParameters, linear } from './linear.js'
import { type AnyModule, defineModule, type Module, run } from './module.js'
import { siluOf } from './norm.js'
import { softmax } from './operations.js'
import { rotary } from './rotary.js'
import { demandType, type Takes, type TensorOf } from './typing.js'

export type AttentionParameters<D extends number, W extends number = D> = {
  readonly qkv_proj: LinearParameters<D, Multiply<3, W>>
  readonly o_proj: LinearParameters<W, D>
}

/** `true`: by their place in the row of positions; `grid`: by row and column, of positions that are a square read line by line. */
export type Rotary = boolean | 'grid'

export interface AttentionOptions<D extends number, H extends number, R = Rotary, W = number> {
  readonly hidden: D
  /** Must divide `width`. */
  readonly heads: H
  /** Turn queries and keys by their position; needs an even head dimension, on a grid a multiple of 4. */
  readonly rotary?: R
  /** Of all heads together. Default: `hidden`. */
  readonly width?: W
}

/** What stands in the way of rotary positions: nothing, or that the head dimension is odd. */
export type Turned<D extends number, H extends number, R> = [R] extends [true | 'grid']
  ? [Modulo<D, H>] extends [0]
    ? R extends 'grid'
      ? QuarteredHead<'attention', FloorDivide<D, H>>
      : EvenHead<'attention', FloorDivide<D, H>>
    : unknown
  : unknown

/** What stands in the way of `heads` that may be left out: nothing when they are (`never`). */
export type FittingHeads<D extends number, H extends number, R, What extends 'hidden' | 'width' = 'hidden'> = [
  H,
] extends [never]
  ? unknown
  : HeadsOf<D, H, What> extends infer E
    ? unknown extends E
      ? Turned<D, H, R>
      : E
    : never
/** What stands in the way of `hidden` when `heads` are left out: nothing, or what `Default` heads say. */
export type FittingHidden<D extends number, H extends number, R, Default extends number> = [H] extends [never]
  ? FittingHeads<D, Default, R>
  : unknown

/**
 * softmax(q·kᵀ/√d)·v over all positions, between one projection D → 3W (q heads, k heads, v heads) and one W → D. Every row
 * of the leading axes for itself. [..., T, D] → [..., T, D]
 */
export const attention = <
  const D extends number,
  const H extends number,
  const R extends Rotary = false,
  const W extends number = D,
>(
  options: AttentionOptions<D, H & HeadsOf<W, H, W extends D ? 'hidden' : 'width'>, Turned<W, H, R> & R, W>,
): Module<AttentionRule<D, H, W>, AttentionParameters<D, W>> => {
  const { hidden, heads, rotary: turn = false, width = hidden } = options as unknown as AttentionOptions<number, number>
  demandPositive('attention: width', width)
  const d = headDim(width, heads, width === hidden ? 'hidden' : 'width')
  if (typeof d !== 'number') throw new ShapeError(d.sentence)
  const unturned = turn === 'grid' ? quarteredHead('attention', d) : turn ? evenHead('attention', d) : undefined
  if (unturned !== undefined) throw new ShapeError(unturned.sentence)
  const [qkv, out]: readonly AnyModule[] = [linear(hidden, 3 * width), linear(width, hidden)]
  // One pair of rotary tables per length, shared by all calls of this module and its copies in a stack.
  const turns = new Map<number, (qkv: Tensor) => Tensor>()
  const turned = (packed: Tensor): Tensor => {
    const positions = packed.shape[1] as number
    const by = turns.get(positions) ?? rotary(positions, d, turn === 'grid')
    turns.set(positions, by)
    return by(packed)
  }
  return defineModule({
    name: `attention(${hidden}, ${heads} heads)`,
    parameters: { qkv_proj: qkv!.parameters, o_proj: out!.parameters },
    rule: attentionRule(hidden, heads, width),
    probe: ['…', hidden],
    compute: ({ qkv_proj, o_proj }: { readonly qkv_proj: unknown; readonly o_proj: unknown }, x) => {
      const leading = x.shape.slice(0, -2)
      const positions = x.shape.at(-2) as number
      const packed = reshape(run(qkv!, qkv_proj, x), [elements(leading), positions, 3, heads, d])
      const mixed = attend(turn === false ? packed : turned(packed))
      return run(out!, o_proj, reshape(mixed, [...leading, positions, width]))
    },
  })
}

/**
 * softmax(q·kᵀ/√d)·v, every query over every key, head by head. q [B, T, H, d], k [B, S, H, d], v [B, S, H, e] →
 * [B, T, H, e]. With equal shapes of all three the scores are never stored.
 */
export const dotProductAttention = ((q: Tensor, k: Tensor, v: Tensor) => {
  for (const x of [q, k, v]) demandType('dotProductAttention', 'f32', x)
  const shape = demand(dotProductAttentionRule(q.shape, k.shape, v.shape))
  const [batch, positions, heads] = shape as readonly [string, number, number]
  const [keys, d, e] = [k.shape[1], q.shape[3], v.shape[3]] as readonly number[]
  if (positions === keys && d === e) {
    const part = (x: Tensor) => reshape(x, [batch, positions, 1, heads, d as number])
    return attend(concat([q, k, v].map(part), 2))
  }
  const scaled = mul(q, 1 / Math.sqrt(d as number))
  // [B, H, T, S]
  const scores = dot(
    scaled,
    k,
    [[3], [3]],
    [
      [0, 2],
      [0, 2],
    ],
  )
  return transpose(
    dot(
      softmax(scores as Tensor<Shape, 'f32'>, 3),
      v,
      [[3], [1]],
      [
        [0, 1],
        [0, 2],
      ],
    ),
    [0, 2, 1, 3],
  )
}) as unknown as <Q extends Shape, D extends DType, K extends Shape, E extends DType, V extends Shape, F extends DType>(
  q: Takes<'dotProductAttention', 'f32', NoInfer<Q>, NoInfer<D>> & Tensor<Q, D>,
  k: Takes<'dotProductAttention', 'f32', NoInfer<K>, NoInfer<E>> & Tensor<K, E>,
  v: First<Takes<'dotProductAttention', 'f32', NoInfer<V>, NoInfer<F>>, Accept<DotProductAttention<Q, K, NoInfer<V>>>> &
    Tensor<V, F>,
) => TensorOf<DotProductAttention<Q, K, V>, 'f32'>

export type SwigluParameters<D extends number, Inter extends number> = {
  readonly gate_up_proj: LinearParameters<D, Multiply<2, Inter>>
  readonly down_proj: LinearParameters<Inter, D>
}

export interface SwigluOptions<D extends number, E extends number> {
  readonly hidden: D
  /** The inner width is `roundUp(round(expansion · hidden · 2/3), 256)`. */
  readonly expansion: E
}

/** down(silu(gate) · up) with (gate, up) = one projection D → 2·inter. [..., D] → [..., D] */
export const swiglu = <const D extends number, const E extends number>(
  options: SwigluOptions<D, Widening<'swiglu', E> & E>,
): Module<SwigluRule<D, SwigluWidth<D, E>>, SwigluParameters<D, SwigluWidth<D, E>>> => {
  const { hidden, expansion } = options as SwigluOptions<number, number>
  const inter = swigluWidth(hidden, expansion)
  demandWidening('swiglu', expansion, inter)
  const [gateUp, down]: readonly AnyModule[] = [linear(hidden, 2 * inter), linear(inter, hidden)]
  return defineModule({
    name: `swiglu(${hidden})`,
    parameters: { gate_up_proj: gateUp!.parameters, down_proj: down!.parameters },
    rule: swigluRule(hidden, inter),
    probe: ['…', hidden],
    compute: (
      { gate_up_proj, down_proj }: { readonly gate_up_proj: unknown; readonly down_proj: unknown },
      x: Tensor,
    ) => {
      const both = run(gateUp!, gate_up_proj, x)
      const axis = x.shape.length - 1
      const [gate, up] = [sliceAxis(both, axis, 0, inter), sliceAxis(both, axis, inter, inter)]
      return run(down!, down_proj, mul(siluOf(gate), up))
    },
  })
}
