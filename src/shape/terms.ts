/**
 * Sums of monomials, which is what a dim can be: `3`, `"batch"`, `"8·batch"`, `"batch·rows + 2·batch + 1"`. Sum, product
 * and exact quotient of two, each as a type and as a function of the same steps, so that both print the same text:
 * symbols in a monomial in alphabetical order, monomials in lexicographic order of their symbols with the constant last,
 * a coefficient 1 left out, terms of 0 gone. Division relies on that order: the first term of a product is the product of
 * the first terms.
 */
import type { Add, Divide, Multiply, Subtract } from './arithmetic.js'

/** What separates symbols comes before every character in them. Characters not listed count as equal to any other. */
const alphabet = '·0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
type Alphabet = typeof alphabet

type Text = number | string
/** Coefficient and symbols, each after a dot: `[8, '·batch·rows']`. A constant has no symbols. */
type Term = readonly [coefficient: number, key: string]
type Terms = readonly Term[]

// ── order ───────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Whether `X` stands before `Y`: symbols by alphabet; of two keys with the same first symbols, the longer. */
type Before<X extends string, Y extends string> = X extends `${infer A}${infer Xs}`
  ? Y extends `${infer B}${infer Ys}`
    ? A extends B
      ? Before<Xs, Ys>
      : Alphabet extends `${string}${A}${string}${B}${string}`
        ? true
        : Alphabet extends `${string}${B}${string}${A}${string}`
          ? false
          : Before<Xs, Ys>
    : A extends '·'
      ? true
      : false
  : Y extends '' | `·${string}`
    ? false
    : true
const before = (x: string, y: string): boolean => {
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [a, b] = [x[i], y[i]]
    if (b === undefined) return a === '·'
    if (a === undefined) return b !== '·'
    const [at, other] = [alphabet.indexOf(a), alphabet.indexOf(b)]
    if (a !== b && at >= 0 && other >= 0) return at < other
  }
  return false
}

// ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────
type ParseTerm<M extends string> = M extends `${infer N extends number}·${infer S}`
  ? [N, `·${S}`]
  : M extends `${infer N extends number}`
    ? [N, '']
    : [1, `·${M}`]
const parseTerm = (text: string): Term => {
  const [, coefficient, key = ''] = /^(0|[1-9]\d*)(·.*)?$/s.exec(text) ?? []
  return coefficient === undefined ? [1, `·${text}`] : [Number(coefficient), key]
}

type Parse<D extends Text, Out extends Terms = []> = D extends number
  ? D extends 0
    ? []
    : [[D, '']]
  : D extends `${infer M} + ${infer R}`
    ? Parse<R, [...Out, ParseTerm<M>]>
    : [...Out, ParseTerm<D & string>]
/** The terms of a dim; none for 0. */
export const terms = (d: Text): Terms =>
  typeof d === 'string' ? d.split(' + ').map(parseTerm) : d === 0 ? [] : [[d, '']]

type PrintTerm<T extends Term> = T[1] extends `·${infer S}` ? (T[0] extends 1 ? S : `${T[0]}${T[1]}`) : `${T[0]}`
type PrintAll<Ts extends Terms, Out extends string> = Ts extends readonly [
  infer T extends Term,
  ...infer R extends Terms,
]
  ? PrintAll<R, `${Out} + ${PrintTerm<T>}`>
  : Out
type Print<Ts extends Terms> = Ts extends readonly [infer T extends Term, ...infer R extends Terms]
  ? R extends readonly []
    ? T[1] extends ''
      ? T[0]
      : PrintTerm<T>
    : PrintAll<R, PrintTerm<T>>
  : 0
const print = (ts: Terms): Text => {
  const [first] = ts
  if (first === undefined) return 0
  if (ts.length === 1 && first[1] === '') return first[0]
  return ts.map(([c, key]) => (c === 1 && key !== '' ? key.slice(1) : `${c}${key}`)).join(' + ')
}

// ── sum ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
type AddTerm<Ts extends Terms, T extends Term, Seen extends Terms = []> = Ts extends readonly [
  infer H extends Term,
  ...infer R extends Terms,
]
  ? [H[1]] extends [T[1]]
    ? [...Seen, [Add<H[0], T[0]>, T[1]], ...R]
    : Before<T[1], H[1]> extends true
      ? [...Seen, T, ...Ts]
      : AddTerm<R, T, [...Seen, H]>
  : [...Seen, T]
const addTerm = (ts: Terms, term: Term): Terms => {
  const at = ts.findIndex(([, key]) => key === term[1] || before(term[1], key))
  const head = ts[at]
  if (head === undefined) return [...ts, term]
  return head[1] === term[1] ? ts.with(at, [head[0] + term[0], term[1]]) : [...ts.slice(0, at), term, ...ts.slice(at)]
}

type AddAll<A extends Terms, B extends Terms> = B extends readonly [infer T extends Term, ...infer R extends Terms]
  ? AddAll<AddTerm<A, T>, R>
  : A

/** A + B */
export type SumOf<A extends Text, B extends Text> = A extends 0
  ? B
  : B extends 0
    ? A
    : Print<AddAll<Parse<A>, Parse<B>>>
export const sumOf = (a: Text, b: Text): Text => {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  return a === 0 ? b : b === 0 ? a : print(terms(b).reduce(addTerm, terms(a)))
}

// ── product ─────────────────────────────────────────────────────────────────────────────────────────────────────────
type InsertSymbol<K extends string, X extends string, Seen extends string = ''> = K extends `·${infer Y}·${infer R}`
  ? Before<X, Y> extends true
    ? `${Seen}·${X}${K}`
    : InsertSymbol<`·${R}`, X, `${Seen}·${Y}`>
  : K extends `·${infer Y}`
    ? Before<X, Y> extends true
      ? `${Seen}·${X}${K}`
      : `${Seen}${K}·${X}`
    : `${Seen}·${X}`
type JoinKeys<K extends string, L extends string> = K extends ''
  ? L
  : L extends `·${infer X}·${infer R}`
    ? JoinKeys<InsertSymbol<K, X>, `·${R}`>
    : L extends `·${infer X}`
      ? InsertSymbol<K, X>
      : K
const symbolsOf = (key: string): readonly string[] => key.split('·').slice(1)
const joinKeys = (key: string, other: string): string => {
  if (key === '') return other
  const symbols = [...symbolsOf(key)]
  for (const x of symbolsOf(other)) {
    const at = symbols.findIndex((y) => before(x, y))
    symbols.splice(at < 0 ? symbols.length : at, 0, x)
  }
  return symbols.map((x) => `·${x}`).join('')
}

type TimesTerm<Ts extends Terms, T extends Term, Out extends Terms = []> = Ts extends readonly [
  infer H extends Term,
  ...infer R extends Terms,
]
  ? TimesTerm<R, T, AddTerm<Out, [Multiply<H[0], T[0]>, JoinKeys<H[1], T[1]>]>>
  : Out
const timesTerm = (ts: Terms, [c, key]: Term): Terms =>
  ts.reduce<Terms>((out, [d, other]) => addTerm(out, [d * c, joinKeys(other, key)]), [])

type TimesAll<A extends Terms, B extends Terms, Out extends Terms = []> = B extends readonly [
  infer T extends Term,
  ...infer R extends Terms,
]
  ? TimesAll<A, R, AddAll<Out, TimesTerm<A, T>>>
  : Out

/** A · B */
export type ProductOf<A extends Text, B extends Text> = A extends 0 | 1
  ? [0, B][A]
  : B extends 0 | 1
    ? [0, A][B]
    : Print<TimesAll<Parse<A>, Parse<B>>>
export const productOf = (a: Text, b: Text): Text => {
  if (typeof a === 'number' && typeof b === 'number') return a * b
  if (a === 0 || b === 0) return 0
  if (a === 1 || b === 1) return a === 1 ? b : a
  return print(terms(b).reduce<Terms>((out, t) => timesTerm(terms(a), t).reduce(addTerm, out), []))
}

// ── quotient ────────────────────────────────────────────────────────────────────────────────────────────────────────
/** The symbols of `K` without those of `L`; `never` when one is missing. */
type LeaveKeys<K extends string, L extends string> = L extends `·${infer X}·${infer R}`
  ? LeaveKeys<RemoveSymbol<K, X>, `·${R}`>
  : L extends `·${infer X}`
    ? RemoveSymbol<K, X>
    : K
type RemoveSymbol<K extends string, X extends string> = `${K}·` extends `${infer P}·${X}·${infer R}`
  ? `${P}·${R}` extends `${infer Left}·`
    ? Left
    : never
  : never
const leaveKeys = (key: string, other: string): string | undefined => {
  const symbols = [...symbolsOf(key)]
  for (const x of symbolsOf(other)) {
    const at = symbols.indexOf(x)
    if (at < 0) return undefined
    symbols.splice(at, 1)
  }
  return symbols.map((x) => `·${x}`).join('')
}

/** One term by another; `never` when it does not come out. */
type DivideTerm<T extends Term, U extends Term> = [Divide<T[0], U[0]>, LeaveKeys<T[1], U[1]>] extends [infer C, infer K]
  ? [C] extends [never]
    ? never
    : [K] extends [never]
      ? never
      : [C, K]
  : never
const divideTerm = ([c, key]: Term, [d, other]: Term): Term | undefined => {
  const left = leaveKeys(key, other)
  return left === undefined || d === 0 || c % d !== 0 ? undefined : [c / d, left]
}

type SubtractTerm<Ts extends Terms, T extends Term, Seen extends Terms = []> = Ts extends readonly [
  infer H extends Term,
  ...infer R extends Terms,
]
  ? [H[1]] extends [T[1]]
    ? Subtract<H[0], T[0]> extends infer C extends number
      ? [C] extends [never]
        ? never
        : C extends 0
          ? [...Seen, ...R]
          : [...Seen, [C, H[1]], ...R]
      : never
    : SubtractTerm<R, T, [...Seen, H]>
  : never
type SubtractAll<A extends Terms, B extends Terms> = [A] extends [never]
  ? never
  : B extends readonly [infer T extends Term, ...infer R extends Terms]
    ? SubtractAll<SubtractTerm<A, T>, R>
    : A
const subtractTerm = (ts: Terms | undefined, [c, key]: Term): Terms | undefined => {
  const at = ts?.findIndex((t) => t[1] === key) ?? -1
  const head = ts?.[at]
  if (ts === undefined || head === undefined || head[0] < c) return undefined
  return head[0] === c ? ts.toSpliced(at, 1) : ts.with(at, [head[0] - c, key])
}

/** Every term by the one term of the divisor. */
type DivideEach<A extends Terms, U extends Term, Out extends Terms = []> = A extends readonly [
  infer T extends Term,
  ...infer R extends Terms,
]
  ? DivideTerm<T, U> extends infer Q extends Term
    ? [Q] extends [never]
      ? never
      : DivideEach<R, U, [...Out, Q]>
    : never
  : Out
/** Long division by several terms, first terms first; `First` is the divisor's. */
type DivideLong<A extends Terms, B extends Terms, First extends Term, Out extends Terms = []> = [A] extends [never]
  ? never
  : A extends readonly [infer T extends Term, ...Terms]
    ? DivideTerm<T, First> extends infer Q extends Term
      ? [Q] extends [never]
        ? never
        : DivideLong<SubtractAll<A, TimesTerm<B, Q>>, B, First, [...Out, Q]>
      : never
    : Out
type DivideAll<A extends Terms, B extends Terms> = B extends readonly [infer U extends Term]
  ? DivideEach<A, U>
  : B extends readonly [infer U extends Term, ...Terms]
    ? DivideLong<A, B, U>
    : never

/** A / B; `never` when it does not come out. */
export type QuotientOf<A extends Text, B extends Text> = B extends 0
  ? never
  : B extends 1
    ? A
    : A extends B
      ? 1
      : DivideAll<Parse<A>, Parse<B>> extends infer Q extends Terms
        ? [Q] extends [never]
          ? never
          : Print<Q>
        : never
const isNatural = (n: number): boolean => Number.isInteger(n) && n >= 0
/** `undefined` when it does not come out. */
export const quotientOf = (a: Text, b: Text): Text | undefined => {
  if (typeof a === 'number' && typeof b === 'number')
    return isNatural(a) && isNatural(b) && b > 0 && a % b === 0 ? a / b : undefined
  if (b === 0) return undefined
  if (b === 1) return a
  if (a === b) return 1
  const divisor = terms(b)
  const quotient: Term[] = []
  for (let rest = terms(a); rest.length > 0; ) {
    const q = divideTerm(rest[0]!, divisor[0]!)
    const left = q && timesTerm(divisor, q).reduce<Terms | undefined>(subtractTerm, rest)
    if (q === undefined || left === undefined) return undefined
    quotient.push(q)
    rest = left
  }
  return print(quotient)
}
