/**
 * Arithmetic on literal dims at compile time, by the school method on decimal digits. Numbers are texts of digits with the
 * least significant first and without zeros at the end (0 is the empty text), so that each step takes one character off.
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
/** Row y, column x: the two digits of x · y. */
interface Times {
  '2': ['00', '02', '04', '06', '08', '10', '12', '14', '16', '18']
  '3': ['00', '03', '06', '09', '12', '15', '18', '21', '24', '27']
  '4': ['00', '04', '08', '12', '16', '20', '24', '28', '32', '36']
  '5': ['00', '05', '10', '15', '20', '25', '30', '35', '40', '45']
  '6': ['00', '06', '12', '18', '24', '30', '36', '42', '48', '54']
  '7': ['00', '07', '14', '21', '28', '35', '42', '49', '56', '63']
  '8': ['00', '08', '16', '24', '32', '40', '48', '56', '64', '72']
  '9': ['00', '09', '18', '27', '36', '45', '54', '63', '72', '81']
}
/** A digit and the carry, as a column. */
interface Column {
  '0': { '0': 0; '1': 1; '2': 2; '3': 3; '4': 4; '5': 5; '6': 6; '7': 7; '8': 8; '9': 9 }
  '1': { '0': 1; '1': 2; '2': 3; '3': 4; '4': 5; '5': 6; '6': 7; '7': 8; '8': 9; '9': 10 }
}
/** A digit and a carry, as a digit. The greatest that carries is 8. */
interface Carried {
  '0': { '0': '0'; '1': '1'; '2': '2'; '3': '3'; '4': '4'; '5': '5'; '6': '6'; '7': '7'; '8': '8'; '9': '9' }
  '1': { '0': '1'; '1': '2'; '2': '3'; '3': '4'; '4': '5'; '5': '6'; '6': '7'; '7': '8'; '8': '9'; '9': '9' }
}
type Digit = keyof Plus
type Carry = keyof Column

type Reversed<S extends string, Out extends string = ''> = S extends `${infer D extends Digit}${infer R}`
  ? Reversed<R, `${D}${Out}`>
  : S extends ''
    ? Out
    : never
/** `never` for what is no natural number. */
type DigitsOf<N extends number> = N extends 0 ? '' : Reversed<`${N}`>
type Trim<A extends string> = A extends `${infer R}0` ? Trim<R> : A
type NumberOf<A extends string> = [A] extends [never]
  ? never
  : Trim<A> extends infer T extends string
    ? T extends ''
      ? 0
      : Reversed<T> extends `${infer N extends number}`
        ? N
        : never
    : never

type Sum<A extends string, B extends string, C extends Carry = '0', Out extends string = ''> = A extends ''
  ? C extends '0'
    ? `${Out}${B}`
    : Sum<'1', B, '0', Out>
  : B extends ''
    ? C extends '0'
      ? `${Out}${A}`
      : Sum<A, '1', '0', Out>
    : A extends `${infer X extends Digit}${infer As}`
      ? B extends `${infer Y extends Digit}${infer Bs}`
        ? Plus[X][Column[C][Y]] extends `${infer Next extends Carry}${infer D}`
          ? Sum<As, Bs, Next, `${Out}${D}`>
          : never
        : never
      : never

/** A − B, or `never` when B is greater. */
type Difference<A extends string, B extends string, C extends Carry = '0', Out extends string = ''> = B extends ''
  ? C extends '0'
    ? `${Out}${A}`
    : Difference<A, '1', '0', Out>
  : A extends `${infer X extends Digit}${infer As}`
    ? B extends `${infer Y extends Digit}${infer Bs}`
      ? Minus[X][Column[C][Y]] extends `${infer Next extends Carry}${infer D}`
        ? Difference<As, Bs, Next, `${Out}${D}`>
        : never
      : never
    : never

/** A · Y for one digit Y. */
type TimesDigit<A extends string, Y extends Digit> = Y extends '0'
  ? ''
  : Y extends '1'
    ? A
    : TimesRow<A, Y & keyof Times>
type TimesRow<
  A extends string,
  Y extends keyof Times,
  C extends Digit = '0',
  Out extends string = '',
> = A extends `${infer X extends Digit}${infer R}`
  ? Times[Y][X] extends `${infer H extends Digit}${infer L extends Digit}`
    ? Plus[L][C] extends `${infer Next extends Carry}${infer D}`
      ? TimesRow<R, Y, Carried[Next][H], `${Out}${D}`>
      : never
    : never
  : C extends '0'
    ? Out
    : `${Out}${C}`
/** B is written as usual, its most significant digit first: out ← 10·out + A·digit. */
type Product<
  A extends string,
  B extends string,
  Out extends string = '',
> = B extends `${infer Y extends Digit}${infer R}`
  ? Product<A, R, Sum<TimesDigit<A, Y>, Out extends '' ? '' : `0${Out}`>>
  : B extends ''
    ? Out
    : never

interface Quotient {
  /** The most significant first, with zeros in front. */
  readonly digits: string
  readonly remainder: string
}
/** How often B goes into A (at most nine times), and what is left: `[times, rest]`. */
type Goes<A extends string, B extends string> =
  Difference<A, B> extends infer D extends string
    ? [D] extends [never]
      ? ['0', A]
      : Difference<D, TimesDigit<B, '4'>> extends infer E extends string
        ? [E] extends [never]
          ? GoesOn<Trim<D>, B, '1'>
          : GoesOn<Trim<E>, B, '5'>
        : never
    : never
interface After {
  '1': '2'
  '2': '3'
  '3': '4'
  '5': '6'
  '6': '7'
  '7': '8'
  '8': '9'
}
/** It went N times, and can go four times more at most. */
type GoesOn<A extends string, B extends string, N extends string> = N extends keyof After
  ? Difference<A, B> extends infer D extends string
    ? [D] extends [never]
      ? [N, A]
      : GoesOn<Trim<D>, B, After[N]>
    : never
  : [N, A]
/** Long division: the digits of A, written as usual, are brought down one by one. */
type Divided<
  A extends string,
  B extends string,
  R extends string = '',
  Out extends string = '',
> = A extends `${infer D extends Digit}${infer Rest}`
  ? Goes<Trim<`${D}${R}`>, B> extends [infer Q extends string, infer Left extends string]
    ? Divided<Rest, B, Left, `${Out}${Q}`>
    : never
  : A extends ''
    ? { readonly digits: Out; readonly remainder: R }
    : never

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
  Unknown<A, B> extends true ? number : NumberOf<Product<DigitsOf<A>, `${B}`>>

/** `never` when B is 0. */
type DivideDigits<A extends number, B extends number> = B extends 0
  ? never
  : Divided<`${A}`, DigitsOf<B>> extends infer Q extends Quotient
    ? Q
    : never
/** ⌊A / B⌋ */
export type FloorDivide<A extends number, B extends number> =
  Unknown<A, B> extends true ? number : NumberOf<Reversed<DivideDigits<A, B>['digits']>>
/** A mod B */
export type Modulo<A extends number, B extends number> =
  Unknown<A, B> extends true ? number : NumberOf<DivideDigits<A, B>['remainder']>
/** A / B; `never` when B does not divide A. */
export type Divide<A extends number, B extends number> =
  Unknown<A, B> extends true
    ? number
    : DivideDigits<A, B> extends { readonly digits: infer Q extends string; readonly remainder: '' }
      ? NumberOf<Reversed<Q>>
      : never
/** ⌈A / B⌉ */
export type CeilDivide<A extends number, B extends number> =
  Unknown<A, B> extends true
    ? number
    : DivideDigits<A, B> extends { readonly digits: infer Q extends string; readonly remainder: infer R }
      ? R extends ''
        ? NumberOf<Reversed<Q>>
        : NumberOf<Sum<Reversed<Q>, '1'>>
      : never
/** The least multiple of B that is not below A. */
export type RoundUp<A extends number, B extends number> =
  CeilDivide<A, B> extends infer Q extends number ? ([Q] extends [never] ? never : Multiply<Q, B>) : never

/** ⌊A · 2/3 + ½⌋ */
type TwoThirds<A extends number> =
  DivideDigits<Multiply<A, 2>, 3> extends { readonly digits: infer Q extends string; readonly remainder: infer R }
    ? R extends '2'
      ? NumberOf<Sum<Reversed<Q>, '1'>>
      : NumberOf<Reversed<Q>>
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
