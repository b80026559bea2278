/**
 * Dimensions split, moved and joined by a pattern: `'b t (h d) -> b h t d'`. Every name on the left stands on the right
 * and the other way round; of the names of a bracket on the left all but one need a size.
 */
import { type Dim, type Shape, type ShapeError, showShape } from '../dim.js'
import { type DimProduct, type DimQuotient, isSize, productOf, quotientOf } from '../dims.js'
import { type Dimensions, dimensions, type Fits, type Refusal, refuse, type Show } from '../rule.js'
import {
  type Cure,
  cure,
  type Ellipses,
  type Expand,
  ellipses,
  expand,
  type Groups,
  groups,
  type Tokens,
  type Trimmed,
  tokens,
  trimmed,
  type Unnamed,
} from './notation.js'

type Sizes = Readonly<Record<string, Dim>>
type Nothing = Readonly<Record<never, never>>

/** The shape of a tensor of shape `S` rearranged by pattern `P`, with sizes of names by `Z`. */
export type Rearrange<S extends Shape, P extends string, Z> = string extends P
  ? Shape
  : number extends S['length']
    ? Shape
    : string extends keyof Z
      ? Shape
      : P extends `${infer L}->${infer R}`
        ? Written<S, Trimmed<L>, Groups<Tokens<L>>, Groups<Tokens<R>>, Z, `rearrange '${P}' cannot take ${Show<S>}`>
        : ShapeError<`rearrange '${P}' cannot take ${Show<S>}: the pattern has no ->`>

/** Both sides are lists of dimensions, and both have `...` or none. */
type Written<S extends Shape, Side extends string, L, R, Z, Text extends string> = L extends string[][]
  ? R extends string[][]
    ? [Ellipses<L>, Ellipses<R>] extends [[], []]
      ? L['length'] extends S['length']
        ? Moved<S, L, R, Z, Text>
        : ShapeError<`${Text}: '${Side}' names ${Dimensions<L['length']>}, it has ${S['length']}${Cure<Side>}`>
      : [Ellipses<L>, Ellipses<R>] extends [['...'], ['...']]
        ? Unnamed<L, S> extends infer Rest extends Shape
          ? [Rest] extends [never]
            ? ShapeError<`${Text}: '${Side}' names more dimensions than the ${S['length']} it has`>
            : Moved<S, Expand<L, Rest>, Expand<R, Rest>, Z, Text>
          : never
        : ShapeError<`${Text}: ... must stand once on either side`>
    : ShapeError<`${Text}: on the right, ${R & string}`>
  : ShapeError<`${Text}: on the left, ${L & string}`>

type Moved<S extends Shape, L extends string[][], R extends string[][], Z, Text extends string> =
  Split<S, L, Z, Text> extends infer B
    ? B extends Sizes
      ? [Exclude<keyof Z, keyof B>] extends [never]
        ? Joined<L, R, B, keyof B & string, Text>
        : Unheard<Exclude<keyof Z, keyof B> & string, Text>
      : B
    : never
type Unheard<Names extends string, Text extends string> =
  IsUnion<Names> extends true
    ? ShapeError<`${Text}: sizes are given for names that the left does not have`>
    : ShapeError<`${Text}: a size is given for ${Names}, which the left does not name`>
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never

/** The size of every name on the left. */
type Split<S extends Shape, L extends string[][], Z, Text extends string, B extends Sizes = Nothing> = L extends [
  infer G extends string[],
  ...infer Gs extends string[][],
]
  ? S extends readonly [infer D extends Dim, ...infer Ds extends Shape]
    ? Sized<D, G, Z, keyof B, Text> extends infer More
      ? More extends Sizes
        ? Split<Ds, Gs, Z, Text, B & More>
        : More
      : never
    : never
  : { [K in keyof B]: B[K] }
/** The sizes of the names that make up the dim `D`; one may be unknown. `Bound` are the names before. */
type Sized<D extends Dim, G extends string[], Z, Bound, Text extends string> = [Twice<G, Bound>] extends [never]
  ? Lacking<G, Z> extends infer U extends string[]
    ? U extends [infer A extends string, infer B extends string, ...unknown[]]
      ? ShapeError<`${Text}: give the size of ${A} or ${B}`>
      : Given<G, Z> extends infer N extends Dim
        ? U extends [infer A extends string]
          ? By<D, N> extends infer Q extends Dim
            ? [Q] extends [never]
              ? ShapeError<`${Text}: ${D} does not split into ${Listed<G, Z>}`>
              : { [K in A]: Q } & Chosen<Z, G[number]>
            : never
          : [N] extends [never]
            ? ShapeError<`${Text}: ${D} does not split into ${Listed<G, Z>}`>
            : Fits<D, N> extends true
              ? Chosen<Z, G[number]>
              : ShapeError<`${Text}: ${D} does not split into ${Listed<G, Z>}`>
        : never
    : never
  : ShapeError<`${Text}: ${Twice<G, Bound>} is named twice`>
type Chosen<Z, K> = { [N in K & keyof Z]: Z[N] & Dim }
/** The first name that was bound before or stands twice in the group. */
type Twice<G extends string[], Bound> = G extends [infer A extends string, ...infer R extends string[]]
  ? A extends Bound
    ? A
    : Twice<R, Bound | A>
  : never
type Lacking<G extends string[], Z, Out extends string[] = []> = G extends [
  infer A extends string,
  ...infer R extends string[],
]
  ? Lacking<R, Z, A extends keyof Z ? Out : [...Out, A]>
  : Out
/** The product of the sizes that are known. */
type Given<G extends string[], Z, Out extends Dim = 1> = G extends [infer A extends string, ...infer R extends string[]]
  ? Given<R, Z, A extends keyof Z ? Times<Out, Z[A] & Dim> : Out>
  : Out
/** The product; digits are spared where there is nothing to multiply. */
type Times<A extends Dim, B extends Dim> = A extends 1 ? B : DimProduct<A, B>
/** The quotient; digits are spared where there is nothing to divide. */
type By<A extends Dim, B extends Dim> = B extends 1 ? A : DimQuotient<A, B>
/** `h = 8, d = 64`; `1` of no names. */
type Listed<G extends string[], Z, Out extends string = ''> = G extends [
  infer A extends string,
  ...infer R extends string[],
]
  ? Listed<
      R,
      Z,
      A extends keyof Z
        ? (Out extends '' ? '' : `${Out}, `) extends infer O extends string
          ? `${O}${A} = ${Z[A] & Dim}`
          : never
        : Out
    >
  : Out extends ''
    ? '1'
    : Out

/** The dims on the right; `Left` are the names not yet used. */
type Joined<
  L extends string[][],
  R extends string[][],
  B extends Sizes,
  Left extends string,
  Text extends string,
  Out extends Dim[] = [],
> = R extends [infer G extends string[], ...infer Gs extends string[][]]
  ? [Unusable<G, Left>] extends [never]
    ? Joined<L, Gs, B, Exclude<Left, G[number]>, Text, [...Out, Given<G, B>]>
    : Unusable<G, Left> extends keyof B
      ? ShapeError<`${Text}: ${Unusable<G, Left>} is named twice`>
      : ShapeError<`${Text}: ${Unusable<G, Left>} stands on the right only`>
  : [Left] extends [never]
    ? Out
    : ShapeError<`${Text}: ${FirstOf<L, Left>} stands on the left only`>
type Unusable<G extends string[], Left extends string> = G extends [infer A extends string, ...infer R extends string[]]
  ? A extends Left
    ? Unusable<R, Exclude<Left, A>>
    : A
  : never
/** The first name of the groups that is one of `Names`. */
type FirstOf<L extends string[][], Names extends string> = L extends [
  infer G extends string[],
  ...infer R extends string[][],
]
  ? G extends [infer A extends string, ...infer As extends string[]]
    ? A extends Names
      ? A
      : FirstOf<[As, ...R], Names>
    : FirstOf<R, Names>
  : never

/** What a rearrangement does: the left shape with its groups split, the order of the names, the shape that comes out. */
export interface Rearrangement {
  readonly split: Shape
  readonly permutation: readonly number[]
  readonly shape: Shape
}

export const rearrangeRule = (input: Shape, pattern: string, given: Sizes): Rearrangement | Refusal => {
  const text = `rearrange '${pattern}' cannot take ${showShape(input)}`
  const arrow = pattern.indexOf('->')
  if (arrow < 0) return refuse(`${text}: the pattern has no ->`)
  const side = trimmed(pattern.slice(0, arrow))
  const [left, right] = [groups(tokens(side)), groups(tokens(pattern.slice(arrow + 2)))]
  if (typeof left === 'string') return refuse(`${text}: on the left, ${left}`)
  if (typeof right === 'string') return refuse(`${text}: on the right, ${right}`)
  const dots = ellipses(left)
  if (dots > 1 || ellipses(right) !== dots) return refuse(`${text}: ... must stand once on either side`)
  const unnamed = input.length - left.length + dots
  if (dots === 0 && unnamed !== 0)
    return refuse(`${text}: '${side}' names ${dimensions(left.length)}, it has ${input.length}${cure(side)}`)
  if (unnamed < 0) return refuse(`${text}: '${side}' names more dimensions than the ${input.length} it has`)
  const [from, to] = [expand(left, unnamed), expand(right, unnamed)]

  const sizes = new Map<string, Dim>()
  const isGiven = (name: string) => Object.hasOwn(given, name)
  for (const [i, group] of from.entries()) {
    const dim = input[i] as Dim
    const twice = group.find((name, at) => sizes.has(name) || group.indexOf(name) < at)
    if (twice !== undefined) return refuse(`${text}: ${twice} is named twice`)
    const known = group.filter(isGiven)
    const [unknown, another] = group.filter((name) => !isGiven(name))
    if (another !== undefined) return refuse(`${text}: give the size of ${unknown} or ${another}`)
    const product = known.reduce<Dim>((n, name) => productOf(n, given[name] as Dim), 1)
    const quotient = quotientOf(dim, product)
    const isBroken = known.some((name) => !isSize(given[name] as Dim))
    if (isBroken || quotient === undefined || (unknown === undefined && dim !== product)) {
      const listed = known.map((name) => `${name} = ${given[name]}`).join(', ') || '1'
      return refuse(`${text}: ${dim} does not split into ${listed}`)
    }
    for (const name of known) sizes.set(name, given[name] as Dim)
    if (unknown !== undefined) sizes.set(unknown, quotient)
  }
  const [unheard, more] = Object.keys(given).filter((name) => !sizes.has(name))
  if (more !== undefined) return refuse(`${text}: sizes are given for names that the left does not have`)
  if (unheard !== undefined) return refuse(`${text}: a size is given for ${unheard}, which the left does not name`)

  const [names, order] = [from.flat(), to.flat()]
  const unusable = order.find((name, at) => !sizes.has(name) || order.indexOf(name) < at)
  if (unusable !== undefined)
    return refuse(`${text}: ${unusable} ${sizes.has(unusable) ? 'is named twice' : 'stands on the right only'}`)
  const unused = names.find((name) => !order.includes(name))
  if (unused !== undefined) return refuse(`${text}: ${unused} stands on the left only`)
  return {
    split: names.map((name) => sizes.get(name) as Dim),
    permutation: order.map((name) => names.indexOf(name)),
    shape: to.map((group) => group.reduce<Dim>((n, name) => productOf(n, sizes.get(name) as Dim), 1)),
  }
}
