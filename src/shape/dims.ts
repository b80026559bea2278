/**
 * Arithmetic on dims, typed: sizes computed in a program keep their literal types, and a quotient that does not come out
 * is a sentence. Two numbers are computed by their digits (`arithmetic.ts`), symbols as sums of monomials (`terms.ts`).
 * Of a dim that only run time knows (`number`, `string`) nothing is known; of `?` in a probe comes `?`.
 */
import type { Add, CeilDivide, Divide, Modulo, Multiply, RoundUp } from './arithmetic.js'
import { type Dim, type Dims, type Shape, ShapeError } from './dim.js'
import { type ProductOf, productOf, type QuotientOf, quotientOf, type SumOf, sumOf, terms } from './terms.js'

export { productOf, quotientOf, sumOf }

/** Both as numbers. */
type Numbers = readonly [number, number]

/** What is known of a result when an operand is known only at run time; `never` when both are known. */
type Vague<A extends Dim, B extends Dim> = string extends A | B
  ? number extends A
    ? Dim
    : number extends B
      ? Dim
      : string
  : number extends A | B
    ? string
    : '?' extends A | B
      ? '?'
      : never

/** A + B */
export type DimSum<A extends Dim, B extends Dim> = [A, B] extends infer P extends Numbers
  ? Add<P[0], P[1]>
  : [Vague<A, B>] extends [never]
    ? SumOf<A, B>
    : Vague<A, B>
/** A · B */
export type DimProduct<A extends Dim, B extends Dim> = [A, B] extends infer P extends Numbers
  ? Multiply<P[0], P[1]>
  : [Vague<A, B>] extends [never]
    ? ProductOf<A, B>
    : Vague<A, B>
/** A / B; `never` when it does not come out. */
export type DimQuotient<A extends Dim, B extends Dim> = [A, B] extends infer P extends Numbers
  ? Divide<P[0], P[1]>
  : [Vague<A, B>] extends [never]
    ? QuotientOf<A, B>
    : Vague<A, B> extends '?'
      ? '?'
      : Dim
/** ⌈A / B⌉; `never` for symbols whose quotient does not come out. */
export type DimCeil<A extends Dim, B extends Dim> = [A, B] extends infer P extends Numbers
  ? CeilDivide<P[0], P[1]>
  : DimQuotient<A, B>
/** The least multiple of B that is not below A; `never` for symbols that are not known to be a multiple. */
export type DimRoundUp<A extends Dim, B extends Dim> = [A, B] extends infer P extends Numbers
  ? RoundUp<P[0], P[1]>
  : [DimQuotient<A, B>] extends [never]
    ? never
    : A

/** ⌈a / b⌉; `undefined` for symbols whose quotient does not come out. */
export const ceilOf = (a: Dim, b: Dim): Dim | undefined =>
  typeof a === 'number' && typeof b === 'number' && b > 0 ? Math.ceil(a / b) : quotientOf(a, b)
/** The least multiple of b that is not below a; `undefined` for symbols that are not known to be a multiple. */
export const roundUpOf = (a: Dim, b: Dim): Dim | undefined => {
  if (typeof a === 'number' && typeof b === 'number') return b === 0 ? undefined : Math.ceil(a / b) * b
  return quotientOf(a, b) === undefined ? undefined : a
}

/** Number of elements, possibly symbolic. */
export const elements = (shape: Shape): Dim => shape.reduce(productOf, 1)

/** The number a dim stands for; `undefined` when a symbol has no value. */
export const bindDim = (dim: Dim, dims: Dims): number | undefined => {
  let sum = 0
  for (const [coefficient, symbols] of terms(dim)) {
    let product = coefficient
    for (const symbol of symbols.split('·').slice(1)) {
      const value = dims[symbol]
      if (value === undefined) return undefined
      product *= value
    }
    sum += product
  }
  return sum
}

// ── for programs ────────────────────────────────────────────────────────────────────────────────────────────────────
/** Sizes are whole numbers from 0 on. */
export type IsSize<D extends Dim> = D extends number
  ? number extends D
    ? true
    : `${D}` extends `-${string}`
      ? false
      : `${D}` extends `${bigint}`
        ? true
        : false
  : true
export const isSize = (d: Dim): boolean => typeof d === 'string' || /^\d+$/.test(`${d}`)

/** The first that is no size; `never` when all are. */
export type NoSize<S extends readonly unknown[]> = number extends S['length']
  ? never
  : S extends readonly [infer D extends Dim, ...infer R]
    ? IsSize<D> extends true
      ? NoSize<R>
      : D
    : never
/** What is said of it. */
export type NotWhole<D extends Dim> = `${D} is not a whole number from 0 on`
export const notWhole = (sizes: readonly Dim[]): string | undefined => {
  const d = sizes.find((size) => !isSize(size))
  return d === undefined ? undefined : `${d} is not a whole number from 0 on`
}

/** What stands in the way of a size that is 1 or more; `What` says whose it is. */
export type Positive<What extends string, N extends Dim> = [N] extends [0]
  ? ShapeError<`${What}: 0 is not a whole number from 1 on`>
  : IsSize<N> extends true
    ? unknown
    : ShapeError<`${What}: ${N} is not a whole number from 1 on`>
export const demandPositive = (what: string, n: number): void => {
  if (!isSize(n) || n === 0) throw new ShapeError(`${what}: ${n} is not a whole number from 1 on`)
}

/** `unknown` when `Name` gives the result `R`, a `ShapeError` when `R` is `never`. */
type Fitting<Name extends string, A extends Dim, B extends Dim, R> = [A] extends [never]
  ? unknown
  : IsSize<A> extends false
    ? ShapeError<`${Name} cannot take ${A} and ${B}: ${A} is not a whole number from 0 on`>
    : IsSize<B> extends false
      ? ShapeError<`${Name} cannot take ${A} and ${B}: ${B} is not a whole number from 0 on`>
      : [R] extends [never]
        ? ShapeError<`${Name} cannot take ${A} and ${B}: ${Why<A, B>}`>
        : unknown
type Why<A extends Dim, B extends Dim> = B extends 0
  ? 'the second is 0'
  : A extends number
    ? B extends number
      ? `the remainder is ${Modulo<A, B>}`
      : `${B} is known only when the model runs`
    : `${A} is known only when the model runs`
const why = (a: Dim, b: Dim): string => {
  if (b === 0) return 'the second is 0'
  if (typeof a === 'number' && typeof b === 'number') return `the remainder is ${a % b}`
  return `${typeof a === 'number' ? b : a} is known only when the model runs`
}

const checked =
  (name: string, compute: (a: Dim, b: Dim) => Dim | undefined) =>
  (a: Dim, b: Dim): Dim => {
    const text = `${name} cannot take ${a} and ${b}`
    for (const d of [a, b]) if (!isSize(d)) throw new ShapeError(`${text}: ${d} is not a whole number from 0 on`)
    const result = compute(a, b)
    if (result === undefined) throw new ShapeError(`${text}: ${why(a, b)}`)
    return result
  }

/** a + b */
export const addDims = checked('addDims', sumOf) as unknown as <const A extends Dim, const B extends Dim>(
  a: A,
  b: Fitting<'addDims', A, NoInfer<B>, DimSum<A, NoInfer<B>>> & B,
) => DimSum<A, B>
/** a · b */
export const multiplyDims = checked('multiplyDims', productOf) as unknown as <const A extends Dim, const B extends Dim>(
  a: A,
  b: Fitting<'multiplyDims', A, NoInfer<B>, DimProduct<A, NoInfer<B>>> & B,
) => DimProduct<A, B>
/** a / b, which must come out. */
export const divideDims = checked('divideDims', quotientOf) as unknown as <const A extends Dim, const B extends Dim>(
  a: A,
  b: Fitting<'divideDims', A, NoInfer<B>, DimQuotient<A, NoInfer<B>>> & B,
) => DimQuotient<A, B>
/** ⌈a / b⌉; of symbols, a quotient that comes out. */
export const ceilDivideDims = checked('ceilDivideDims', ceilOf) as unknown as <
  const A extends Dim,
  const B extends Dim,
>(
  a: A,
  b: Fitting<'ceilDivideDims', A, NoInfer<B>, DimCeil<A, NoInfer<B>>> & B,
) => DimCeil<A, B>
/** The least multiple of the second that is not below the first; symbols must be one already. */
export const roundUpDims = checked('roundUpDims', roundUpOf) as unknown as <const A extends Dim, const M extends Dim>(
  a: A,
  multiple: Fitting<'roundUpDims', A, NoInfer<M>, DimRoundUp<A, NoInfer<M>>> & M,
) => DimRoundUp<A, M>
