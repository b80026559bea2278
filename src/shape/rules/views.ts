/** Views of one tensor: slice, split, pad, reshape, unsqueeze, transpose. */
import type { Add, Divide, Subtract } from '../arithmetic.js'
import { type Dim, type Shape, type ShapeError, showShape } from '../dim.js'
import { type DimProduct, elements, isSize, type NoSize, type NotWhole, notWhole } from '../dims.js'
import { type Dimensions, dimensions, type IsKnown, type Refusal, refuse, type Show } from '../rule.js'
import type { DimAt, HasAxis, InsertAt, KnownRank, Repeat, ReplaceAt, Without } from '../tuple.js'

// ── slice ───────────────────────────────────────────────────────────────────────────────────────────────────────────
/** `Size` elements of axis `A`, from `Start` on. */
export type Slice<S extends Shape, A extends number, Start extends number, Size extends number> =
  KnownRank<S> extends false
    ? Shape
    : HasAxis<S, A> extends false
      ? ShapeError<`slice of axis ${A} cannot take ${Show<S>}: it has ${Dimensions<S['length']>}`>
      : DimAt<S, A> extends infer D extends Dim
        ? [NoSize<[Start, Size]>] extends [never]
          ? Inside<D, Start, Size> extends true
            ? ReplaceAt<S, A, Size>
            : ShapeError<`slice of ${Size} from ${Start} on axis ${A} cannot take ${Show<S>}: the axis has ${D}`>
          : ShapeError<`slice of ${Size} from ${Start} on axis ${A} cannot take ${Show<S>}: ${NotWhole<NoSize<[Start, Size]>>}`>
        : never
type Inside<D extends Dim, Start extends number, Size extends number> =
  IsKnown<D> extends false
    ? true
    : D extends number
      ? [Subtract<D, Add<Start, Size>>] extends [never]
        ? false
        : true
      : false

export const sliceRule = (input: Shape, axis: number, start: number, size: number): Shape | Refusal => {
  const dim = input[axis]
  if (dim === undefined)
    return refuse(`slice of axis ${axis} cannot take ${showShape(input)}: it has ${dimensions(input.length)}`)
  const text = `slice of ${size} from ${start} on axis ${axis} cannot take ${showShape(input)}`
  const broken = notWhole([start, size])
  if (broken !== undefined) return refuse(`${text}: ${broken}`)
  return typeof dim === 'number' && start + size <= dim
    ? input.map((d, i) => (i === axis ? size : d))
    : refuse(`${text}: the axis has ${dim}`)
}

// ── split ───────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Into `Parts` equal parts, or parts of the sizes `Parts`, along axis `A`: a tuple of shapes. */
export type Split<S extends Shape, A extends number, Parts extends number | readonly number[]> =
  KnownRank<S> extends false
    ? Shape[]
    : HasAxis<S, A> extends false
      ? ShapeError<`split on axis ${A} cannot take ${Show<S>}: it has ${Dimensions<S['length']>}`>
      : DimAt<S, A> extends infer D extends Dim
        ? IsKnown<D> extends false
          ? Shape[]
          : Parts extends number
            ? SplitEvenly<S, A, D, Parts>
            : Parts extends readonly number[]
              ? SplitBySizes<S, A, D, Parts>
              : never
        : never
type SplitEvenly<S extends Shape, A extends number, D extends Dim, Parts extends number> = number extends Parts
  ? Shape[]
  : D extends number
    ? [Divide<D, Parts>] extends [never]
      ? ShapeError<`split on axis ${A} cannot take ${Show<S>}: ${D} does not divide into ${Parts} parts`>
      : Repeat<Parts, ReplaceAt<S, A, Divide<D, Parts>>>
    : ShapeError<`split on axis ${A} cannot take ${Show<S>}: ${D} does not divide into ${Parts} parts`>
type SplitBySizes<S extends Shape, A extends number, D extends Dim, Sizes extends readonly number[]> = [
  NoSize<Sizes>,
] extends [never]
  ? number extends Total<Sizes>
    ? { -readonly [K in keyof Sizes]: ReplaceAt<S, A, Sizes[K]> }
    : [D] extends [Total<Sizes>]
      ? { -readonly [K in keyof Sizes]: ReplaceAt<S, A, Sizes[K]> }
      : ShapeError<`split on axis ${A} cannot take ${Show<S>}: the sizes add up to ${Total<Sizes>}, the axis has ${D}`>
  : ShapeError<`split on axis ${A} cannot take ${Show<S>}: ${NotWhole<NoSize<Sizes>>}`>
type Total<Sizes extends readonly number[], Sum extends number = 0> = Sizes extends readonly [
  infer X extends number,
  ...infer R extends readonly number[],
]
  ? Total<R, Add<Sum, X>>
  : Sizes extends readonly []
    ? Sum
    : number

/** The sizes of the parts. */
export const splitRule = (
  input: Shape,
  axis: number,
  parts: number | readonly number[],
): readonly number[] | Refusal => {
  const dim = input[axis]
  const text = `split on axis ${axis} cannot take ${showShape(input)}`
  if (dim === undefined) return refuse(`${text}: it has ${dimensions(input.length)}`)
  if (typeof parts === 'number') {
    const size = typeof dim === 'number' ? dim / parts : Number.NaN
    return isSize(parts) && Number.isInteger(size)
      ? Array.from({ length: parts }, () => size)
      : refuse(`${text}: ${dim} does not divide into ${parts} parts`)
  }
  const broken = notWhole(parts)
  if (broken !== undefined) return refuse(`${text}: ${broken}`)
  const total = parts.reduce((a, b) => a + b, 0)
  return total === dim ? parts : refuse(`${text}: the sizes add up to ${total}, the axis has ${dim}`)
}

// ── pad ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
/** `Before` and `After` more elements along axis `A`. */
export type Pad<S extends Shape, A extends number, Before extends number, After extends number> =
  KnownRank<S> extends false
    ? Shape
    : HasAxis<S, A> extends false
      ? ShapeError<`pad on axis ${A} cannot take ${Show<S>}: it has ${Dimensions<S['length']>}`>
      : DimAt<S, A> extends infer D extends Dim
        ? D extends number
          ? [NoSize<[Before, After]>] extends [never]
            ? ReplaceAt<S, A, Add<Add<Before, D>, After>>
            : ShapeError<`pad on axis ${A} cannot take ${Show<S>}: ${NotWhole<NoSize<[Before, After]>>}`>
          : ShapeError<`pad on axis ${A} cannot take ${Show<S>}: the size of the axis must be a number`>
        : never

export const padRule = (input: Shape, axis: number, before: number, after: number): Shape | Refusal => {
  const dim = input[axis]
  const text = `pad on axis ${axis} cannot take ${showShape(input)}`
  if (dim === undefined) return refuse(`${text}: it has ${dimensions(input.length)}`)
  if (typeof dim !== 'number') return refuse(`${text}: the size of the axis must be a number`)
  const broken = notWhole([before, after])
  return broken === undefined
    ? input.map((d, i) => (i === axis ? before + dim + after : d))
    : refuse(`${text}: ${broken}`)
}

// ── reshape ─────────────────────────────────────────────────────────────────────────────────────────────────────────
/** The same elements in another shape. */
export type Reshape<From extends Shape, To extends Shape> =
  KnownRank<From> extends false
    ? To
    : KnownRank<To> extends false
      ? To
      : [NoSize<To>] extends [never]
        ? SameElements<From, To> extends true
          ? To
          : [Elements<From>, 0] extends [0, Elements<To>]
            ? To
            : ShapeError<`reshape cannot take ${Show<From>} to ${Show<To>}: it has ${Elements<From>} elements, expected ${Elements<To>}`>
        : ShapeError<`reshape cannot take ${Show<From>} to ${Show<To>}: ${NotWhole<NoSize<To>>}`>

/** Dims on both sides are struck out; the products of the rest must agree. (Where there are no elements they need not.) */
type SameElements<A extends Shape, B extends Shape, Rest extends Shape = []> = A extends readonly [
  infer X extends Dim,
  ...infer As extends Shape,
]
  ? IsKnown<X> extends false
    ? true
    : Without<B, X> extends infer Left extends Shape
      ? [Left] extends [never]
        ? SameElements<As, B, [...Rest, X]>
        : SameElements<As, Left, Rest>
      : never
  : SameProduct<Elements<Rest>, Elements<B>>
type SameProduct<A extends Dim, B extends Dim> =
  IsKnown<A> extends false ? true : IsKnown<B> extends false ? true : [A] extends [B] ? true : false
/** The number of elements, possibly symbolic. */
type Elements<S extends Shape, P extends Dim = 1> = S extends readonly [infer X extends Dim, ...infer R extends Shape]
  ? Elements<R, DimProduct<P, X>>
  : P

export const reshapeRule = (from: Shape, to: Shape): Shape | Refusal => {
  const text = `reshape cannot take ${showShape(from)} to ${showShape(to)}`
  const broken = notWhole(to)
  if (broken !== undefined) return refuse(`${text}: ${broken}`)
  return elements(from) === elements(to)
    ? to
    : refuse(`${text}: it has ${elements(from)} elements, expected ${elements(to)}`)
}

/** A dim of size 1 before axis `A`. */
export type Unsqueeze<S extends Shape, A extends number> =
  KnownRank<S> extends false
    ? Shape
    : number extends A
      ? Shape
      : InsertAt<S, A, 1> extends infer R
        ? [R] extends [never]
          ? ShapeError<`unsqueeze at axis ${A} cannot take ${Show<S>}: it has ${Dimensions<S['length']>}`>
          : R
        : never

export const unsqueezeRule = (input: Shape, axis: number): Shape | Refusal =>
  Number.isInteger(axis) && axis >= 0 && axis <= input.length
    ? [...input.slice(0, axis), 1, ...input.slice(axis)]
    : refuse(`unsqueeze at axis ${axis} cannot take ${showShape(input)}: it has ${dimensions(input.length)}`)

// ── transpose ───────────────────────────────────────────────────────────────────────────────────────────────────────
/** Output dim i is input dim `P[i]`. */
export type Transpose<S extends Shape, P extends readonly number[]> =
  KnownRank<S> extends false
    ? Shape
    : number extends P['length']
      ? Shape
      : IsPermutation<S, P> extends true
        ? { -readonly [K in keyof P]: P[K] extends number ? DimAt<S, P[K]> : never }
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
