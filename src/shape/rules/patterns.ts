/**
 * Shapes by pattern, in einops' notation: names separated by blanks; `(h d)` is one dimension made of several, `1` a
 * dimension of size 1, `...` all the dimensions not named. `'b t (h d) -> b h t d'` splits, moves and joins;
 * `'b t d, d v -> b t v'` multiplies and sums over what the output does not name (Einstein's convention).
 */
import { type Dim, type Shape, type ShapeError, sameShape, showShape } from '../dim.js'
import { type DimProduct, type DimQuotient, productOf, quotientOf } from '../dims.js'
import { type Fits, fits, type IsKnown, type Refusal, refuse, type SameShape, type Show } from '../rule.js'

// ── notation ────────────────────────────────────────────────────────────────────────────────────────────────────────
type Words<S extends string, Out extends string[] = []> = S extends `${infer A} ${infer R}`
  ? Words<R, A extends '' ? Out : [...Out, A]>
  : S extends ''
    ? Out
    : [...Out, S]

/** A side of a pattern as dimensions, each a list of names; `never` when its brackets do not match. */
type Groups<
  Ws extends readonly string[],
  Out extends string[][] = [],
  Open extends string[] | undefined = undefined,
> = Ws extends readonly [infer W extends string, ...infer R extends string[]]
  ? W extends `(${infer X}`
    ? Open extends string[]
      ? never
      : Groups<X extends '' ? R : [X, ...R], Out, []>
    : W extends `${infer X})`
      ? Open extends string[]
        ? Groups<R, [...Out, X extends '' | '1' ? Open : [...Open, X]], undefined>
        : never
      : Open extends string[]
        ? Groups<R, Out, W extends '1' ? Open : [...Open, W]>
        : Groups<R, [...Out, W extends '1' ? [] : [W]], undefined>
  : Open extends string[]
    ? never
    : Out

const words = (side: string): readonly string[] => side.split(' ').filter((w) => w !== '')

/** `undefined` when the brackets do not match. */
const groupsOf = (side: string): readonly (readonly string[])[] | undefined => {
  const out: string[][] = []
  let open: string[] | undefined
  for (let word of words(side)) {
    if (word.startsWith('(')) {
      if (open !== undefined) return undefined
      open = []
      word = word.slice(1)
      if (word === '') continue
    }
    const closes = word.endsWith(')')
    const name = closes ? word.slice(0, -1) : word
    const names = name === '' || name === '1' ? [] : [name]
    if (closes && open === undefined) return undefined
    if (open === undefined) out.push(names)
    else open.push(...names)
    if (closes) {
      out.push(open as string[])
      open = undefined
    }
  }
  return open === undefined ? out : undefined
}

// ── the dimensions that `...` stands for ────────────────────────────────────────────────────────────────────────────
/** The dims of `S` that are not named, when `Gs` has an ellipsis; `never` when there are too few. */
type Unnamed<Gs extends readonly unknown[], S extends Shape> = Gs extends readonly [unknown, ...infer R]
  ? S extends readonly [...{ [K in keyof R]: Dim }, ...infer Rest extends Shape]
    ? Rest
    : never
  : never
/** Every `...` replaced by as many names of its own, `.0`, `.1`… */
type Expand<Gs extends readonly string[][], Rest extends Shape, Out extends string[][] = []> = Gs extends readonly [
  infer G extends string[],
  ...infer R extends string[][],
]
  ? Expand<R, Rest, G extends ['...'] ? [...Out, ...OwnNames<Rest>] : [...Out, G]>
  : Out
type OwnNames<Rest extends Shape, Out extends string[][] = []> = Rest extends readonly [
  unknown,
  ...infer R extends Shape,
]
  ? OwnNames<R, [...Out, [`.${Out['length']}`]]>
  : Out
type HasEllipsis<Gs extends readonly string[][]> = ['...'] extends Gs[number] ? true : false

const isEllipsis = (group: readonly string[]): boolean => group.length === 1 && group[0] === '...'
const expand = (groups: readonly (readonly string[])[], unnamed: number): readonly (readonly string[])[] =>
  groups.flatMap((group) => (isEllipsis(group) ? Array.from({ length: unnamed }, (_, i) => [`.${i}`]) : [group]))

// ── rearrange ───────────────────────────────────────────────────────────────────────────────────────────────────────
type Sizes = Readonly<Record<string, Dim>>
type Nothing = Readonly<Record<never, never>>

/** The shape of a tensor of shape `S` rearranged by pattern `P`, with sizes of names by `Z`. */
export type Rearrange<S extends Shape, P extends string, Z> = string extends P
  ? Shape
  : number extends S['length']
    ? Shape
    : P extends `${infer L}->${infer R}`
      ? Rearranged<S, Groups<Words<L>>, Groups<Words<R>>, Z, `rearrange '${P}' cannot take ${Show<S>}`>
      : ShapeError<`rearrange '${P}' cannot take ${Show<S>}: the pattern has no ->`>

type Rearranged<S extends Shape, L extends string[][], R extends string[][], Z, Text extends string> = [L] extends [
  never,
]
  ? ShapeError<`${Text}: the brackets on the left do not match`>
  : [R] extends [never]
    ? ShapeError<`${Text}: the brackets on the right do not match`>
    : HasEllipsis<L> extends true
      ? Unnamed<L, S> extends infer Rest extends Shape
        ? [Rest] extends [never]
          ? ShapeError<`${Text}: the pattern names more dimensions than the ${S['length']} it has`>
          : Moved<S, Expand<L, Rest>, Expand<R, Rest>, Z, Text>
        : never
      : L['length'] extends S['length']
        ? Moved<S, L, R, Z, Text>
        : ShapeError<`${Text}: the pattern names ${L['length']} dimensions, it has ${S['length']}`>

type Moved<S extends Shape, L extends string[][], R extends string[][], Z, Text extends string> =
  Split<S, L, Z, Text> extends infer B
    ? B extends Sizes
      ? [Exclude<keyof Z, keyof B>] extends [never]
        ? Joined<R, B, keyof B & string, Text>
        : ShapeError<`${Text}: no dimension is named ${Exclude<keyof Z, keyof B> & string}`>
      : B
    : never

/** The size of every name on the left. */
type Split<S extends Shape, L extends string[][], Z, Text extends string, B extends Sizes = Nothing> = L extends [
  infer G extends string[],
  ...infer Gs extends string[][],
]
  ? S extends readonly [infer D extends Dim, ...infer Ds extends Shape]
    ? Sized<D, G, Z, B, Text> extends infer More
      ? More extends Sizes
        ? Split<Ds, Gs, Z, Text, B & More>
        : More
      : never
    : never
  : { [K in keyof B]: B[K] }
/** The sizes of the names that make up the dim `D`; one may be unknown. */
type Sized<D extends Dim, G extends string[], Z, B, Text extends string> =
  Twice<G, keyof B> extends infer T extends string
    ? [T] extends [never]
      ? Lacking<G, Z> extends infer U extends string[]
        ? U extends [infer A extends string, infer _, ...unknown[]]
          ? ShapeError<`${Text}: give the size of ${A}`>
          : U extends [infer A extends string]
            ? DimQuotient<D, Given<G, Z>> extends infer Q extends Dim
              ? [Q] extends [never]
                ? ShapeError<`${Text}: ${D} does not divide by ${Given<G, Z>}`>
                : { [K in A]: Q } & Chosen<Z, G[number]>
              : never
            : Fits<D, Given<G, Z>> extends true
              ? Chosen<Z, G[number]>
              : ShapeError<`${Text}: a dimension is ${D}, the pattern makes it ${Given<G, Z>}`>
        : never
      : ShapeError<`${Text}: ${T} is named twice`>
    : never
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
type Given<G extends string[], Z, Out extends Dim = 1> = G extends [infer A extends string, ...infer R extends string[]]
  ? Given<R, Z, A extends keyof Z ? DimProduct<Out, Z[A] & Dim> : Out>
  : Out

/** The dims on the right; `Left` are the names not yet used. */
type Joined<
  R extends string[][],
  B extends Sizes,
  Left extends string,
  Text extends string,
  Out extends Dim[] = [],
> = R extends [infer G extends string[], ...infer Gs extends string[][]]
  ? [Unusable<G, Left>] extends [never]
    ? Joined<Gs, B, Exclude<Left, G[number]>, Text, [...Out, Given<G, B>]>
    : Unusable<G, Left> extends keyof B
      ? ShapeError<`${Text}: ${Unusable<G, Left>} is named twice`>
      : ShapeError<`${Text}: ${Unusable<G, Left>} stands on the right only`>
  : [Left] extends [never]
    ? Out
    : ShapeError<`${Text}: ${Left} stands on the left only`>
type Unusable<G extends string[], Left extends string> = G extends [infer A extends string, ...infer R extends string[]]
  ? A extends Left
    ? Unusable<R, Exclude<Left, A>>
    : A
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
  const [left, right] = [groupsOf(pattern.slice(0, arrow)), groupsOf(pattern.slice(arrow + 2))]
  if (left === undefined) return refuse(`${text}: the brackets on the left do not match`)
  if (right === undefined) return refuse(`${text}: the brackets on the right do not match`)
  const unnamed = left.some(isEllipsis) ? input.length - (left.length - 1) : 0
  if (unnamed < 0) return refuse(`${text}: the pattern names more dimensions than the ${input.length} it has`)
  const [from, to] = [expand(left, unnamed), expand(right, unnamed)]
  if (from.length !== input.length)
    return refuse(`${text}: the pattern names ${left.length} dimensions, it has ${input.length}`)

  const sizes: Record<string, Dim> = {}
  for (const [i, group] of from.entries()) {
    const dim = input[i] as Dim
    const twice = group.find((name, at) => name in sizes || group.indexOf(name) < at)
    if (twice !== undefined) return refuse(`${text}: ${twice} is named twice`)
    const [unknown, another] = group.filter((name) => !(name in given))
    if (another !== undefined) return refuse(`${text}: give the size of ${unknown}`)
    const known = group.reduce<Dim>((product, name) => productOf(product, given[name] ?? 1), 1)
    for (const name of group) if (name in given) sizes[name] = given[name] as Dim
    if (unknown === undefined) {
      if (dim !== known) return refuse(`${text}: a dimension is ${dim}, the pattern makes it ${known}`)
    } else {
      const quotient = quotientOf(dim, known)
      if (quotient === undefined) return refuse(`${text}: ${dim} does not divide by ${known}`)
      sizes[unknown] = quotient
    }
  }
  const unheard = Object.keys(given).find((name) => !(name in sizes))
  if (unheard !== undefined) return refuse(`${text}: no dimension is named ${unheard}`)

  const names = from.flat()
  const order = to.flat()
  const unusable = order.find((name, at) => !(name in sizes) || order.indexOf(name) < at)
  if (unusable !== undefined)
    return refuse(`${text}: ${unusable} ${unusable in sizes ? 'is named twice' : 'stands on the right only'}`)
  const left1 = names.find((name) => !order.includes(name))
  if (left1 !== undefined) return refuse(`${text}: ${left1} stands on the left only`)
  const product = (group: readonly string[]): Dim => group.reduce<Dim>((n, name) => productOf(n, sizes[name] as Dim), 1)
  return {
    split: names.map((name) => sizes[name] as Dim),
    permutation: order.map((name) => names.indexOf(name)),
    shape: to.map(product),
  }
}

// ── einsum ──────────────────────────────────────────────────────────────────────────────────────────────────────────
type Terms<S extends string, Out extends string[][] = []> = S extends `${infer A},${infer R}`
  ? Terms<R, [...Out, Words<A>]>
  : [...Out, Words<S>]

/** The shape of the product of tensors of shapes `Ss` by pattern `P`. */
export type Einsum<P extends string, Ss extends readonly Shape[]> = string extends P
  ? Shape
  : AnyRankUnknown<Ss> extends true
    ? Shape
    : P extends `${infer L}->${infer R}`
      ? Terms<L>['length'] extends Ss['length']
        ? BindAll<Terms<L>, Ss, EinsumText<P, Ss>> extends infer B
          ? B extends ShapeError
            ? B
            : Named<Words<R>, B, EinsumText<P, Ss>>
          : never
        : ShapeError<`${EinsumText<P, Ss>}: the pattern names ${Terms<L>['length']} tensors`>
      : ShapeError<`${EinsumText<P, Ss>}: the pattern has no ->`>
type EinsumText<P extends string, Ss extends readonly Shape[]> = `einsum '${P}' cannot take ${ShowAll<Ss>}`
type ShowAll<Ss extends readonly Shape[]> = Ss extends readonly [infer A, ...infer R extends readonly Shape[]]
  ? R extends readonly []
    ? Show<A>
    : `${Show<A>} and ${ShowAll<R>}`
  : ''
type AnyRankUnknown<Ss extends readonly Shape[]> = number extends Ss['length']
  ? true
  : true extends { [K in keyof Ss]: number extends Ss[K]['length'] ? true : false }[number]
    ? true
    : false

/** Every name with its dim, and `...` with its dims. */
type BindAll<Ts extends string[][], Ss extends readonly Shape[], Text extends string, B = Nothing> = Ts extends [
  infer T extends string[],
  ...infer Rt extends string[][],
]
  ? Ss extends readonly [infer S extends Shape, ...infer Rs extends readonly Shape[]]
    ? BindTerm<T, S, S, T, Text, B, never> extends infer Next
      ? Next extends ShapeError
        ? Next
        : BindAll<Rt, Rs, Text, Next>
      : never
    : never
  : B
type BindTerm<
  T extends string[],
  S extends Shape,
  Whole extends Shape,
  All extends string[],
  Text extends string,
  B,
  Seen,
> = T extends [infer A extends string, ...infer R extends string[]]
  ? A extends Seen
    ? ShapeError<`${Text}: ${A} is named twice in one tensor`>
    : A extends '...'
      ? S extends readonly [...infer Rest extends Shape, ...{ [K in keyof R]: Dim }]
        ? '...' extends keyof B
          ? SameShape<Rest, B['...'] & Shape> extends true
            ? BindTerm<R, After<S, Rest>, Whole, All, Text, B, Seen | A>
            : ShapeError<`${Text}: ... is ${Show<B['...']>} and ${Show<Rest>}`>
          : BindTerm<R, After<S, Rest>, Whole, All, Text, B & { '...': Rest }, Seen | A>
        : ShapeError<WrongRank<Text, All, Whole>>
      : S extends readonly [infer D extends Dim, ...infer Ds extends Shape]
        ? A extends keyof B
          ? Fits<B[A] & Dim, D> extends true
            ? BindTerm<
                R,
                Ds,
                Whole,
                All,
                Text,
                IsKnown<B[A] & Dim> extends true ? B : Omit<B, A> & { [K in A]: D },
                Seen | A
              >
            : ShapeError<`${Text}: ${A} is ${B[A] & Dim} and ${D}`>
          : BindTerm<R, Ds, Whole, All, Text, B & { [K in A]: D }, Seen | A>
        : ShapeError<WrongRank<Text, All, Whole>>
  : S extends readonly []
    ? B
    : ShapeError<WrongRank<Text, All, Whole>>
type After<S extends Shape, Before extends Shape> = S extends readonly [
  ...{ [K in keyof Before]: Dim },
  ...infer R extends Shape,
]
  ? R
  : never
type WrongRank<
  Text extends string,
  All extends string[],
  S extends Shape,
> = `${Text}: '${JoinWords<All>}' names ${All['length']} dimensions of ${S['length']}${All extends [infer W extends string] ? (W extends `${infer _}${infer _}` ? '; put blanks between the names' : '') : ''}`
type JoinWords<Ws extends string[]> = Ws extends [infer A extends string, ...infer R extends string[]]
  ? R extends []
    ? A
    : `${A} ${JoinWords<R>}`
  : ''

type Named<Ws extends string[], B, Text extends string, Out extends Shape = [], Seen = never> = Ws extends [
  infer A extends string,
  ...infer R extends string[],
]
  ? A extends Seen
    ? ShapeError<`${Text}: the output names ${A} twice`>
    : A extends keyof B
      ? Named<R, B, Text, B[A] extends Shape ? [...Out, ...B[A]] : [...Out, B[A] & Dim], Seen | A>
      : ShapeError<`${Text}: the output names ${A}, which no tensor has`>
  : Out

/** What an einsum does: the names of every operand's axes and of the output's, with `...` written out. */
export interface Contraction {
  readonly inputs: readonly (readonly string[])[]
  readonly output: readonly string[]
  readonly shape: Shape
}

export const einsumRule = (pattern: string, shapes: readonly Shape[]): Contraction | Refusal => {
  const text = `einsum '${pattern}' cannot take ${shapes.map(showShape).join(' and ')}`
  const arrow = pattern.indexOf('->')
  if (arrow < 0) return refuse(`${text}: the pattern has no ->`)
  const terms = pattern.slice(0, arrow).split(',').map(words)
  if (terms.length !== shapes.length) return refuse(`${text}: the pattern names ${terms.length} tensors`)
  const dims: Record<string, Dim> = {}
  let rest: Shape | undefined
  const inputs: string[][] = []
  for (const [i, term] of terms.entries()) {
    const shape = shapes[i] as Shape
    const unnamed = term.includes('...') ? shape.length - (term.length - 1) : 0
    const cure = term.length === 1 && (term[0] as string).length > 1 ? '; put blanks between the names' : ''
    const wrongRank = refuse(`${text}: '${term.join(' ')}' names ${term.length} dimensions of ${shape.length}${cure}`)
    const names: string[] = []
    for (const [at, name] of term.entries()) {
      if (term.indexOf(name) < at) return refuse(`${text}: ${name} is named twice in one tensor`)
      if (name === '...') {
        if (unnamed < 0) return wrongRank
        const these = shape.slice(names.length, names.length + unnamed)
        if (rest !== undefined && !sameShape(these, rest))
          return refuse(`${text}: ... is ${showShape(rest)} and ${showShape(these)}`)
        rest = these
        for (const [k, d] of these.entries()) {
          dims[`.${k}`] = d
          names.push(`.${k}`)
        }
        continue
      }
      const dim = shape[names.length]
      if (dim === undefined) return wrongRank
      const known = dims[name]
      if (known !== undefined && !fits(known, dim)) return refuse(`${text}: ${name} is ${known} and ${dim}`)
      dims[name] = dim
      names.push(name)
    }
    if (names.length !== shape.length) return wrongRank
    inputs.push(names)
  }
  const out = words(pattern.slice(arrow + 2))
  for (const [at, name] of out.entries()) {
    if (out.indexOf(name) < at) return refuse(`${text}: the output names ${name} twice`)
    if (name === '...' ? rest === undefined : !(name in dims))
      return refuse(`${text}: the output names ${name}, which no tensor has`)
  }
  const output = out.flatMap((name) => (name === '...' ? (rest as Shape).map((_, k) => `.${k}`) : [name]))
  return { inputs, output, shape: output.map((name) => dims[name] as Dim) }
}
