/** `rearrange` and `einsum`: what a pattern says, as views and contractions. Typed as `operations.ts` says. */
import type { DType, Tensor } from '../ir/index.js'
import { broadcastTo, dot, mul, reshape, sum, transpose } from '../ir/index.js'
import {
  type Accept,
  type Dim,
  type Einsum,
  einsumRule,
  type First,
  type Rearrange,
  rearrangeRule,
  type Shape,
  ShapeError,
} from '../shape/index.js'
import { type DTypeOf, demandType, type ShapeOf, type Takes, type TensorOf } from './typing.js'

/**
 * Splits, moves and joins dimensions: `rearrange(x, 'b t (h d) -> b h t d', { h: 8 })`. Sizes are needed for all but one
 * of the names in brackets on the left. The same elements, in the order of the right side.
 */
export const rearrange = ((x: Tensor, pattern: string, sizes: Readonly<Record<string, Dim>> = {}) => {
  const plan = rearrangeRule(x.shape, pattern, sizes)
  if ('sentence' in plan) throw new ShapeError(plan.sentence)
  return reshape(transpose(reshape(x, plan.split), plan.permutation), plan.shape)
}) as unknown as <
  S extends Shape,
  D extends DType,
  const P extends string,
  const Z extends Readonly<Record<string, Dim>> = Readonly<Record<never, never>>,
>(
  x: Accept<Rearrange<S, P, Z>> & Tensor<S, D>,
  pattern: P,
  sizes?: Z,
) => TensorOf<Rearrange<S, P, Z>, D>

/** A tensor whose axes have names. */
interface Operand {
  readonly names: readonly string[]
  readonly tensor: Tensor
}

/**
 * Einstein summation: `einsum('b t d, d v -> b t v', x, w)` multiplies along equal names and sums over those that the
 * output does not name. Several tensors are multiplied from the left.
 */
export const einsum = ((pattern: string, ...tensors: readonly Tensor[]) => {
  for (const x of tensors) demandType('einsum', 'f32', x)
  const plan = einsumRule(
    pattern,
    tensors.map((x) => x.shape),
  )
  if ('sentence' in plan) throw new ShapeError(plan.sentence)
  const { inputs, output } = plan
  const operands = tensors.map((tensor, i): Operand => ({ names: inputs[i] as readonly string[], tensor }))
  const product = operands.reduce((a, b, i) => {
    const later = new Set([...output, ...inputs.slice(i + 1).flat()])
    return contracted(a, b, later)
  })
  return ordered(summed(product, new Set(output)), output)
}) as unknown as <const P extends string, Ts extends readonly [Tensor, ...Tensor[]]>(
  pattern: P,
  ...tensors: {
    [K in keyof Ts]: First<
      Takes<'einsum', 'f32', ShapeOf<Ts[K]>, DTypeOf<Ts[K]>>,
      Fitting<Einsum<P, Shapes<Ts>>, K, Ts>
    > &
      Ts[K]
  }
) => TensorOf<Einsum<P, Shapes<Ts>>, 'f32'>
type Shapes<Ts extends readonly unknown[]> = { [K in keyof Ts]: ShapeOf<Ts[K]> }
/** The error stands at the last tensor. */
type Fitting<R, K, Ts extends readonly unknown[]> = Ts extends readonly [unknown, ...infer Rest]
  ? K extends `${Rest['length']}`
    ? Accept<R>
    : unknown
  : unknown

/** Sums over the axes whose names are not kept. */
const summed = ({ names, tensor }: Operand, keep: ReadonlySet<string>): Operand => {
  const gone = names.flatMap((name, i) => (keep.has(name) ? [] : [i]))
  return { names: names.filter((name) => keep.has(name)), tensor: gone.length === 0 ? tensor : sum(tensor, gone) }
}

/** The axes in the order of `names`. */
const ordered = ({ names, tensor }: Operand, order: readonly string[]): Tensor =>
  transpose(
    tensor,
    order.map((name) => names.indexOf(name)),
  )

/** a·b, summed over the names that neither the output nor a later tensor needs. */
const contracted = (a: Operand, b: Operand, later: ReadonlySet<string>): Operand => {
  const [left, right] = [summed(a, new Set([...later, ...b.names])), summed(b, new Set([...later, ...a.names]))]
  const shared = left.names.filter((name) => right.names.includes(name))
  const inner = shared.filter((name) => !later.has(name))
  const batch = shared.filter((name) => later.has(name))
  const free = (x: Operand) => x.names.filter((name) => !shared.includes(name))
  const names = [...batch, ...free(left), ...free(right)]
  if (inner.length === 0) return { names, tensor: mul(spread(left, names, right), spread(right, names, left)) }
  const axes = (x: Operand, of: readonly string[]) => of.map((name) => x.names.indexOf(name))
  return {
    names,
    tensor: dot(
      left.tensor,
      right.tensor,
      [axes(left, inner), axes(right, inner)],
      [axes(left, batch), axes(right, batch)],
    ),
  }
}

/** The axes in the order of `names`, those it lacks stretched to the other's. */
const spread = (x: Operand, names: readonly string[], other: Operand): Tensor => {
  const own = names.filter((name) => x.names.includes(name))
  const dim = (name: string, of: Operand): Dim => of.tensor.shape[of.names.indexOf(name)] as Dim
  const withOnes = names.map((name) => (own.includes(name) ? dim(name, x) : 1))
  return broadcastTo(
    reshape(ordered(x, own), withOnes),
    names.map((name) => dim(name, own.includes(name) ? x : other)),
  )
}
