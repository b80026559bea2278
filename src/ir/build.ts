/**
 * Functions that build graph nodes: one per primitive, then what is composed of them. Shapes are checked here, at run
 * time; the typed DSL above checks the same at compile time. Nothing is computed.
 */
import { type Dim, elements, type Shape, ShapeError, sameShape, showShape } from '../shape/index.js'
import type { BinaryName, UnaryName } from './elementwise.js'
import { isSentence, rules } from './rules.js'
import type { DType, Op, Precision, Reducer, Residence, Tensor } from './tensor.js'

/** Applies an op; throws `ShapeError` when its rule refuses the inputs. */
export const node = (op: Op, inputs: readonly Tensor[]): Tensor => {
  const row = rules[op.kind]
  const shape = row.shape(op as never, inputs)
  if (isSentence(shape)) throw new ShapeError(shape.sentence)
  return { op, inputs, shape, dtype: row.dtype(op as never, inputs) }
}

// ── leaves ──────────────────────────────────────────────────────────────────────────────────────────────────────────
export const input = <const S extends Shape, const D extends DType>(
  name: string,
  shape: readonly [...S],
  dtype: D,
  residence: Residence,
): Tensor<S, D> => node({ kind: 'input', name, shape, dtype, residence }, []) as Tensor<S, D>

export const constant = (value: number, shape: Shape = [], dtype: DType = 'f32'): Tensor =>
  node({ kind: 'constant', value, shape, dtype }, [])
export const literal = (data: Float32Array | Int32Array, shape: Shape): Tensor =>
  node({ kind: 'literal', data, shape, dtype: data instanceof Float32Array ? 'f32' : 'i32' }, [])
export const iota = (shape: Shape, axis: number): Tensor => node({ kind: 'iota', axis, shape }, [])

// ── views ───────────────────────────────────────────────────────────────────────────────────────────────────────────
export const broadcast = (x: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  sameShape(x.shape, shape) ? x : node({ kind: 'broadcast', axes, shape }, [x])

/** Numpy's rule: dims are aligned at the end. */
export const broadcastTo = (x: Tensor, shape: Shape): Tensor =>
  broadcast(
    x,
    shape,
    x.shape.map((_, i) => i + shape.length - x.shape.length),
  )
export const reshape = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : node({ kind: 'reshape', shape }, [x])
export const transpose = (x: Tensor, permutation: readonly number[]): Tensor =>
  permutation.every((axis, i) => axis === i) ? x : node({ kind: 'transpose', permutation }, [x])
export const slice = (x: Tensor, start: readonly number[], shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : node({ kind: 'slice', start, shape }, [x])
export const pad = (x: Tensor, low: readonly number[], high: readonly number[]): Tensor =>
  [...low, ...high].every((n) => n === 0) ? x : node({ kind: 'pad', low, high }, [x])

/** `size` elements of one axis, from `start` on. */
export const sliceAxis = (x: Tensor, axis: number, start: number, size: number): Tensor =>
  slice(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((d, i) => (i === axis ? size : d)),
  )

/** Joins along one axis: the sum of the parts, each padded with zeros to the whole. */
export const concat = (parts: readonly Tensor[], axis: number): Tensor => {
  const sizes = parts.map((p) => p.shape[axis] as number)
  const total = sizes.reduce((a, b) => a + b, 0)
  const before = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0))
  const onAxis = (p: Tensor, n: number) => p.shape.map((_, i) => (i === axis ? n : 0))
  return parts
    .map((p, i) => pad(p, onAxis(p, before[i]!), onAxis(p, total - before[i]! - sizes[i]!)))
    .reduce((a, b) => add(a, b))
}

/** Inserts a dim of size 1 before `axis`. */
export const unsqueeze = (x: Tensor, axis: number): Tensor =>
  reshape(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)])

// ── elementwise ─────────────────────────────────────────────────────────────────────────────────────────────────────
const broadcastShapes = (name: string, a: Shape, b: Shape): Shape => {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i): Dim => {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    if (x !== y && x !== 1 && y !== 1)
      throw new ShapeError(`${name} cannot take ${showShape(a)} and ${showShape(b)}: ${x} and ${y} differ`)
    return x === 1 ? y : x
  })
}
type Operand = Tensor | number
const lift = (x: Operand, like: Operand): Tensor =>
  typeof x === 'number' ? constant(x, [], typeof like === 'number' ? 'f32' : like.dtype) : x

const pairwise =
  (name: string, op: Op) =>
  (a: Operand, b: Operand): Tensor => {
    const [x, y] = [lift(a, b), lift(b, a)]
    if (x.dtype !== y.dtype) throw new ShapeError(`${name} cannot take ${x.dtype} and ${y.dtype}: the types differ`)
    const shape = broadcastShapes(name, x.shape, y.shape)
    return node(op, [broadcastTo(x, shape), broadcastTo(y, shape)])
  }
const two = (name: BinaryName) => pairwise(name, { kind: 'binary', name })
const one =
  (name: UnaryName) =>
  (x: Tensor): Tensor =>
    node({ kind: 'unary', name }, [x])

export const add = two('add')
export const sub = two('sub')
export const mul = two('mul')
export const div = two('div')
export const maximum = two('max')
export const minimum = two('min')
/** The angle of (x, y), for x ≥ 0: `atan2(y, x)`. */
export const atan2 = two('atan2')
/** Uniform in (−1, 1) by a key and a counter, both i32: `random.ts`. */
export const uniform = two('uniform')
export const less = two('less')
export const lessEqual = two('lessEqual')
export const equal = two('equal')
export const and = pairwise('and', { kind: 'logical', name: 'and' })
export const or = pairwise('or', { kind: 'logical', name: 'or' })
export const not = (x: Tensor): Tensor => node({ kind: 'not' }, [x])

export const neg = one('neg')
export const abs = one('abs')
export const sign = one('sign')
export const exp = one('exp')
export const log = one('log')
export const log1p = one('log1p')
export const sqrt = one('sqrt')
export const rsqrt = one('rsqrt')
export const reciprocal = one('reciprocal')
export const sigmoid = one('sigmoid')
export const softplus = one('softplus')
export const erfinv = one('erfinv')
export const square = (x: Tensor): Tensor => mul(x, x)

export const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : node({ kind: 'cast', dtype }, [x]))
export const select = (condition: Tensor, whenTrue: Operand, whenFalse: Operand): Tensor => {
  const [a, b] = [lift(whenTrue, whenFalse), lift(whenFalse, whenTrue)]
  const shape = broadcastShapes('select', condition.shape, broadcastShapes('select', a.shape, b.shape))
  return node(
    { kind: 'select' },
    [condition, a, b].map((t) => broadcastTo(t, shape)),
  )
}
export const stopGradient = <T extends Tensor>(x: T): T => node({ kind: 'stopGradient' }, [x]) as T

// ── reductions ──────────────────────────────────────────────────────────────────────────────────────────────────────
const reduceOver =
  (reducer: Reducer) =>
  (x: Tensor, axes: readonly number[] = x.shape.map((_, i) => i)): Tensor =>
    axes.length === 0 ? x : node({ kind: 'reduce', reducer, axes }, [x])

/** Sums over the axes (all of them by default), which disappear. */
export const sum = reduceOver('sum')
export const max = reduceOver('max')
export const min = reduceOver('min')
export const mean = (x: Tensor, axes: readonly number[]): Tensor => {
  const count = elements(axes.map((a) => x.shape[a]!))
  if (typeof count !== 'number') throw new ShapeError(`mean over ${count} elements: the size must be known`)
  return mul(sum(x, axes), 1 / count)
}
/** Index of the largest element of the last axis (the first of equals), i32. */
export const argmax = (x: Tensor): Tensor => {
  const axis = x.shape.length - 1
  const isLargest = equal(x, unsqueeze(max(x, [axis]), axis))
  return min(select(isLargest, iota(x.shape, axis), constant(0x7fffffff, [], 'i32')), [axis])
}

// ── contraction, indexing, families ─────────────────────────────────────────────────────────────────────────────────
export const dot = (
  left: Tensor,
  right: Tensor,
  contract: readonly [readonly number[], readonly number[]],
  batch: readonly [readonly number[], readonly number[]] = [[], []],
  precision?: Precision,
): Tensor => node({ kind: 'dot', contract, batch, ...(precision !== undefined && { precision }) }, [left, right])

export const gather = (table: Tensor, ids: Tensor): Tensor => node({ kind: 'gather' }, [table, ids])
export const scatterAdd = (ids: Tensor, values: Tensor, rows: number): Tensor =>
  node({ kind: 'scatterAdd', rows }, [ids, values])
export const scatterRows = (table: Tensor, ids: Tensor, rows: Tensor): Tensor =>
  node({ kind: 'scatterRows' }, [table, ids, rows])
export const pack = (parts: readonly Tensor[], offsets: readonly number[], size: number): Tensor =>
  node({ kind: 'pack', offsets, size }, parts)
export const attention = (qkv: Tensor): Tensor => node({ kind: 'attention' }, [qkv])
export const attentionStatistics = (qkv: Tensor): Tensor => node({ kind: 'attentionStatistics' }, [qkv])
export const attentionBackward = (qkv: Tensor, dOut: Tensor, statistics: Tensor, delta: Tensor): Tensor =>
  node({ kind: 'attentionBackward' }, [qkv, dOut, statistics, delta])
