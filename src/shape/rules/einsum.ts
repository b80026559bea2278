/**
 * Tensors multiplied along equal names and summed over the names that the output leaves out, by Einstein's convention:
 * `'b t d, d v -> b t v'`. A name has one size in all tensors; `...` stands for the same dims in all.
 */
import { type Dim, type Shape, type ShapeError, sameShape, showShape } from '../dim.js'
import {
  type Dimensions,
  dimensions,
  type Fits,
  fits,
  type IsKnown,
  type Refusal,
  refuse,
  type SameShape,
  type Show,
} from '../rule.js'
import { type Cure, cure, type Tokens, type Trimmed, tokens, trimmed } from './notation.js'

type Nothing = Readonly<Record<never, never>>

/** The sides of a list, without blanks around. */
type Sides<S extends string, Out extends string[] = []> = S extends `${infer A},${infer R}`
  ? Sides<R, [...Out, Trimmed<A>]>
  : [...Out, Trimmed<S>]

/** The shape of the product of tensors of shapes `Ss` by pattern `P`. */
export type Einsum<P extends string, Ss extends readonly Shape[]> = string extends P
  ? Shape
  : AnyRankUnknown<Ss> extends true
    ? Shape
    : P extends `${infer L}->${infer R}`
      ? P extends `${string}${'(' | ')'}${string}`
        ? ShapeError<`${Text<P, Ss>}: brackets are for rearrange`>
        : Sides<L> extends infer Ls extends string[]
          ? Ls['length'] extends Ss['length']
            ? BindAll<Ls, Ss, Text<P, Ss>> extends infer B
              ? B extends ShapeError
                ? B
                : Output<Tokens<R>, B, Text<P, Ss>>
              : never
            : ShapeError<`${Text<P, Ss>}: the pattern names ${Ls['length']} input${Ls['length'] extends 1 ? '' : 's'}, ${Ss['length']} ${Ss['length'] extends 1 ? 'was' : 'were'} given`>
          : never
      : ShapeError<`${Text<P, Ss>}: the pattern has no ->`>
type Text<P extends string, Ss extends readonly Shape[]> = `einsum '${P}' cannot take ${ShowAll<Ss>}`
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
type BindAll<Ls extends string[], Ss extends readonly Shape[], T extends string, B = Nothing> = Ls extends [
  infer L extends string,
  ...infer Rl extends string[],
]
  ? Ss extends readonly [infer S extends Shape, ...infer Rs extends readonly Shape[]]
    ? Bound<Tokens<L>, L, S, T, B> extends infer Next
      ? Next extends ShapeError
        ? Next
        : BindAll<Rl, Rs, T, Next>
      : never
    : never
  : B
/** The names of one tensor bound as well. */
type Bound<Ws extends string[], L extends string, S extends Shape, T extends string, B> = [Twice<Ws>] extends [never]
  ? HasRank<Ws, S> extends true
    ? Bind<Ws, S, T, B>
    : ShapeError<`${T}: '${L}' names ${Dimensions<Ws['length']>} of ${S['length']}${Cure<L>}`>
  : ShapeError<`${T}: ${Twice<Ws>} is named twice in one tensor`>
type HasRank<Ws extends string[], S extends Shape> = '...' extends Ws[number]
  ? Ws extends [string, ...infer R]
    ? S extends readonly [...{ [K in keyof R]: Dim }, ...Dim[]]
      ? true
      : false
    : false
  : Ws['length'] extends S['length']
    ? true
    : false
type Twice<Ws extends string[], Seen = never> = Ws extends [infer A extends string, ...infer R extends string[]]
  ? A extends Seen
    ? A
    : Twice<R, Seen | A>
  : never
type Bind<Ws extends string[], S extends Shape, T extends string, B> = Ws extends [
  infer A extends string,
  ...infer R extends string[],
]
  ? A extends '...'
    ? S extends readonly [...infer Rest extends Shape, ...{ [K in keyof R]: Dim }]
      ? B extends { readonly '...': infer Known extends Shape }
        ? SameShape<Rest, Known> extends true
          ? Bind<R, After<S, Rest>, T, B>
          : ShapeError<`${T}: ... is ${Show<Known>} and ${Show<Rest>}`>
        : Bind<R, After<S, Rest>, T, B & { readonly '...': Rest }>
      : never
    : S extends readonly [infer D extends Dim, ...infer Ds extends Shape]
      ? A extends keyof B
        ? Fits<B[A] & Dim, D> extends true
          ? Bind<R, Ds, T, IsKnown<B[A] & Dim> extends true ? B : Omit<B, A> & { readonly [K in A]: D }>
          : ShapeError<`${T}: ${A} is ${B[A] & Dim} and ${D}`>
        : Bind<R, Ds, T, B & { readonly [K in A]: D }>
      : never
  : B
type After<S extends Shape, Before extends Shape> = S extends readonly [
  ...{ [K in keyof Before]: Dim },
  ...infer R extends Shape,
]
  ? R
  : never

/** The dims of the output. */
type Output<Ws extends string[], B, T extends string> = [Twice<Ws>] extends [never]
  ? Dims<Ws, B, T>
  : ShapeError<`${T}: the output names ${Twice<Ws>} twice`>
type Dims<Ws extends string[], B, T extends string, Out extends Dim[] = []> = Ws extends [
  infer A extends string,
  ...infer R extends string[],
]
  ? A extends keyof B
    ? Dims<R, B, T, B[A] extends Shape ? [...Out, ...B[A]] : [...Out, B[A] & Dim]>
    : ShapeError<`${T}: the output names ${A}, which no input has`>
  : Out

/** What an einsum does: the names of every operand's axes and of the output's, with `...` written out. */
export interface Contraction {
  readonly inputs: readonly (readonly string[])[]
  readonly output: readonly string[]
  readonly shape: Shape
}

const twice = (words: readonly string[]): string | undefined => words.find((word, at) => words.indexOf(word) < at)

export const einsumRule = (pattern: string, shapes: readonly Shape[]): Contraction | Refusal => {
  const text = `einsum '${pattern}' cannot take ${shapes.map(showShape).join(' and ')}`
  const arrow = pattern.indexOf('->')
  if (arrow < 0) return refuse(`${text}: the pattern has no ->`)
  if (/[()]/.test(pattern)) return refuse(`${text}: brackets are for rearrange`)
  const sides = pattern.slice(0, arrow).split(',').map(trimmed)
  if (sides.length !== shapes.length)
    return refuse(
      `${text}: the pattern names ${sides.length} input${sides.length === 1 ? '' : 's'}, ${shapes.length} ${shapes.length === 1 ? 'was' : 'were'} given`,
    )

  const dims = new Map<string, Dim>()
  let dots: Shape | undefined
  const ownNames = () => (dots ?? []).map((_, k) => `.${k}`)
  const inputs: (readonly string[])[] = []
  for (const [i, side] of sides.entries()) {
    const [words, shape] = [tokens(side), shapes[i] as Shape]
    const repeated = twice(words)
    if (repeated !== undefined) return refuse(`${text}: ${repeated} is named twice in one tensor`)
    const at = words.indexOf('...')
    const unnamed = shape.length - words.length + (at < 0 ? 0 : 1)
    if (unnamed < 0 || (at < 0 && unnamed > 0))
      return refuse(`${text}: '${side}' names ${dimensions(words.length)} of ${shape.length}${cure(side)}`)
    // The dims in the order of the words.
    const rest = shape.slice(at, at + unnamed)
    const named = at < 0 ? shape : [...shape.slice(0, at), 1, ...shape.slice(at + unnamed)]
    for (const [k, word] of words.entries()) {
      if (word === '...') {
        if (dots !== undefined && !sameShape(rest, dots))
          return refuse(`${text}: ... is ${showShape(dots)} and ${showShape(rest)}`)
        dots = rest
        continue
      }
      const [known, dim] = [dims.get(word), named[k] as Dim]
      if (known !== undefined && !fits(known, dim)) return refuse(`${text}: ${word} is ${known} and ${dim}`)
      dims.set(word, dim)
    }
    inputs.push(words.flatMap((word) => (word === '...' ? ownNames() : [word])))
  }

  const words = tokens(pattern.slice(arrow + 2))
  const repeated = twice(words)
  if (repeated !== undefined) return refuse(`${text}: the output names ${repeated} twice`)
  const strange = words.find((word) => (word === '...' ? dots === undefined : !dims.has(word)))
  if (strange !== undefined) return refuse(`${text}: the output names ${strange}, which no input has`)
  return {
    inputs,
    output: words.flatMap((word) => (word === '...' ? ownNames() : [word])),
    shape: words.flatMap((word) => (word === '...' ? (dots as Shape) : [dims.get(word) as Dim])),
  }
}
