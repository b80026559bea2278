/**
 * Shape rules. A rule says what shape comes out for a shape that goes in, or the sentence that says why none does. It is
 * stated twice, side by side: as a type-level function (`ShapeFn`, computed by the compiler) and as a function (`Rule`,
 * computed when the graph is built). Both print the same sentence.
 */
import { type Dim, type Shape, ShapeError } from './dim.js'

/**
 * A rule as a type: `out` is computed from `this['in']`. `in` must be `unknown` here: a `Shape` bound would spoil the
 * inference of tuples. `probe` is the least one knows of a fitting input, with `…` for unknown leading dims and `?` for an
 * unknown dim: what compositions are checked with before any input is there.
 */
export interface ShapeFn {
  readonly in: unknown
  readonly out: unknown
  readonly probe: Shape
  /** Element type of the input. */
  readonly takes: string
  readonly name: string
}

/** Output shape of rule `F` for the shape `In`, or a `ShapeError`. */
export type Apply<F extends ShapeFn, In> = (F & { readonly in: In })['out']

/** `unknown` for a shape, so that intersecting with it changes nothing; the error otherwise, so that nothing fits. */
export type Accept<R> = R extends Shape ? unknown : R

/** What stands in the way first; `unknown` when nothing does. (Two errors at once would intersect to a mute `never`.) */
export type First<A, B> = unknown extends A ? B : A

/** The output for an input of element type `D`, or a `ShapeError`. */
export type ApplyTyped<F extends ShapeFn, In, D extends string> = [D] extends [F['takes']]
  ? Apply<F, In>
  : ShapeError<`${F['name']} cannot take ${D} ${Show<In>}: expected ${F['takes']}`>

// ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────
type ShowDim<D extends Dim> = number extends D ? '?' : string extends D ? '?' : `${D}`
type ShowDims<S extends Shape> = S extends readonly [infer A extends Dim]
  ? ShowDim<A>
  : S extends readonly [infer A extends Dim, ...infer R extends Shape]
    ? `${ShowDim<A>}, ${ShowDims<R>}`
    : S extends readonly []
      ? ''
      : '…'
/** `3 dimensions` */
export type Dimensions<N extends number> = `${N} dimension${N extends 1 ? '' : 's'}`
export const dimensions = (n: number): string => `${n} dimension${n === 1 ? '' : 's'}`

/** `[batch, 81, 512]`; a dim the compiler does not know is shown as `?`, unknown leading dims as `…`. */
export type Show<S> = S extends Shape ? `[${ShowDims<S>}]` : 'an invalid tensor'

// ── dims ────────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Whether a dim is known to the compiler: `number` and `string` are known only at run time, `?` and `…` in a probe never. */
export type IsKnown<D extends Dim> = number extends D
  ? false
  : string extends D
    ? false
    : [D] extends ['?' | '…']
      ? false
      : true

/** Whether two dims may be equal: they are, or one of them is known only at run time. */
export type Fits<A extends Dim, B extends Dim> = [IsKnown<A>, IsKnown<B>] extends [true, true]
  ? [A] extends [B]
    ? true
    : false
  : true

/** `A` with every dim that only run time knows (in either) taken from `B`. */
type Known<A extends Shape, B extends Shape> = {
  -readonly [K in keyof A]: K extends keyof B
    ? A[K] extends Dim
      ? IsKnown<A[K]> extends true
        ? B[K] extends Dim
          ? IsKnown<B[K]> extends true
            ? A[K]
            : B[K]
          : never
        : B[K]
      : never
    : A[K]
}
/** Whether two shapes may be equal, dim by dim. Not recursive: the compiler must not unroll it for unknown shapes. */
export type SameShape<A extends Shape, B extends Shape> = number extends A['length']
  ? true
  : number extends B['length']
    ? true
    : A extends Elided
      ? IsNever<FromTheEnd<A, B>>
      : B extends Elided
        ? IsNever<FromTheEnd<A, B>>
        : Known<A, B> extends B
          ? true
          : false
type IsNever<T> = [T] extends [never] ? true : false

/** A probe whose leading dims are left out: any number of them, none too. */
type Elided = readonly ['…', ...Shape]
/** How `A` first differs from the expected `B`, counted from the end, up to a `…` in either; `never` when it does not. */
type FromTheEnd<A extends Shape, B extends Shape, Seen extends Shape = readonly []> = A extends readonly ['…']
  ? never
  : B extends readonly ['…']
    ? never
    : [A, B] extends [
          readonly [...infer As extends Shape, infer X extends Dim],
          readonly [...infer Bs extends Shape, infer Y extends Dim],
        ]
      ? Fits<X, Y> extends true
        ? FromTheEnd<As, Bs, readonly [...Seen, X]>
        : `${Seen extends readonly [] ? 'last dimension' : `dimension -${[...Seen, X]['length']}`} is ${X}, expected ${Y}`
      : 'the number of dimensions differs'

/** How shape `A` first differs from the expected `B`: `dimension 1 is 81, expected 82`. */
export type Difference<A extends Shape, B extends Shape> = A extends Elided
  ? FromTheEnd<A, B>
  : B extends Elided
    ? FromTheEnd<A, B>
    : [A['length']] extends [B['length']]
      ? FirstDifference<A, B, readonly []>
      : `it has ${Dimensions<A['length']>}, expected ${B['length']}`
/** `Seen` counts the dims passed. */
type FirstDifference<A extends Shape, B extends Shape, Seen extends Shape> = A extends readonly [
  infer X extends Dim,
  ...infer Xs extends Shape,
]
  ? B extends readonly [infer Y extends Dim, ...infer Ys extends Shape]
    ? Fits<X, Y> extends true
      ? FirstDifference<Xs, Ys, readonly [...Seen, X]>
      : `${Xs extends readonly [] ? 'last dimension' : `dimension ${Seen['length']}`} is ${X}, expected ${Y}`
    : never
  : 'the dimensions differ'

// ── run time ────────────────────────────────────────────────────────────────────────────────────────────────────────
export interface Refusal {
  /** Why there is no output. */
  readonly sentence: string
}
export type Rule = (input: Shape) => Shape | Refusal

export const refuse = (sentence: string): Refusal => ({ sentence })
export const isRefusal = (result: Shape | Refusal): result is Refusal => 'sentence' in result

/** The shape, or the sentence thrown as `ShapeError`. */
export const demand = (result: Shape | Refusal): Shape => {
  if (isRefusal(result)) throw new ShapeError(result.sentence)
  return result
}

/** Rules one after another; the first refusal stays. */
export const chain =
  (rules: readonly Rule[]): Rule =>
  (input) =>
    rules.reduce<Shape | Refusal>((shape, rule) => (isRefusal(shape) ? shape : rule(shape)), input)

const isUnknown = (d: Dim): boolean => d === '?' || d === '…'
/** Whether two dims are equal, as far as a probe knows them. */
export const fits = (a: Dim, b: Dim): boolean => a === b || isUnknown(a) || isUnknown(b)

const isElided = (shape: Shape): boolean => shape[0] === '…'
/** Run-time mirror of `FromTheEnd`. */
const fromTheEnd = (a: Shape, b: Shape): string | undefined => {
  for (let i = 1; ; i++) {
    const [x, y] = [a.at(-i), b.at(-i)]
    if ((x === '…' && i === a.length) || (y === '…' && i === b.length)) return undefined
    if (x === undefined || y === undefined) return 'the number of dimensions differs'
    if (!fits(x, y)) return `${i === 1 ? 'last dimension' : `dimension -${i}`} is ${x}, expected ${y}`
  }
}

/** Whether two shapes are equal, as far as a probe knows them. */
export const agree = (a: Shape, b: Shape): boolean =>
  isElided(a) || isElided(b)
    ? fromTheEnd(a, b) === undefined
    : a.length === b.length && a.every((d, i) => fits(d, b[i] as Dim))

/** Run-time mirror of `Difference`. */
export const difference = (a: Shape, b: Shape): string => {
  if (isElided(a) || isElided(b)) return fromTheEnd(a, b) ?? 'the dimensions differ'
  if (a.length !== b.length) return `it has ${dimensions(a.length)}, expected ${b.length}`
  const i = a.findIndex((d, axis) => !fits(d, b[axis] as Dim))
  if (i < 0) return 'the dimensions differ'
  return `${i === a.length - 1 ? 'last dimension' : `dimension ${i}`} is ${a[i]}, expected ${b[i]}`
}
