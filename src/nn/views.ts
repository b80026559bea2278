/** Views of a tensor, and tensors joined: the same numbers in other places. Typed as `operations.ts` says. */
import type { DType, Tensor } from '../ir/index.js'
import * as ir from '../ir/index.js'
import {
  type Accept,
  type BroadcastTo,
  broadcastToRule,
  type ConcatAll,
  concatRule,
  demand,
  type First,
  type Pad,
  padRule,
  type Reshape,
  reshapeRule,
  type Shape,
  ShapeError,
  type Slice,
  type Split,
  sliceRule,
  splitRule,
  type Transpose,
  transposeRule,
  type Unsqueeze,
  unsqueezeRule,
} from '../shape/index.js'
import { type DTypeOf, demandSameType, type SameType, type ShapeOf, type TensorOf } from './typing.js'

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
  x: Accept<Slice<NoInfer<S>, A, Start, Size>> & Tensor<S, D>,
  axis: A,
  start: Start,
  size: Size,
) => TensorOf<Slice<S, A, Start, Size>, D>

/** Into `parts` equal parts along one axis, or into parts of the sizes listed. */
export const split = ((x: Tensor, axis: number, parts: number | readonly number[]) => {
  const sizes = splitRule(x.shape, axis, parts)
  if ('sentence' in sizes) throw new ShapeError(sizes.sentence)
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0))
  return sizes.map((size, i) => ir.sliceAxis(x, axis, starts[i] as number, size))
}) as unknown as <
  S extends Shape,
  D extends DType,
  const A extends number,
  const Parts extends number | readonly number[],
>(
  x: Obstacle<Split<NoInfer<S>, A, Parts>> & Tensor<S, D>,
  axis: A,
  parts: Parts,
) => Parted<Split<S, A, Parts>, D>
type Obstacle<R> = R extends readonly Shape[] ? unknown : R
type Parted<R, D extends DType> = R extends readonly Shape[]
  ? { -readonly [K in keyof R]: TensorOf<R[K], D> }
  : R & Tensor<never, never>[]

/** Zeros before and after along one axis. */
export const pad = ((x: Tensor, axis: number, before: number, after: number) => {
  demand(padRule(x.shape, axis, before, after))
  const onAxis = (n: number) => x.shape.map((_, i) => (i === axis ? n : 0))
  return ir.pad(x, onAxis(before), onAxis(after))
}) as unknown as <
  S extends Shape,
  D extends DType,
  const A extends number,
  const Before extends number,
  const After extends number,
>(
  x: Accept<Pad<NoInfer<S>, A, Before, After>> & Tensor<S, D>,
  axis: A,
  before: Before,
  after: After,
) => TensorOf<Pad<S, A, Before, After>, D>

/** The same elements, row-major, in another shape. */
export const reshape = ((x: Tensor, shape: Shape) => ir.reshape(x, demand(reshapeRule(x.shape, shape)))) as unknown as <
  S extends Shape,
  D extends DType,
  const To extends Shape,
>(
  x: Accept<Reshape<NoInfer<S>, To>> & Tensor<S, D>,
  shape: readonly [...To],
) => TensorOf<Reshape<S, To>, D>

/** A dim of size 1 before `axis`. */
export const unsqueeze = ((x: Tensor, axis: number) => {
  demand(unsqueezeRule(x.shape, axis))
  return ir.unsqueeze(x, axis)
}) as unknown as <S extends Shape, D extends DType, const A extends number>(
  x: Accept<Unsqueeze<S, A>> & Tensor<S, D>,
  axis: A,
) => TensorOf<Unsqueeze<S, A>, D>

/** Repeats dims of size 1, and the whole in front, to fill the shape. */
export const broadcastTo = ((x: Tensor, shape: Shape) =>
  ir.broadcastTo(x, demand(broadcastToRule(x.shape, shape)))) as unknown as <
  S extends Shape,
  D extends DType,
  const To extends Shape,
>(
  x: Accept<BroadcastTo<NoInfer<S>, To>> & Tensor<S, D>,
  shape: readonly [...To],
) => TensorOf<BroadcastTo<S, To>, D>

/** Output dim i is input dim `permutation[i]`. */
export const transpose = ((x: Tensor, permutation: readonly number[]) => {
  demand(transposeRule(x.shape, permutation))
  return ir.transpose(x, permutation)
}) as unknown as <S extends Shape, D extends DType, const P extends readonly number[]>(
  x: Accept<Transpose<NoInfer<S>, P>> & Tensor<S, D>,
  permutation: readonly [...P],
) => TensorOf<Transpose<S, P>, D>

/** The tensors one after another along one axis. */
export const concat = ((axis: number, first: Tensor, ...rest: readonly Tensor[]) => {
  rest.reduce((shape, x) => {
    demandSameType('concat', first, x)
    return demand(concatRule(axis, shape, x.shape))
  }, first.shape)
  return ir.concat([first, ...rest], axis)
}) as unknown as <const Axis extends number, A extends Shape, D extends DType, Ts extends readonly Tensor[]>(
  axis: Axis,
  first: Tensor<A, D>,
  ...rest: {
    [K in keyof Ts]: First<SameType<'concat', D, DTypeOf<Ts[K]>>, Accept<ConcatAll<Axis, A, Before<Ts, K>>>> & Ts[K]
  }
) => TensorOf<ConcatAll<Axis, A, Shapes<Ts>>, D>
type Shapes<Ts extends readonly unknown[]> = { [K in keyof Ts]: ShapeOf<Ts[K]> }
/** The shapes up to and including the one at `K`. */
type Before<Ts extends readonly unknown[], K, Out extends readonly Shape[] = []> = Ts extends readonly [
  infer T,
  ...infer R,
]
  ? `${Out['length']}` extends K
    ? [...Out, ShapeOf<T>]
    : Before<R, K, [...Out, ShapeOf<T>]>
  : Out
