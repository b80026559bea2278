/**
 * Rules over rules: one after another, around a residual, repeated. An error inside passes through unchanged, so that a
 * message names the layer at fault.
 */
import { type Shape, type ShapeError, sameShape, showShape } from '../dim.js'
import {
  type Apply,
  isRefusal,
  type Rule,
  refuse,
  type SameShape,
  type ShapeFn,
  type Show,
  type Then,
} from '../rule.js'

/** Keeps every shape: activation functions, norms. */
export interface IdentityRule<Name extends string> extends ShapeFn {
  readonly name: Name
  readonly takes: 'f32'
  readonly probe: readonly ['…']
  readonly out: this['in']
}
export const identityRule: Rule = (input) => input

/** A, then B. */
export interface Seq<A extends ShapeFn, B extends ShapeFn> extends ShapeFn {
  readonly name: 'seq'
  readonly takes: A['takes']
  readonly probe: A['probe']
  readonly out: Apply<A, this['in']> extends infer M ? Then<B, M> : never
}

/** A whose output has the shape of its input, as `x + a(x)` and repetition need it. */
type Kept<What extends string, In, M> = M extends Shape
  ? In extends Shape
    ? SameShape<M, In> extends true
      ? In
      : ShapeError<`${What} turns ${Show<In>} into ${Show<M>}; it must keep the shape`>
    : never
  : M
export const keptRule =
  (what: string, inner: Rule): Rule =>
  (input) => {
    const output = inner(input)
    return isRefusal(output) || sameShape(output, input)
      ? output
      : refuse(`${what} turns ${showShape(input)} into ${showShape(output)}; it must keep the shape`)
  }

/** x + a(x) */
export interface Residual<A extends ShapeFn> extends ShapeFn {
  readonly name: 'residual'
  readonly takes: 'f32'
  readonly probe: A['probe']
  readonly out: Apply<A, this['in']> extends infer M ? Kept<'residual: the branch', this['in'], M> : never
}

/** a(a(…a(x))), every time with its own parameters. */
export interface Stack<A extends ShapeFn> extends ShapeFn {
  readonly name: 'stack'
  readonly takes: 'f32'
  readonly probe: A['probe']
  readonly out: Apply<A, this['in']> extends infer M ? Kept<'stack: the block', this['in'], M> : never
}
