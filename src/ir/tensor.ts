/**
 * The graph: an immutable node is a symbolic tensor. Identity is the object itself; building one computes nothing.
 * This file is the vocabulary only; the rules of each op stand in `rules.ts`, the functions that build nodes in `build.ts`.
 */
import type { Shape } from '../shape/index.js'
import type { BinaryName, LogicalName, UnaryName } from './elementwise.js'

/** `bool` is stored as one u32 (0 or 1) a value on a device. */
export type DType = 'f32' | 'i32' | 'bool'

/** To what the operands of a contraction are rounded before they are multiplied; sums are f32 either way. */
export type Precision = 'f16' | 'f32'

export type Reducer = 'sum' | 'max' | 'min'

/**
 * Where a leaf lives: `resident` stays on the device between runs (parameters, moments, carry) and may be updated in
 * place; `streamed` is written before a run (batch data, learning rate).
 */
export type Residence = 'resident' | 'streamed'

export type Op =
  | {
      readonly kind: 'input'
      readonly name: string
      readonly residence: Residence
      readonly shape: Shape
      readonly dtype: DType
    }
  /** One value everywhere. */
  | { readonly kind: 'constant'; readonly value: number; readonly shape: Shape; readonly dtype: DType }
  /** A table of numbers known when the graph is built (rotary angles…), row-major. */
  | { readonly kind: 'literal'; readonly data: Float32Array | Int32Array; readonly shape: Shape; readonly dtype: DType }
  /** 0, 1, 2… along one axis, i32. */
  | { readonly kind: 'iota'; readonly axis: number; readonly shape: Shape }
  | { readonly kind: 'unary'; readonly name: UnaryName }
  | { readonly kind: 'binary'; readonly name: BinaryName }
  | { readonly kind: 'logical'; readonly name: LogicalName }
  | { readonly kind: 'not' }
  | { readonly kind: 'cast'; readonly dtype: DType }
  /** (condition, whenTrue, whenFalse) */
  | { readonly kind: 'select' }
  /** The identity, which lets no gradient through. */
  | { readonly kind: 'stopGradient' }
  /** Input dim `i` becomes output dim `axes[i]` (increasing); it must be equal or 1. The other output dims are new. */
  | { readonly kind: 'broadcast'; readonly axes: readonly number[]; readonly shape: Shape }
  | { readonly kind: 'reshape'; readonly shape: Shape }
  /** Output dim `i` is input dim `permutation[i]`. */
  | { readonly kind: 'transpose'; readonly permutation: readonly number[] }
  /** `shape[i]` elements from `start[i]` on. */
  | { readonly kind: 'slice'; readonly start: readonly number[]; readonly shape: Shape }
  /** Zeros before and after, per dim. */
  | { readonly kind: 'pad'; readonly low: readonly number[]; readonly high: readonly number[] }
  /** The axes reduced disappear. */
  | { readonly kind: 'reduce'; readonly reducer: Reducer; readonly axes: readonly number[] }
  /**
   * Contraction: output dims are the batch dims, the free dims of the left, the free dims of the right. Without a
   * precision it is f32, unless `withPrecision` says otherwise of the whole graph.
   */
  | {
      readonly kind: 'dot'
      readonly contract: readonly [readonly number[], readonly number[]]
      readonly batch: readonly [readonly number[], readonly number[]]
      readonly precision?: Precision
    }
  /** (table [V, …D], ids […I]) → […I, …D] */
  | { readonly kind: 'gather' }
  /** (ids […I], values […I, …D]) → [rows, …D]: sums of the values with that id. */
  | { readonly kind: 'scatterAdd'; readonly rows: number }
  /** (table [V, D], ids [N], rows [N, D]) → the table with those rows replaced; equal ids must carry equal rows. */
  | { readonly kind: 'scatterRows' }
  /** Tensors one after another in a flat f32 tensor of `size`, input i at `offsets[i]`; gaps are 0. */
  | { readonly kind: 'pack'; readonly offsets: readonly number[]; readonly size: number }
  /**
   * Packed projections [B, T, 3, H, d] (q, k, v) → [B, T, H, d]: softmax(q·kᵀ/√d)·v, every position sees every other. With
   * precision f16 operands of its products may be rounded to f16, where that is faster.
   */
  | { readonly kind: 'attention'; readonly precision?: Precision }
  /** Packed projections [B, T, 3, H, d] → [B, H, T]: log Σ_j exp(q·k_j/√d). */
  | { readonly kind: 'attentionStatistics'; readonly precision?: Precision }
  /** (qkv, dOut [B,T,H,d], statistics [B,H,T], delta [B,H,T] = Σ_d out·dOut) → gradient of qkv. */
  | { readonly kind: 'attentionBackward'; readonly precision?: Precision }

export type OpKind = Op['kind']
export type OpOf<K extends OpKind> = Extract<Op, { readonly kind: K }>

/** A symbolic tensor: an op applied to other tensors. */
export interface Tensor<out S extends Shape = Shape, out D extends DType = DType> {
  readonly op: Op
  readonly inputs: readonly Tensor[]
  readonly shape: S
  readonly dtype: D
}

/** All nodes the outputs need, inputs before users. */
export const topological = (outputs: readonly Tensor[]): readonly Tensor[] => {
  const order: Tensor[] = []
  const seen = new Set<Tensor>()
  // An explicit stack: deep recurrences make graphs thousands of nodes deep.
  const stack: { readonly node: Tensor; next: number }[] = []
  for (const output of outputs) {
    if (seen.has(output)) continue
    seen.add(output)
    stack.push({ node: output, next: 0 })
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!
      const input = top.node.inputs[top.next++]
      if (input === undefined) {
        order.push(top.node)
        stack.pop()
      } else if (!seen.has(input)) {
        seen.add(input)
        stack.push({ node: input, next: 0 })
      }
    }
  }
  return order
}

/** A computation: what it returns by name, and which resident leaves it replaces when it is done. */
export interface Graph {
  readonly outputs: Readonly<Record<string, Tensor>>
  /** Simultaneous: every `value` is computed from the old contents. `target` is a resident input. */
  readonly updates: readonly { readonly target: Tensor; readonly value: Tensor }[]
}

export const graphRoots = (graph: Graph): readonly Tensor[] => [
  ...Object.values(graph.outputs),
  ...graph.updates.map((u) => u.value),
]
