/** Multi-head self-attention and SwiGLU, named as in the published checkpoints. D hidden, H heads, d = D / H. */
import { attention as attend, mul, reshape, sliceAxis, type Tensor } from '../ir/index.js'
import {
  type AttentionRule,
  attentionRule,
  type HeadsOf,
  headDim,
  type Multiply,
  ShapeError,
  type SwigluRule,
  type SwigluWidth,
  swigluRule,
  swigluWidth,
} from '../shape/index.js'
import { type LinearParameters, linear } from './linear.js'
import { type AnyModule, defineModule, type Module, run } from './module.js'
import { siluOf } from './norm.js'
import { rotary } from './rotary.js'

export type AttentionParameters<D extends number> = {
  readonly qkv_proj: LinearParameters<D, Multiply<3, D>>
  readonly o_proj: LinearParameters<D, D>
}

export interface AttentionOptions<D extends number, H extends number> {
  readonly hidden: D
  /** Must divide `hidden`. */
  readonly heads: H
  /** Turn queries and keys by their position. */
  readonly rotary?: boolean
}

/**
 * softmax(q·kᵀ/√d)·v over all positions, between one projection D → 3D (q heads, k heads, v heads) and one D → D.
 * [B, T, D] → [B, T, D]
 */
export const attention = <const D extends number, const H extends number>(
  options: AttentionOptions<D, H & HeadsOf<D, H>>,
): Module<AttentionRule<D, H>, AttentionParameters<D>> => {
  const { hidden, heads, rotary: turn = false } = options as AttentionOptions<number, number>
  const d = headDim(hidden, heads)
  if (typeof d !== 'number') throw new ShapeError(d.sentence)
  const [qkv, out]: readonly AnyModule[] = [linear(hidden, 3 * hidden), linear(hidden, hidden)]
  // One pair of rotary tables per length, shared by all calls of this module and its copies in a stack.
  const turns = new Map<number, (qkv: Tensor) => Tensor>()
  const turned = (packed: Tensor): Tensor => {
    const positions = packed.shape[1] as number
    const by = turns.get(positions) ?? rotary(positions, d)
    turns.set(positions, by)
    return by(packed)
  }
  return defineModule({
    name: `attention(${hidden}, ${heads} heads)`,
    parameters: { qkv_proj: qkv!.parameters, o_proj: out!.parameters },
    rule: attentionRule(hidden, heads),
    probe: ['…', hidden],
    compute: ({ qkv_proj, o_proj }: { readonly qkv_proj: unknown; readonly o_proj: unknown }, x) => {
      const [batch, positions] = x.shape as readonly [string, number]
      const packed = reshape(run(qkv!, qkv_proj, x), [batch, positions, 3, heads, d])
      const mixed = attend(turn ? turned(packed) : packed)
      return run(out!, o_proj, reshape(mixed, [batch, positions, hidden]))
    },
  })
}

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
  options: SwigluOptions<D, E>,
): Module<SwigluRule<D, SwigluWidth<D, E>>, SwigluParameters<D, SwigluWidth<D, E>>> => {
  const { hidden, expansion } = options
  const inter = swigluWidth(hidden, expansion)
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
