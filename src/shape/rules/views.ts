/** Views of one tensor: slice, reshape, transpose. */
import type { Add, Multiply, Subtract } from '../arithmetic.js'
import { type Dim, elements, type Shape, type ShapeError, showShape } from '../dim.js'
import { type Refusal, refuse, type Show } from '../rule.js'
import type { DimAt, HasAxis, KnownRank, ReplaceAt, Without } from '../tuple.js'

// ── slice ───────────────────────────────────────────────────────────────────────────────────────────────────────────
/** `Size` elements of axis `A`, from `Start` on. */
export type Slice<S extends Shape, A extends number, Start extends number, Size extends number> =
  KnownRank<S> extends false
    ? Shape
    : HasAxis<S, A> extends false
      ? ShapeError<`slice of axis ${A} cannot take ${Show<S>}: it has ${S['length']} dimensions`>
      : DimAt<S, A> extends infer D extends Dim
        ? Inside<D, Start, Size> extends true
          ? ReplaceAt<S, A, Size>
          : ShapeError<`slice of ${Size} from ${Start} on axis ${A} cannot take ${Show<S>}: the axis has ${D}`>
        : never
type Inside<D extends Dim, Start extends number, Size extends number> = number extends D
  ? true
  : D extends number
    ? [Subtract<D, Add<Start, Size>>] extends [never]
      ? false
      : true
    : false

export const sliceRule = (input: Shape, axis: number, start: number, size: number): Shape | Refusal => {
  const dim = input[axis]
  if (dim === undefined)
    return refuse(`slice of axis ${axis} cannot take ${showShape(input)}: it has ${input.length} dimensions`)
  return typeof dim === 'number' && start + size <= dim
    ? input.map((d, i) => (i === axis ? size : d))
    : refuse(`slice of ${size} from ${start} on axis ${axis} cannot take ${showShape(input)}: the axis has ${dim}`)
}

// ── reshape ─────────────────────────────────────────────────────────────────────────────────────────────────────────
/** The same elements in another shape. */
export type Reshape<From extends Shape, To extends Shape> =
  KnownRank<From> extends false
    ? To
    : KnownRank<To> extends false
      ? To
      : SameElements<From, To> extends true
        ? To
        : ShapeError<`reshape cannot take ${Show<From>} to ${Show<To>}: the numbers of elements differ`>

/** Dims on both sides are struck out; of the rest, the products must agree and no symbol may be left. */
type SameElements<A extends Shape, B extends Shape, Rest extends Shape = readonly []> = A extends readonly [
  infer X extends Dim,
  ...infer As extends Shape,
]
  ? number extends X
    ? true
    : Without<B, X> extends infer Left extends Shape
      ? [Left] extends [never]
        ? SameElements<As, B, readonly [...Rest, X]>
        : SameElements<As, Left, Rest>
      : never
  : SameProduct<ProductOf<Rest>, ProductOf<B>>
type SameProduct<A extends number, B extends number> = [A] extends [never]
  ? false
  : [B] extends [never]
    ? false
    : number extends A
      ? true
      : number extends B
        ? true
        : A extends B
          ? true
          : false
/** `never` when a symbol is among the dims. */
type ProductOf<S extends Shape, P extends number = 1> = S extends readonly [infer X, ...infer R extends Shape]
  ? X extends number
    ? ProductOf<R, Multiply<P, X>>
    : never
  : P

export const reshapeRule = (from: Shape, to: Shape): Shape | Refusal =>
  elements(from) === elements(to)
    ? to
    : refuse(`reshape cannot take ${showShape(from)} to ${showShape(to)}: the numbers of elements differ`)

// ── transpose ───────────────────────────────────────────────────────────────────────────────────────────────────────
/** Output dim i is input dim `P[i]`. */
export type Transpose<S extends Shape, P extends readonly number[]> =
  KnownRank<S> extends false
    ? Shape
    : number extends P['length']
      ? Shape
      : IsPermutation<S, P> extends true
        ? { readonly [K in keyof P]: P[K] extends number ? DimAt<S, P[K]> : never }
        : ShapeError<`transpose(${ShowAxes<P>}) cannot take ${Show<S>}: the axes must be 0 to the last, each once`>
type IsPermutation<S extends Shape, P extends readonly number[]> = S['length'] extends P['length']
  ? [Exclude<keyof { readonly [A in P[number] as `${A}`]: A }, keyof S>] extends [never]
    ? Exclude<Extract<keyof S, `${number}`>, `${P[number]}`> extends never
      ? true
      : false
    : false
  : false
type ShowAxes<P extends readonly number[]> = P extends readonly [infer A extends number]
  ? `${A}`
  : P extends readonly [infer A extends number, ...infer R extends readonly number[]]
    ? `${A}, ${ShowAxes<R>}`
    : ''

export const transposeRule = (input: Shape, permutation: readonly number[]): Shape | Refusal => {
  const isPermutation =
    permutation.length === input.length && [...permutation].sort((a, b) => a - b).every((axis, i) => axis === i)
  return isPermutation
    ? permutation.map((axis) => input[axis] as Dim)
    : refuse(
        `transpose(${permutation.join(', ')}) cannot take ${showShape(input)}: the axes must be 0 to the last, each once`,
      )
}
