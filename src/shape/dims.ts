/**
 * Arithmetic on dims that may be symbolic, at compile time. A dim is a sum of monomials in canonical text: coefficient,
 * then the symbols, sorted, joined by `·`; monomials sorted and joined by ` + `, the constant last (`2·batch + rows + 3`).
 */
import type { Add, CeilDivide, Divide, Multiply, RoundUp } from './arithmetic.js'
import type { Dim } from './dim.js'

// ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────
/** The order of symbols. Characters that are not in it count as equal. Run time sorts by the same (`dim.ts`). */
type Alphabet = ' !"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~·'

/** Whether `A` stands before `B`. */
type Before<A extends string, B extends string> = A extends `${infer X}${infer As}`
  ? B extends `${infer Y}${infer Bs}`
    ? X extends Y
      ? Before<As, Bs>
      : Alphabet extends `${string}${X}${string}${Y}${string}`
        ? true
        : Alphabet extends `${string}${Y}${string}${X}${string}`
          ? false
          : Before<As, Bs>
    : false
  : B extends ''
    ? false
    : true

/** A monomial: its coefficient and its symbols, sorted. */
interface Term {
  readonly coefficient: number
  readonly symbols: readonly string[]
}

type Split<S extends string, By extends string, Out extends string[] = []> = S extends `${infer A}${By}${infer R}`
  ? Split<R, By, [...Out, A]>
  : [...Out, S]
type ParseTerm<S extends string> =
  Split<S, '·'> extends [infer Head extends string, ...infer R extends string[]]
    ? Head extends `${infer N extends number}`
      ? { coefficient: N; symbols: R }
      : { coefficient: 1; symbols: [Head, ...R] }
    : never
type ParseTerms<Ts extends readonly string[], Out extends Term[] = []> = Ts extends readonly [
  infer T extends string,
  ...infer R extends string[],
]
  ? ParseTerms<R, [...Out, ParseTerm<T>]>
  : Out
type Parse<D extends Dim> = D extends number
  ? D extends 0
    ? []
    : [{ coefficient: D; symbols: [] }]
  : D extends string
    ? ParseTerms<Split<D, ' + '>>
    : never

type Join<Ss extends readonly string[], By extends string> = Ss extends readonly [
  infer A extends string,
  ...infer R extends string[],
]
  ? R extends []
    ? A
    : `${A}${By}${Join<R, By>}`
  : ''
type TermText<T extends Term> = T['symbols'] extends readonly []
  ? `${T['coefficient']}`
  : T['coefficient'] extends 1
    ? Join<T['symbols'], '·'>
    : `${T['coefficient']}·${Join<T['symbols'], '·'>}`
type Texts<Ts extends readonly Term[], Out extends string[] = []> = Ts extends readonly [
  infer T extends Term,
  ...infer R extends Term[],
]
  ? Texts<R, [...Out, TermText<T>]>
  : Out
type Format<Ts extends readonly Term[]> = Ts extends readonly []
  ? 0
  : Ts extends readonly [{ coefficient: infer N extends number; symbols: [] }]
    ? N
    : Join<Texts<Ts>, ' + '>

// ── sums and products of terms ──────────────────────────────────────────────────────────────────────────────────────
type InsertSymbol<S extends string, Ss extends readonly string[], Out extends string[] = []> = Ss extends readonly [
  infer A extends string,
  ...infer R extends string[],
]
  ? Before<S, A> extends true
    ? [...Out, S, ...Ss]
    : InsertSymbol<S, R, [...Out, A]>
  : [...Out, S]
type Merge<A extends readonly string[], B extends readonly string[]> = A extends readonly [
  infer X extends string,
  ...infer R extends string[],
]
  ? Merge<R, InsertSymbol<X, B>>
  : B

/** Monomials by their symbols, the constant last. */
type TermBefore<A extends readonly string[], B extends readonly string[]> = A extends readonly []
  ? false
  : B extends readonly []
    ? true
    : Before<Join<A, '·'>, Join<B, '·'>>
type Same<A, B> = [A, B] extends [B, A] ? true : false
type InsertTerm<T extends Term, Ts extends readonly Term[], Out extends Term[] = []> = Ts extends readonly [
  infer A extends Term,
  ...infer R extends Term[],
]
  ? Same<T['symbols'], A['symbols']> extends true
    ? [...Out, { coefficient: Add<T['coefficient'], A['coefficient']>; symbols: A['symbols'] }, ...R]
    : TermBefore<T['symbols'], A['symbols']> extends true
      ? [...Out, T, ...Ts]
      : InsertTerm<T, R, [...Out, A]>
  : [...Out, T]
type SumTerms<A extends readonly Term[], B extends readonly Term[]> = A extends readonly [
  infer T extends Term,
  ...infer R extends Term[],
]
  ? SumTerms<R, InsertTerm<T, B>>
  : B
type Scale<T extends Term, Ts extends readonly Term[], Out extends readonly Term[] = []> = Ts extends readonly [
  infer A extends Term,
  ...infer R extends Term[],
]
  ? Scale<
      T,
      R,
      InsertTerm<
        { coefficient: Multiply<T['coefficient'], A['coefficient']>; symbols: Merge<T['symbols'], A['symbols']> },
        Out
      >
    >
  : Out
type ProductTerms<
  A extends readonly Term[],
  B extends readonly Term[],
  Out extends readonly Term[] = [],
> = A extends readonly [infer T extends Term, ...infer R extends Term[]]
  ? ProductTerms<R, B, SumTerms<Scale<T, B>, Out>>
  : Out

// ── quotients ───────────────────────────────────────────────────────────────────────────────────────────────────────
type RemoveSymbol<S extends string, Ss extends readonly string[], Out extends string[] = []> = Ss extends readonly [
  infer A extends string,
  ...infer R extends string[],
]
  ? A extends S
    ? [...Out, ...R]
    : RemoveSymbol<S, R, [...Out, A]>
  : never
type RemoveSymbols<A extends readonly string[], B extends readonly string[]> = [A] extends [never]
  ? never
  : B extends readonly [infer S extends string, ...infer R extends string[]]
    ? RemoveSymbols<RemoveSymbol<S, A>, R>
    : A
/** Every term divided by the one term `By`; `never` when one does not come out. */
type QuotientTerms<Ts extends readonly Term[], By extends Term, Out extends Term[] = []> = Ts extends readonly [
  infer T extends Term,
  ...infer R extends Term[],
]
  ? [Divide<T['coefficient'], By['coefficient']>, RemoveSymbols<T['symbols'], By['symbols']>] extends [
      infer N extends number,
      infer S extends string[],
    ]
    ? [N] extends [never]
      ? never
      : [S] extends [never]
        ? never
        : QuotientTerms<R, By, [...Out, { coefficient: N; symbols: S }]>
    : never
  : Out

// ── dims ────────────────────────────────────────────────────────────────────────────────────────────────────────────
/** What only run time knows of either. */
type Unknown<A extends Dim, B extends Dim> = number extends A
  ? true
  : number extends B
    ? true
    : string extends A
      ? true
      : string extends B
        ? true
        : false

/** A · B */
export type DimProduct<A extends Dim, B extends Dim> =
  Unknown<A, B> extends true
    ? Dim
    : [A, B] extends [infer X extends number, infer Y extends number]
      ? Multiply<X, Y>
      : Format<ProductTerms<Parse<A>, Parse<B>>>

/** A + B */
export type DimSum<A extends Dim, B extends Dim> =
  Unknown<A, B> extends true
    ? Dim
    : [A, B] extends [infer X extends number, infer Y extends number]
      ? Add<X, Y>
      : Format<SumTerms<Parse<A>, Parse<B>>>

/** A / B; `never` when it does not come out, or B is a sum. */
export type DimQuotient<A extends Dim, B extends Dim> =
  Unknown<A, B> extends true
    ? Dim
    : [A, B] extends [infer X extends number, infer Y extends number]
      ? Divide<X, Y>
      : Same<A, B> extends true
        ? 1
        : Parse<B> extends [infer By extends Term]
          ? QuotientTerms<Parse<A>, By> extends infer Q extends Term[]
            ? [Q] extends [never]
              ? never
              : Format<Q>
            : never
          : never

/** ⌈A / B⌉; of a symbolic dim only what comes out, else `never`. */
export type DimCeil<A extends Dim, B extends Dim> =
  Unknown<A, B> extends true
    ? Dim
    : [A, B] extends [infer X extends number, infer Y extends number]
      ? CeilDivide<X, Y>
      : DimQuotient<A, B>

/** The least multiple of B that is not below A; of a symbolic dim only what is one already, else `never`. */
export type DimRoundUp<A extends Dim, B extends Dim> =
  Unknown<A, B> extends true
    ? Dim
    : [A, B] extends [infer X extends number, infer Y extends number]
      ? RoundUp<X, Y>
      : [DimQuotient<A, B>] extends [never]
        ? never
        : A
