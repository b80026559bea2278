/**
 * Rules over rules: one after another, around a residual, repeated. An error inside passes through unchanged, so that a
 * message names the layer at fault.
 */
import { type Dim, type Shape, type ShapeError, showShape } from '../dim.js'
import {
  type Apply,
  type ApplyTyped,
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
  readonly name: Fs[0] extends ShapeFn ? Fs[0]['name'] : never
  readonly takes: Fs[0] extends ShapeFn ? Fs[0]['takes'] : 'f32'
  readonly probe: FirstProbe<Fs>
  readonly out: Through<Fs, this['in']> extends infer R ? (R extends Obstacle ? R['error'] : R) : never
}

/**
 * What a chain is probed with: what the first of its rules knows that does not keep every shape (as norms and activations
 * do). Walks by index, as `Through` does.
 */
export type FirstProbe<Fs extends readonly unknown[], I extends number = 0> = Fs[I] extends infer F extends ShapeFn
  ? F['probe'] extends readonly ['…']
    ? [Apply<F, readonly ['…']>, Successor[I]] extends [readonly ['…'], infer J extends number]
      ? FirstProbe<Fs, J>
      : F['probe']
    : F['probe']
  : readonly ['…']

/** The first rule that refuses what those before it give. */
export interface Obstacle {
  readonly at: string
  readonly error: unknown
}
/**
 * What comes out of all rules for a shape `S`, or the obstacle. Walks by index: the compiler's work is linear in the
 * number of rules (taking tuples apart would not be). All rules but the first take f32. Behind the last number of
 * `Successor` it is left to run time.
 */
export type Through<Fs extends readonly unknown[], S, I extends number = 0> = Fs['length'] extends I
  ? S
  : [Fs[I], Successor[I]] extends [infer F extends ShapeFn, infer J extends number]
    ? ApplyTyped<F, S, I extends 0 ? F['takes'] : 'f32'> extends infer Next
      ? Next extends Shape
        ? Through<Fs, Next, J>
        : { at: `${I}`; error: Next }
      : never
    : Shape
// biome-ignore format: a table
type Successor = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
  33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
  63, 64,
]

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
  readonly name: A['name']
  readonly takes: 'f32'
  readonly probe: A['probe']
  readonly out: ApplyTyped<A, this['in'], 'f32'> extends infer M ? Kept<'residual: the branch', this['in'], M> : never
}

/** a(a(…a(x))), every time with its own parameters. */
export interface Stack<A extends ShapeFn> extends ShapeFn {
  readonly name: A['name']
  readonly takes: 'f32'
  readonly probe: A['probe']
  readonly out: ApplyTyped<A, this['in'], 'f32'> extends infer M ? Kept<'stack: the block', this['in'], M> : never
}

// ── over positions ──────────────────────────────────────────────────────────────────────────────────────────────────
/** The last two dims swapped; those that a probe leaves out are `?`. */
type Swapped<S> = S extends readonly ['…']
  ? ['…', '?', '?']
  : S extends readonly ['…', infer D extends Dim]
    ? ['…', D, '?']
    : S extends readonly [...infer L extends Shape, infer T extends Dim, infer D extends Dim]
      ? [...L, D, T]
      : S
const swapped = (s: Shape): Shape => {
  if (s[0] === '…' && s.length < 3) return ['…', s[1] ?? '?', '?']
  return s.length < 2 ? s : [...s.slice(0, -2), s.at(-1) as Dim, s.at(-2) as Dim]
}

/** A on the last two axes swapped, swapped back: [..., T, D] → [..., D, T] → A → [..., T, D]. */
export interface OverPositions<A extends ShapeFn> extends ShapeFn {
  readonly name: A['name']
  readonly takes: A['takes']
  /** A's, with any width behind. */
  readonly probe: A['probe'] extends readonly [...infer L extends Shape, infer T extends Dim]
    ? readonly [...L, T, '?']
    : A['probe']
  readonly out: this['in'] extends readonly [...Shape, Dim, Dim] | readonly ['…']
    ? Apply<A, Swapped<this['in']>> extends infer M
      ? Swapped<M>
      : never
    : ShapeError<`overPositions cannot take ${Show<this['in']>}: expected [..., positions, width]`>
}
export const overPositionsRule =
  (inner: Rule): Rule =>
  (input) => {
    if (input.length < 2 && input[0] !== '…')
      return refuse(`overPositions cannot take ${showShape(input)}: expected [..., positions, width]`)
    const output = inner(swapped(input))
    return isRefusal(output) ? output : swapped(output)
  }

// ── over symbols ────────────────────────────────────────────────────────────────────────────────────────────────────
/** The two dims before the last swapped; those that a probe leaves out are `?`. */
type Crossed<S> = S extends readonly ['…', infer T extends Dim, infer D extends Dim]
  ? ['…', T, '?', D]
  : S extends readonly [...infer L extends Shape, infer C extends Dim, infer T extends Dim, infer D extends Dim]
    ? [...L, T, C, D]
    : S
const crossed = (s: Shape): Shape => {
  if (s[0] === '…' && s.length === 3) return ['…', s[1] as Dim, '?', s[2] as Dim]
  return s.length < 3 ? s : [...s.slice(0, -3), s.at(-2) as Dim, s.at(-3) as Dim, s.at(-1) as Dim]
}

/** A on the two axes before the last swapped, swapped back: [..., C, T, D] → [..., T, C, D] → A → [..., C, T, D]. */
export interface OverSymbols<A extends ShapeFn> extends ShapeFn {
  readonly name: A['name']
  readonly takes: A['takes']
  readonly probe: Crossed<A['probe']> extends infer P extends Shape ? P : never
  readonly out: this['in'] extends readonly [...Shape, Dim, Dim, Dim] | readonly ['…', ...Shape]
    ? Apply<A, Crossed<this['in']>> extends infer M
      ? Crossed<M>
      : never
    : ShapeError<`overSymbols cannot take ${Show<this['in']>}: expected [..., symbols, positions, width]`>
}
export const overSymbolsRule =
  (inner: Rule): Rule =>
  (input) => {
    if (input.length < 3 && input[0] !== '…')
      return refuse(`overSymbols cannot take ${showShape(input)}: expected [..., symbols, positions, width]`)
    const output = inner(crossed(input))
    return isRefusal(output) ? output : crossed(output)
  }
export const overSymbolsProbe = crossed

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
