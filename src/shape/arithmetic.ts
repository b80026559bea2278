/**
 * Arithmetic on literal dims at compile time, by the school method on decimal digits (least significant first).
 * `number` in gives `number` out: what is only known at run time is checked at run time.
 * A result that is no natural number (5 − 7) is `never`.
 */

/** Row x, column y: carry and digit of x + y. Column 10 is for 9 and a carry. */
interface Plus {
  '0': ['00', '01', '02', '03', '04', '05', '06', '07', '08', '09', '10']
  '1': ['01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11']
  '2': ['02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12']
  '3': ['03', '04', '05', '06', '07', '08', '09', '10', '11', '12', '13']
  '4': ['04', '05', '06', '07', '08', '09', '10', '11', '12', '13', '14']
  '5': ['05', '06', '07', '08', '09', '10', '11', '12', '13', '14', '15']
  '6': ['06', '07', '08', '09', '10', '11', '12', '13', '14', '15', '16']
  '7': ['07', '08', '09', '10', '11', '12', '13', '14', '15', '16', '17']
  '8': ['08', '09', '10', '11', '12', '13', '14', '15', '16', '17', '18']
  '9': ['09', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19']
}
/** Row x, column y: borrow and digit of x − y. */
interface Minus {
  '0': ['00', '19', '18', '17', '16', '15', '14', '13', '12', '11', '10']
  '1': ['01', '00', '19', '18', '17', '16', '15', '14', '13', '12', '11']
  '2': ['02', '01', '00', '19', '18', '17', '16', '15', '14', '13', '12']
  '3': ['03', '02', '01', '00', '19', '18', '17', '16', '15', '14', '13']
  '4': ['04', '03', '02', '01', '00', '19', '18', '17', '16', '15', '14']
  '5': ['05', '04', '03', '02', '01', '00', '19', '18', '17', '16', '15']
  '6': ['06', '05', '04', '03', '02', '01', '00', '19', '18', '17', '16']
  '7': ['07', '06', '05', '04', '03', '02', '01', '00', '19', '18', '17']
  '8': ['08', '07', '06', '05', '04', '03', '02', '01', '00', '19', '18']
  '9': ['09', '08', '07', '06', '05', '04', '03', '02', '01', '00', '19']
}
/** A digit and the carry, as a column. */
interface Column {
  '0': { '0': 0; '1': 1; '2': 2; '3': 3; '4': 4; '5': 5; '6': 6; '7': 7; '8': 8; '9': 9 }
  '1': { '0': 1; '1': 2; '2': 3; '3': 4; '4': 5; '5': 6; '6': 7; '7': 8; '8': 9; '9': 10 }
}
type Digit = keyof Plus
type Carry = keyof Column
type Digits = readonly Digit[]

type Reversed<S extends string, Acc extends Digits = []> = S extends `${infer D extends Digit}${infer R}`
  ? Reversed<R, [D, ...Acc]>
  : S extends ''
    ? Acc
    : never
type DigitsOf<N extends number> = Reversed<`${N}`>
/** Without leading zeros (they stand at the end). */
type Trim<A extends Digits> = A extends readonly [...infer R extends Digits, '0'] ? Trim<R> : A
type Join<A extends Digits, S extends string = ''> = A extends readonly [
  infer D extends Digit,
  ...infer R extends Digits,
]
  ? Join<R, `${D}${S}`>
  : S
type NumberOf<A extends Digits> = [A] extends [never]
  ? never
  : Trim<A> extends infer T extends Digits
    ? T extends readonly []
      ? 0
      : Join<T> extends `${infer N extends number}`
        ? N
        : never
    : never

type First<A extends Digits> = A extends readonly [infer X extends Digit, ...Digits] ? X : '0'
type Rest<A extends Digits> = A extends readonly [Digit, ...infer R extends Digits] ? R : []

type Sum<A extends Digits, B extends Digits, C extends Carry = '0', Out extends Digits = []> = [A, B] extends [
  readonly [],
  readonly [],
]
  ? C extends '0'
    ? Out
    : [...Out, '1']
  : Plus[First<A>][Column[C][First<B>]] extends `${infer Next extends Carry}${infer D extends Digit}`
    ? Sum<Rest<A>, Rest<B>, Next, [...Out, D]>
    : never

/** A − B, or `never` when B is greater. */
type Difference<A extends Digits, B extends Digits, C extends Carry = '0', Out extends Digits = []> = [A, B] extends [
  readonly [],
  readonly [],
]
  ? C extends '0'
    ? Out
    : never
  : Minus[First<A>][Column[C][First<B>]] extends `${infer Next extends Carry}${infer D extends Digit}`
    ? Difference<Rest<A>, Rest<B>, Next, [...Out, D]>
    : never

interface Before {
  '1': '0'
  '2': '1'
  '3': '2'
  '4': '3'
  '5': '4'
  '6': '5'
  '7': '6'
  '8': '7'
  '9': '8'
}
type Times<A extends Digits, N extends Digit, Out extends Digits = []> = N extends keyof Before
  ? Times<A, Before[N], Sum<Out, A>>
  : Out
/** B's digits from the most significant on: out ← 10·out + A·digit. */
type Product<A extends Digits, B extends Digits, Out extends Digits = []> = B extends readonly [
  ...infer Bs extends Digits,
  infer Y extends Digit,
]
  ? Product<A, Bs, Sum<Times<A, Y>, ['0', ...Out]>>
  : Out

interface Quotient {
  readonly digits: Digits
  readonly remainder: Digits
}
interface After {
  '0': '1'
  '1': '2'
  '2': '3'
  '3': '4'
  '4': '5'
  '5': '6'
  '6': '7'
  '7': '8'
  '8': '9'
  '9': '9'
}
/** How often B goes into A (at most nine times), and what is left. */
type Goes<A extends Digits, B extends Digits, N extends Digit = '0'> =
  Difference<A, B> extends infer D extends Digits
    ? [D] extends [never]
      ? { digit: N; remainder: A }
      : Goes<D, B, After[N]>
    : never
/** Long division: digits of A are brought down from the most significant on. */
type Divided<A extends Digits, B extends Digits, R extends Digits = [], Out extends Digits = []> = A extends readonly [
  ...infer Rest extends Digits,
  infer D extends Digit,
]
  ? Goes<[D, ...R], B> extends { digit: infer Q extends Digit; remainder: infer Left extends Digits }
    ? Divided<Rest, B, Trim<Left>, [Q, ...Out]>
    : never
  : { readonly digits: Out; readonly remainder: R }

/** Whether either is known only at run time. */
type Unknown<A extends number, B extends number> = number extends A ? true : number extends B ? true : false

/** A + B */
export type Add<A extends number, B extends number> =
  Unknown<A, B> extends true ? number : NumberOf<Sum<DigitsOf<A>, DigitsOf<B>>>
/** A − B; `never` when negative. */
export type Subtract<A extends number, B extends number> =
  Unknown<A, B> extends true ? number : NumberOf<Difference<DigitsOf<A>, DigitsOf<B>>>
/** A · B */
export type Multiply<A extends number, B extends number> =
  Unknown<A, B> extends true ? number : NumberOf<Product<DigitsOf<A>, DigitsOf<B>>>

/** `never` when B is 0. */
type DivideDigits<A extends number, B extends number> = B extends 0
  ? never
  : Divided<DigitsOf<A>, DigitsOf<B>> extends infer Q extends Quotient
    ? Q
    : never
/** ⌊A / B⌋ */
export type FloorDivide<A extends number, B extends number> =
  Unknown<A, B> extends true ? number : NumberOf<DivideDigits<A, B>['digits']>
/** A mod B */
export type Modulo<A extends number, B extends number> =
  Unknown<A, B> extends true ? number : NumberOf<DivideDigits<A, B>['remainder']>
/** A / B; `never` when B does not divide A. */
export type Divide<A extends number, B extends number> =
  Unknown<A, B> extends true
    ? number
    : DivideDigits<A, B> extends { readonly digits: infer Q extends Digits; readonly remainder: infer R extends Digits }
      ? Trim<R> extends readonly []
        ? NumberOf<Q>
        : never
      : never
/** ⌈A / B⌉ */
export type CeilDivide<A extends number, B extends number> =
  Unknown<A, B> extends true
    ? number
    : DivideDigits<A, B> extends { readonly digits: infer Q extends Digits; readonly remainder: infer R extends Digits }
      ? Trim<R> extends readonly []
        ? NumberOf<Q>
        : NumberOf<Sum<Q, ['1']>>
      : never
/** The least multiple of B that is not below A. */
export type RoundUp<A extends number, B extends number> = Multiply<CeilDivide<A, B>, B>

/** ⌊A · 2/3 + ½⌋ */
type TwoThirds<A extends number> =
  DivideDigits<Multiply<A, 2>, 3> extends {
    readonly digits: infer Q extends Digits
    readonly remainder: infer R extends Digits
  }
    ? R extends readonly ['2']
      ? NumberOf<Sum<Q, ['1']>>
      : NumberOf<Q>
    : never
/** Width of SwiGLU: `roundUp(round(expansion · D · 2/3), 256)`; a broken expansion is left to run time. */
export type SwigluWidth<D extends number, E extends number> =
  Unknown<D, E> extends true
    ? number
    : `${E}` extends `${string}.${string}`
      ? number
      : RoundUp<TwoThirds<Multiply<D, E>>, 256>

/** Run-time mirror of `SwigluWidth`; halves round to even, as in the published code. */
export const swigluWidth = (hidden: number, expansion: number): number => {
  const exact = (expansion * hidden * 2) / 3
  const rounded = exact % 1 === 0.5 ? 2 * Math.round(exact / 2) : Math.round(exact)
  return Math.ceil(rounded / 256) * 256
}
