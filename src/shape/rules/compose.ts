/**
 * Rules over rules: one after another, around a residual, repeated. An error inside passes through unchanged, so that a
 * message names the layer at fault.
 */
import { type Dim, type Shape, type ShapeError, showShape } from '../dim.js'
import {
  type Apply,
  agree,
  type Difference,
  difference,
  isRefusal,
  type Rule,
  refuse,
  type SameShape,
  type ShapeFn,
  type Show,
} from '../rule.js'

/** Keeps every shape: activation functions, norms. */
export interface IdentityRule<Name extends string> extends ShapeFn {
  readonly name: Name
  readonly takes: 'f32'
  readonly probe: readonly ['…']
  readonly out: this['in']
}
export const identityRule: Rule = (input) => input

/** One rule after another; an error stays. */
export interface Chain<Fs extends readonly ShapeFn[]> extends ShapeFn {
  readonly name: 'seq'
  readonly takes: Fs[0] extends ShapeFn ? Fs[0]['takes'] : 'f32'
  readonly probe: Fs[0] extends ShapeFn ? Fs[0]['probe'] : readonly ['…']
  readonly out: Through<Fs, this['in']>
}
/** Tail-recursive, so that the cost is linear in the number of rules. */
type Through<Fs extends readonly unknown[], S> = Fs extends readonly [infer F extends ShapeFn, ...infer R]
  ? S extends Shape
    ? Through<R, Apply<F, S>>
    : S
  : S

/** A rule whose output has the shape of its input, as `x + a(x)` and repetition need it. */
type Kept<What extends string, In, M> = M extends Shape
  ? In extends Shape
    ? SameShape<M, In> extends true
      ? In
      : ShapeError<`${What} turns ${Show<In>} into ${Show<M>}; it must keep the shape: ${Difference<M, In>}`>
    : never
  : M
export const keptRule =
  (what: string, inner: Rule): Rule =>
  (input) => {
    const output = inner(input)
    return isRefusal(output) || agree(output, input)
      ? output
      : refuse(
          `${what} turns ${showShape(input)} into ${showShape(output)}; it must keep the shape: ${difference(output, input)}`,
        )
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

// ── over positions ──────────────────────────────────────────────────────────────────────────────────────────────────
type Swapped<S> = S extends readonly [...infer L extends Shape, infer T extends Dim, infer D extends Dim]
  ? [...L, D, T]
  : S
const swapped = (s: Shape): Shape => (s.length < 2 ? s : [...s.slice(0, -2), s.at(-1) as Dim, s.at(-2) as Dim])

/** A on the last two axes swapped, swapped back: [..., T, D] → [..., D, T] → A → [..., T, D]. */
export interface OverPositions<A extends ShapeFn> extends ShapeFn {
  readonly name: 'overPositions'
  readonly takes: A['takes']
  /** A's, with any width behind. */
  readonly probe: A['probe'] extends readonly [...infer L extends Shape, infer T extends Dim]
    ? readonly [...L, T, '?']
    : A['probe']
  readonly out: this['in'] extends readonly [...Shape, Dim, Dim]
    ? Apply<A, Swapped<this['in']>> extends infer M
      ? Swapped<M>
      : never
    : ShapeError<`overPositions cannot take ${Show<this['in']>}: expected [..., positions, width]`>
}
export const overPositionsRule =
  (inner: Rule): Rule =>
  (input) => {
    if (input.length < 2)
      return refuse(`overPositions cannot take ${showShape(input)}: expected [..., positions, width]`)
    const output = inner(swapped(input))
    return isRefusal(output) ? output : swapped(output)
  }

// ── one shape only ──────────────────────────────────────────────────────────────────────────────────────────────────
/** Takes the shape `Z` and no other, gives `Out`. (Its run-time side stands in `nn/block.ts`.) */
export interface FixedRule<Name extends string, Z extends Shape, Out extends Shape> extends ShapeFn {
  readonly name: Name
  readonly takes: 'f32'
  readonly probe: Z
  readonly out: this['in'] extends infer S extends Shape
    ? SameShape<S, Z> extends true
      ? Out
      : ShapeError<`${Name} cannot take ${Show<S>}, it is made for ${Show<Z>}: ${Difference<S, Z>}`>
    : never
}
