/**
 * The graph's operations with typed shapes: what a model's definition computes with. Each is a shape rule (type and
 * function, `src/shape/rules`) on top of the untyped builder; the sentence of a refusal is the same in both. Views and
 * joins stand in `views.ts`, contractions and rearrangements by pattern in `patterns.ts`.
 */
import type { DType, Tensor } from '../ir/index.js'
import * as ir from '../ir/index.js'
import {
  type Accept,
  type Along,
  alongRule,
  type Broadcast,
  broadcastRule,
  demand,
  type First,
  type Gather,
  gatherRule,
  type Matmul,
  type Mean,
  matmulRule,
  meanRule,
  type Reduce,
  reduceRule,
  type Shape,
} from '../shape/index.js'
import {
  demandNumeric,
  demandSameType,
  demandType,
  type Numeric,
  type SameType,
  type Takes,
  type TensorOf,
} from './typing.js'

// ── two operands ────────────────────────────────────────────────────────────────────────────────────────────────────
type Pairwise<Name extends string, Out extends DType | 'same'> = <
  A extends Shape,
  D extends DType,
  B extends Shape = [],
  E extends DType = D,
>(
  a: Numeric<Name, NoInfer<A>, NoInfer<D>> & Tensor<A, D>,
  b: number | (First<SameType<Name, D, NoInfer<E>>, Accept<Broadcast<Name, A, NoInfer<B>>>> & Tensor<B, E>),
) => TensorOf<Broadcast<Name, A, B>, Out extends DType ? Out : D>

const pairwise = <Name extends string, Out extends DType | 'same' = 'same'>(
  name: Name,
  build: (a: Tensor, b: Tensor | number) => Tensor,
) =>
  ((a: Tensor, b: Tensor | number) => {
    demandNumeric(name, a)
    if (typeof b !== 'number') {
      demandSameType(name, a, b)
      demand(broadcastRule(name, a.shape, b.shape))
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
export const lessEqual = pairwise<'lessEqual', 'bool'>('lessEqual', ir.lessEqual)
export const equal = pairwise<'equal', 'bool'>('equal', ir.equal)

type Logical<Name extends string> = <A extends Shape, D extends DType, B extends Shape, E extends DType>(
  a: Takes<Name, 'bool', NoInfer<A>, NoInfer<D>> & Tensor<A, D>,
  b: First<Takes<Name, 'bool', NoInfer<B>, NoInfer<E>>, Accept<Broadcast<Name, A, NoInfer<B>>>> & Tensor<B, E>,
) => TensorOf<Broadcast<Name, A, B>, 'bool'>

const logical = <Name extends string>(name: Name, build: (a: Tensor, b: Tensor) => Tensor) =>
  ((a: Tensor, b: Tensor) => {
    for (const x of [a, b]) demandType(name, 'bool', x)
    demand(broadcastRule(name, a.shape, b.shape))
    return build(a, b)
  }) as unknown as Logical<Name>

// Two bool operands.
export const and = logical('and', ir.and)
export const or = logical('or', ir.or)

/** `whenTrue` where the condition holds, `whenFalse` elsewhere. The condition broadcasts to their common shape. */
export const select = ((condition: Tensor, whenTrue: Tensor, whenFalse: Tensor | number) => {
  demandType('select', 'bool', condition)
  if (typeof whenFalse !== 'number') demandSameType('select', whenTrue, whenFalse)
  const both =
    typeof whenFalse === 'number' ? whenTrue.shape : demand(broadcastRule('select', whenTrue.shape, whenFalse.shape))
  demand(broadcastRule('select', condition.shape, both))
  return ir.select(condition, whenTrue, whenFalse)
}) as unknown as <
  C extends Shape,
  K extends DType,
  A extends Shape,
  D extends DType,
  B extends Shape = [],
  E extends DType = D,
>(
  condition: Takes<'select', 'bool', NoInfer<C>, NoInfer<K>> & Tensor<C, K>,
  whenTrue: Tensor<A, D>,
  whenFalse: number | (First<SameType<'select', D, NoInfer<E>>, Accept<Selected<C, A, NoInfer<B>>>> & Tensor<B, E>),
) => TensorOf<Selected<C, A, B>, D>
type Selected<C, A, B> =
  Broadcast<'select', A, B> extends infer M ? (M extends Shape ? Broadcast<'select', C, M> : M) : never

// ── one operand ─────────────────────────────────────────────────────────────────────────────────────────────────────
type Elementwise<Name extends string, D extends DType = 'f32'> = <S extends Shape, E extends DType>(
  x: Takes<Name, D, NoInfer<S>, NoInfer<E>> & Tensor<S, E>,
) => Unless<Takes<Name, D, S, E>, Tensor<S, D>>
/** The tensor, not computed from its shape, so that a function generic in the shape keeps it; or the error. */
type Unless<Fault, T> = unknown extends Fault ? T : TensorOf<Fault, DType>

const elementwise = <Name extends string, D extends DType = 'f32'>(
  name: Name,
  build: (x: Tensor) => Tensor,
  takes: DType = 'f32',
) =>
  ((x: Tensor) => {
    demandType(name, takes, x)
    return build(x)
  }) as unknown as Elementwise<Name, D>

export const neg = elementwise('neg', ir.neg)
export const abs = elementwise('abs', ir.abs)
export const sign = elementwise('sign', ir.sign)
export const exp = elementwise('exp', ir.exp)
export const log = elementwise('log', ir.log)
export const log1p = elementwise('log1p', ir.log1p)
export const sqrt = elementwise('sqrt', ir.sqrt)
export const rsqrt = elementwise('rsqrt', ir.rsqrt)
export const reciprocal = elementwise('reciprocal', ir.reciprocal)
export const sigmoid = elementwise('sigmoid', ir.sigmoid)
export const softplus = elementwise('softplus', ir.softplus)
export const square = elementwise('square', ir.square)
export const not = elementwise<'not', 'bool'>('not', ir.not, 'bool')

export const cast = <S extends Shape, const D extends DType>(x: Tensor<S>, dtype: D): Tensor<S, D> =>
  ir.cast(x, dtype) as Tensor<S, D>
/** The identity, which lets no gradient through. */
export const stopGradient = <S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> => ir.stopGradient(x)

// ── along one axis ──────────────────────────────────────────────────────────────────────────────────────────────────
type Reduction<Name extends string> = <S extends Shape, D extends DType, const A extends number>(
  x: First<Takes<Name, 'f32', NoInfer<S>, NoInfer<D>>, Accept<Reduce<Name, NoInfer<S>, A>>> & Tensor<S, D>,
  axis: A,
) => TensorOf<Reduce<Name, S, A>, 'f32'>

const reduction = <Name extends string>(name: Name, build: (x: Tensor, axes: readonly number[]) => Tensor) =>
  ((x: Tensor, axis: number) => {
    demandType(name, 'f32', x)
    demand(reduceRule(name, x.shape, axis))
    return build(x, [axis])
  }) as unknown as Reduction<Name>

/** Like the other reductions; the size of the axis must be a number. */
export const mean = ((x: Tensor, axis: number) => {
  demandType('mean', 'f32', x)
  demand(meanRule(x.shape, axis))
  return ir.mean(x, [axis])
}) as unknown as <S extends Shape, D extends DType, const A extends number>(
  x: First<Takes<'mean', 'f32', NoInfer<S>, NoInfer<D>>, Accept<Mean<NoInfer<S>, A>>> & Tensor<S, D>,
  axis: A,
) => TensorOf<Mean<S, A>, 'f32'>

// The axis disappears.
export const sum = reduction('sum', ir.sum)
export const max = reduction('max', ir.max)
export const min = reduction('min', ir.min)

/** eˣ / Σ eˣ along one axis, safe for large x. [...] → the same. */
export const softmax = ((x: Tensor, axis: number) => {
  demandType('softmax', 'f32', x)
  demand(alongRule('softmax', x.shape, axis))
  const over = (t: Tensor) => ir.unsqueeze(t, axis)
  const e = ir.exp(ir.sub(x, ir.stopGradient(over(ir.max(x, [axis])))))
  return ir.div(e, over(ir.sum(e, [axis])))
}) as unknown as <S extends Shape, D extends DType, const A extends number>(
  x: First<Takes<'softmax', 'f32', NoInfer<S>, NoInfer<D>>, Accept<Along<'softmax', NoInfer<S>, A>>> & Tensor<S, D>,
  axis: A,
) => TensorOf<Along<'softmax', S, A>, 'f32'>

// ── products and tables ─────────────────────────────────────────────────────────────────────────────────────────────
/** [..., M, K] × [K, N] → [..., M, N], or with equal leading dims on both sides. */
export const matmul = ((a: Tensor, b: Tensor) => {
  for (const x of [a, b]) demandType('matmul', 'f32', x)
  demand(matmulRule(a.shape, b.shape))
  const lead = b.shape.slice(0, -2).map((_, i) => i)
  return ir.dot(a, b, [[a.shape.length - 1], [b.shape.length - 2]], [lead, lead])
}) as unknown as <A extends Shape, D extends DType, B extends Shape, E extends DType>(
  a: Takes<'matmul', 'f32', NoInfer<A>, NoInfer<D>> & Tensor<A, D>,
  b: First<Takes<'matmul', 'f32', NoInfer<B>, NoInfer<E>>, Accept<Matmul<A, NoInfer<B>>>> & Tensor<B, E>,
) => TensorOf<Matmul<A, B>, 'f32'>

/** Rows of a table: table [V, ...D], ids i32 [...I] → [...I, ...D] */
export const gather = ((table: Tensor, ids: Tensor) => {
  demand(gatherRule(table.shape, ids.shape))
  demandType('gather by ids', 'i32', ids)
  return ir.gather(table, ids)
}) as unknown as <T extends Shape, D extends DType, I extends Shape, E extends DType>(
  table: Accept<Gather<NoInfer<T>, I>> & Tensor<T, D>,
  ids: Takes<'gather by ids', 'i32', NoInfer<I>, NoInfer<E>> & Tensor<I, E>,
) => TensorOf<Gather<T, I>, D>
