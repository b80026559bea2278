/**
 * The graph's operations with typed shapes: what a model's definition computes with. Each is a shape rule (type and
 * function, `src/shape/rules`) on top of the untyped builder; the sentence of a refusal is the same in both.
 */
import type { DType, Tensor } from '../ir/index.js'
import * as ir from '../ir/index.js'
import {
  type Accept,
  type Broadcast,
  broadcastRule,
  type Concat,
  concatRule,
  demand,
  type Gather,
  gatherRule,
  type Matmul,
  matmulRule,
  type Reduce,
  type Reshape,
  reduceRule,
  reshapeRule,
  type Shape,
  ShapeError,
  type Slice,
  sliceRule,
  type Transpose,
  transposeRule,
} from '../shape/index.js'

/** The tensor of a shape; nothing for an error. */
export type TensorOf<R, D extends DType> = R extends Shape ? Tensor<R, D> : never

// ── elementwise ─────────────────────────────────────────────────────────────────────────────────────────────────────
/** `unknown` when both have the same element type. */
type SameType<Name extends string, D extends DType, E extends DType> = [E] extends [D]
  ? unknown
  : ShapeError<`${Name} cannot take ${D} and ${E}: the types differ`>

type Pairwise<Name extends string, Out extends DType | 'same'> = <
  A extends Shape,
  D extends DType,
  B extends Shape = readonly [],
  E extends DType = D,
>(
  a: Tensor<A, D>,
  b: number | (Accept<Broadcast<Name, A, NoInfer<B>>> & SameType<Name, D, NoInfer<E>> & Tensor<B, E>),
) => TensorOf<Broadcast<Name, A, B>, Out extends DType ? Out : D>

const pairwise = <Name extends string, Out extends DType | 'same' = 'same'>(
  name: Name,
  build: (a: Tensor, b: Tensor | number) => Tensor,
) =>
  ((a: Tensor, b: Tensor | number) => {
    if (typeof b !== 'number') {
      demand(broadcastRule(name, a.shape, b.shape))
      if (a.dtype !== b.dtype) throw new ShapeError(`${name} cannot take ${a.dtype} and ${b.dtype}: the types differ`)
    }
    return build(a, b)
  }) as unknown as Pairwise<Name, Out>

// Two operands of one element type, aligned at the end, dims equal or 1; the second may be a number.
export const add = pairwise('add', ir.add)
export const sub = pairwise('sub', ir.sub)
export const mul = pairwise('mul', ir.mul)
export const div = pairwise('div', ir.div)
export const maximum = pairwise('max', ir.maximum)
export const minimum = pairwise('min', ir.minimum)
export const less = pairwise<'less', 'bool'>('less', ir.less)
export const equal = pairwise<'equal', 'bool'>('equal', ir.equal)

type Elementwise = <S extends Shape>(x: Tensor<S, 'f32'>) => Tensor<S, 'f32'>
const elementwise = (build: (x: Tensor) => Tensor) => build as Elementwise

export const neg = elementwise(ir.neg)
export const abs = elementwise(ir.abs)
export const exp = elementwise(ir.exp)
export const log = elementwise(ir.log)
export const sqrt = elementwise(ir.sqrt)
export const rsqrt = elementwise(ir.rsqrt)
export const reciprocal = elementwise(ir.reciprocal)
export const sigmoid = elementwise(ir.sigmoid)
export const softplus = elementwise(ir.softplus)
export const square = elementwise(ir.square)

export const cast = <S extends Shape, const D extends DType>(x: Tensor<S>, dtype: D): Tensor<S, D> =>
  ir.cast(x, dtype) as Tensor<S, D>
/** The identity, which lets no gradient through. */
export const stopGradient = <S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> => ir.stopGradient(x)

// ── views ───────────────────────────────────────────────────────────────────────────────────────────────────────────
/** `size` elements of one axis, from `start` on. */
export const slice = ((x: Tensor, axis: number, start: number, size: number) => {
  demand(sliceRule(x.shape, axis, start, size))
  return ir.sliceAxis(x, axis, start, size)
}) as unknown as <
  S extends Shape,
  D extends DType,
  const A extends number,
  const Start extends number,
  const Size extends number,
>(
  x: Tensor<S, D> & Accept<Slice<NoInfer<S>, A, Start, Size>>,
  axis: A,
  start: Start,
  size: Size,
) => TensorOf<Slice<S, A, Start, Size>, D>

/** The same elements, row-major, in another shape. */
export const reshape = ((x: Tensor, shape: Shape) => ir.reshape(x, demand(reshapeRule(x.shape, shape)))) as unknown as <
  S extends Shape,
  D extends DType,
  const To extends Shape,
>(
  x: Tensor<S, D> & Accept<Reshape<NoInfer<S>, To>>,
  shape: To,
) => TensorOf<Reshape<S, To>, D>

/** Output dim i is input dim `permutation[i]`. */
export const transpose = ((x: Tensor, permutation: readonly number[]) => {
  demand(transposeRule(x.shape, permutation))
  return ir.transpose(x, permutation)
}) as unknown as <S extends Shape, D extends DType, const P extends readonly number[]>(
  x: Tensor<S, D> & Accept<Transpose<NoInfer<S>, P>>,
  permutation: P,
) => TensorOf<Transpose<S, P>, D>

// ── joins ───────────────────────────────────────────────────────────────────────────────────────────────────────────
/** `a`, then `b`, along one axis. */
export const concat = ((axis: number, a: Tensor, b: Tensor) => {
  demand(concatRule(axis, a.shape, b.shape))
  return ir.concat([a, b], axis)
}) as unknown as <const Axis extends number, A extends Shape, D extends DType, B extends Shape>(
  axis: Axis,
  a: Tensor<A, D>,
  b: Accept<Concat<Axis, A, NoInfer<B>>> & Tensor<B, NoInfer<D>>,
) => TensorOf<Concat<Axis, A, B>, D>

/** [..., M, K] × [K, N] → [..., M, N], or with equal leading dims on both sides. */
export const matmul = ((a: Tensor, b: Tensor) => {
  demand(matmulRule(a.shape, b.shape))
  const lead = b.shape.slice(0, -2).map((_, i) => i)
  return ir.dot(a, b, [[a.shape.length - 1], [b.shape.length - 2]], [lead, lead])
}) as unknown as <A extends Shape, B extends Shape>(
  a: Tensor<A, 'f32'>,
  b: Accept<Matmul<A, NoInfer<B>>> & Tensor<B, 'f32'>,
) => TensorOf<Matmul<A, B>, 'f32'>

/** Rows of a table: table [V, ...D], ids i32 [...I] → [...I, ...D] */
export const gather = ((table: Tensor, ids: Tensor) => {
  demand(gatherRule(table.shape, ids.shape))
  return ir.gather(table, ids)
}) as unknown as <T extends Shape, D extends DType, I extends Shape>(
  table: Tensor<T, D> & Accept<Gather<NoInfer<T>, I>>,
  ids: Tensor<I, 'i32'>,
) => TensorOf<Gather<T, I>, D>

// ── reductions ──────────────────────────────────────────────────────────────────────────────────────────────────────
type Reduction<Name extends string> = <S extends Shape, const A extends number>(
  x: Tensor<S, 'f32'> & Accept<Reduce<Name, NoInfer<S>, A>>,
  axis: A,
) => TensorOf<Reduce<Name, S, A>, 'f32'>

const reduction = <Name extends string>(name: Name, build: (x: Tensor, axes: readonly number[]) => Tensor) =>
  ((x: Tensor, axis: number) => {
    demand(reduceRule(name, x.shape, axis))
    return build(x, [axis])
  }) as unknown as Reduction<Name>

// Over one axis, which disappears.
export const sum = reduction('sum', ir.sum)
export const mean = reduction('mean', ir.mean)
export const max = reduction('max', ir.max)
export const min = reduction('min', ir.min)
