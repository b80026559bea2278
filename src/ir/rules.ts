/**
 * The op table: for every op its shape rule, its dtype rule and its lowering class. The derivative of each op stands in
 * `autodiff/derivatives.ts` and its float64 meaning in `reference/semantics.ts`; both are tables over the same kinds, so
 * an op without one of them does not compile.
 */
import { type Dim, elements, type Shape, sameShape, showShape } from '../shape/index.js'
import { binary } from './elementwise.js'
import type { DType, Op, OpKind, OpOf, Tensor } from './tensor.js'

/** How the compiler treats an op: fused into loops, turned into index arithmetic, or given to a kernel family. */
export type Lowering =
  | 'leaf'
  | 'elementwise'
  | 'view'
  | 'reduce'
  | 'gather'
  | 'matmul'
  | 'scatter'
  | 'pack'
  | 'attention'

interface Row<K extends OpKind> {
  readonly lowering: Lowering
  /** The output shape, or the sentence that says why there is none. */
  readonly shape: (op: OpOf<K>, inputs: readonly Tensor[]) => Shape | ShapeSentence
  readonly dtype: (op: OpOf<K>, inputs: readonly Tensor[]) => DType
}

/** Why an op cannot take its inputs. */
export interface ShapeSentence {
  readonly sentence: string
}
const wrong = (sentence: string): ShapeSentence => ({ sentence })
export const isSentence = (r: Shape | ShapeSentence): r is ShapeSentence => 'sentence' in r

const at = (inputs: readonly Tensor[], i: number): Tensor => {
  const t = inputs[i]
  if (t === undefined) throw new Error(`the op needs at least ${i + 1} inputs`)
  return t
}
const first = (inputs: readonly Tensor[]) => at(inputs, 0)
const sameType = (_: Op, inputs: readonly Tensor[]): DType => first(inputs).dtype

const allSame =
  (name: (op: never) => string) =>
  (op: Op, inputs: readonly Tensor[]): Shape | ShapeSentence => {
    const { shape } = first(inputs)
    const other = inputs.find((t) => !sameShape(t.shape, shape))
    return other === undefined
      ? shape
      : wrong(`${name(op as never)} cannot take ${showShape(shape)} and ${showShape(other.shape)}: the shapes differ`)
  }

const attentionInput = (name: string, qkv: Tensor): ShapeSentence | undefined =>
  qkv.shape.length === 5 && qkv.shape[2] === 3
    ? undefined
    : wrong(`${name} cannot take ${showShape(qkv.shape)}: expected packed projections [B, T, 3, heads, head dim]`)

export const rules: { readonly [K in OpKind]: Row<K> } = {
  input: { lowering: 'leaf', shape: (op) => op.shape, dtype: (op) => op.dtype },
  constant: { lowering: 'leaf', shape: (op) => op.shape, dtype: (op) => op.dtype },
  literal: {
    lowering: 'leaf',
    shape: (op) =>
      elements(op.shape) === op.data.length
        ? op.shape
        : wrong(`a literal of ${op.data.length} values cannot have shape ${showShape(op.shape)}`),
    dtype: (op) => op.dtype,
  },
  iota: { lowering: 'elementwise', shape: (op) => op.shape, dtype: () => 'i32' },
  unary: { lowering: 'elementwise', shape: (_, inputs) => first(inputs).shape, dtype: sameType },
  binary: {
    lowering: 'elementwise',
    shape: allSame((op: OpOf<'binary'>) => op.name),
    dtype: (op, inputs) => {
      const { result } = binary[op.name]
      return result === 'same' ? first(inputs).dtype : result
    },
  },
  logical: { lowering: 'elementwise', shape: allSame((op: OpOf<'logical'>) => op.name), dtype: () => 'bool' },
  not: { lowering: 'elementwise', shape: (_, inputs) => first(inputs).shape, dtype: () => 'bool' },
  cast: { lowering: 'elementwise', shape: (_, inputs) => first(inputs).shape, dtype: (op) => op.dtype },
  select: { lowering: 'elementwise', shape: allSame(() => 'select'), dtype: (_, inputs) => at(inputs, 1).dtype },
  stopGradient: { lowering: 'elementwise', shape: (_, inputs) => first(inputs).shape, dtype: sameType },
  broadcast: {
    lowering: 'view',
    shape: (op, inputs) => {
      const { shape } = first(inputs)
      const fits =
        op.axes.length === shape.length &&
        op.axes.every((a, i) => (i === 0 || a > (op.axes[i - 1] ?? -1)) && (shape[i] === 1 || shape[i] === op.shape[a]))
      return fits ? op.shape : wrong(`broadcast cannot take ${showShape(shape)} to ${showShape(op.shape)}`)
    },
    dtype: sameType,
  },
  reshape: {
    lowering: 'view',
    shape: (op, inputs) => {
      const { shape } = first(inputs)
      return elements(shape) === elements(op.shape)
        ? op.shape
        : wrong(
            `reshape cannot take ${showShape(shape)} to ${showShape(op.shape)}: ${elements(shape)} elements, expected ${elements(op.shape)}`,
          )
    },
    dtype: sameType,
  },
  transpose: {
    lowering: 'view',
    shape: (op, inputs) => {
      const { shape } = first(inputs)
      const isPermutation =
        op.permutation.length === shape.length &&
        [...op.permutation].sort((a, b) => a - b).every((axis, i) => axis === i)
      return isPermutation
        ? op.permutation.map((axis) => shape[axis] as Dim)
        : wrong(`transpose(${op.permutation.join(', ')}) cannot take ${showShape(shape)}`)
    },
    dtype: sameType,
  },
  slice: {
    lowering: 'view',
    shape: (op, inputs) => {
      const { shape } = first(inputs)
      const fits =
        op.start.length === shape.length &&
        op.shape.length === shape.length &&
        op.start.every((s, i) => {
          const [have, want] = [shape[i], op.shape[i]]
          return have === want
            ? s === 0
            : typeof have === 'number' && typeof want === 'number' && s >= 0 && s + want <= have
        })
      return fits
        ? op.shape
        : wrong(`slice of ${showShape(op.shape)} from [${op.start.join(', ')}] does not lie in ${showShape(shape)}`)
    },
    dtype: sameType,
  },
  pad: {
    lowering: 'view',
    shape: (op, inputs) =>
      first(inputs).shape.map((d, i) => {
        const extra = (op.low[i] ?? 0) + (op.high[i] ?? 0)
        return extra === 0 ? d : (d as number) + extra
      }),
    dtype: sameType,
  },
  reduce: {
    lowering: 'reduce',
    shape: (op, inputs) => first(inputs).shape.filter((_, i) => !op.axes.includes(i)),
    dtype: sameType,
  },
  dot: {
    lowering: 'matmul',
    shape: (op, inputs) => {
      const [l, r] = [first(inputs).shape, at(inputs, 1).shape]
      const agree = ([la, ra]: readonly [readonly number[], readonly number[]]) =>
        la.length === ra.length && la.every((a, i) => l[a] !== undefined && l[a] === r[ra[i] ?? -1])
      if (!agree(op.contract) || !agree(op.batch))
        return wrong(
          `dot cannot take ${showShape(l)} and ${showShape(r)}: the dims ${op.contract[0]} and ${op.contract[1]} to contract, or the batch dims, differ`,
        )
      const free = (s: Shape, i: 0 | 1) => s.filter((_, a) => !op.contract[i].includes(a) && !op.batch[i].includes(a))
      return [...op.batch[0].map((a) => l[a] as Dim), ...free(l, 0), ...free(r, 1)]
    },
    dtype: sameType,
  },
  gather: {
    lowering: 'gather',
    shape: (_, inputs) => [...at(inputs, 1).shape, ...first(inputs).shape.slice(1)],
    dtype: sameType,
  },
  scatterAdd: {
    lowering: 'scatter',
    shape: (op, inputs) => {
      const [ids, values] = [first(inputs).shape, at(inputs, 1).shape]
      return sameShape(ids, values.slice(0, ids.length))
        ? [op.rows, ...values.slice(ids.length)]
        : wrong(`scatterAdd cannot take ids ${showShape(ids)} and values ${showShape(values)}`)
    },
    dtype: (_, inputs) => at(inputs, 1).dtype,
  },
  scatterRows: {
    lowering: 'scatter',
    shape: (_, inputs) => {
      const [table, ids, rows] = [first(inputs).shape, at(inputs, 1).shape, at(inputs, 2).shape]
      return ids.length === 1 && sameShape(rows, [ids[0] as Dim, ...table.slice(1)])
        ? table
        : wrong(`scatterRows cannot take table ${showShape(table)}, ids ${showShape(ids)}, rows ${showShape(rows)}`)
    },
    dtype: sameType,
  },
  pack: { lowering: 'pack', shape: (op) => [op.size], dtype: () => 'f32' },
  attention: {
    lowering: 'attention',
    shape: (_, inputs) => {
      const { shape: s } = first(inputs)
      return attentionInput('attention', first(inputs)) ?? [s[0]!, s[1]!, s[3]!, s[4]!]
    },
    dtype: sameType,
  },
  attentionStatistics: {
    lowering: 'attention',
    shape: (_, inputs) => {
      const { shape: s } = first(inputs)
      return attentionInput('attentionStatistics', first(inputs)) ?? [s[0]!, s[3]!, s[1]!]
    },
    dtype: sameType,
  },
  attentionBackward: {
    lowering: 'attention',
    shape: (_, inputs) => attentionInput('attentionBackward', first(inputs)) ?? first(inputs).shape,
    dtype: sameType,
  },
}
