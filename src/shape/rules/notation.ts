/**
 * The notation of patterns, einops': names separated by blanks; `(h d)` is one dimension made of several, `1` a dimension
 * of size 1, `...` all dimensions that are not named. A side becomes a list of dimensions, each a list of names, or the
 * reason why it is none, as text.
 */
import type { Dim, Shape } from '../dim.js'

/** Names, brackets and dots. */
export type Tokens<S extends string, Out extends string[] = []> = S extends `${infer A} ${infer R}`
  ? Tokens<R, [...Out, ...Pieces<A>]>
  : [...Out, ...Pieces<S>]
type Pieces<W extends string> = W extends ''
  ? []
  : W extends `${infer A}(${infer B}`
    ? [...Pieces<A>, '(', ...Pieces<B>]
    : W extends `${infer A})${infer B}`
      ? [...Pieces<A>, ')', ...Pieces<B>]
      : [W]
export const tokens = (side: string): readonly string[] =>
  side
    .replace(/[()]/g, ' $& ')
    .split(' ')
    .filter((w) => w !== '')

export type Groups<
  Ws extends readonly string[],
  Out extends string[][] = [],
  Open extends string[] | undefined = undefined,
> = Ws extends readonly [infer W extends string, ...infer R extends string[]]
  ? Open extends string[]
    ? W extends '('
      ? 'the brackets do not match'
      : W extends '...'
        ? '... stands in brackets'
        : W extends ')'
          ? Groups<R, [...Out, Open]>
          : Groups<R, Out, W extends '1' ? Open : [...Open, W]>
    : W extends '('
      ? Groups<R, Out, []>
      : W extends ')'
        ? 'the brackets do not match'
        : Groups<R, [...Out, W extends '1' ? [] : [W]]>
  : Open extends string[]
    ? 'the brackets do not match'
    : Out
export const groups = (words: readonly string[]): readonly (readonly string[])[] | string => {
  const out: (readonly string[])[] = []
  let open: string[] | undefined
  for (const word of words) {
    if (open !== undefined && word === '...') return '... stands in brackets'
    if ((open !== undefined && word === '(') || (open === undefined && word === ')')) return 'the brackets do not match'
    if (word === '(') open = []
    else if (word === ')') {
      out.push(open as string[])
      open = undefined
    } else if (open === undefined) out.push(word === '1' ? [] : [word])
    else if (word !== '1') open.push(word)
  }
  return open === undefined ? out : 'the brackets do not match'
}

/** Without blanks around. */
export type Trimmed<S extends string> = S extends ` ${infer R}` ? Trimmed<R> : S extends `${infer R} ` ? Trimmed<R> : S
export const trimmed = (side: string): string => side.replace(/^ +| +$/g, '')

/** What helps when all names of a side stand in one word, as NumPy writes them. */
export type Cure<S extends string> = S extends `${string} ${string}` | `${string}(${string}` | '...'
  ? ''
  : S extends `${infer _}${infer R}`
    ? R extends ''
      ? ''
      : '; put blanks between the names'
    : ''
export const cure = (side: string): string =>
  side.length < 2 || side.includes(' ') || side.includes('(') || side === '...' ? '' : '; put blanks between the names'

// ── the dimensions that `...` stands for ────────────────────────────────────────────────────────────────────────────
/** How often a side has `...`: 0, 1 or more, as a tuple of that length. */
export type Ellipses<Gs extends readonly string[][], Out extends '...'[] = []> = Gs extends readonly [
  infer G,
  ...infer R extends string[][],
]
  ? Ellipses<R, G extends ['...'] ? [...Out, '...'] : Out>
  : Out
const isEllipsis = (group: readonly string[]): boolean => group.length === 1 && group[0] === '...'
export const ellipses = (gs: readonly (readonly string[])[]): number => gs.filter(isEllipsis).length

/** The dims of `S` that are not named by `Gs`, which has one ellipsis; `never` when there are too few. */
export type Unnamed<Gs extends readonly unknown[], S extends Shape> =
  Named<Gs, S> extends infer R extends Shape ? R : never
type Named<Gs extends readonly unknown[], S extends Shape> = Gs extends readonly [infer G, ...infer R]
  ? G extends ['...']
    ? S extends readonly [...infer Rest extends Shape, ...{ [K in keyof R]: Dim }]
      ? Rest
      : never
    : S extends readonly [Dim, ...infer Ds extends Shape]
      ? Named<R, Ds>
      : never
  : never

/** `...` replaced by as many names of its own, `.0`, `.1`… */
export type Expand<
  Gs extends readonly string[][],
  Rest extends Shape,
  Out extends string[][] = [],
> = Gs extends readonly [infer G extends string[], ...infer R extends string[][]]
  ? Expand<R, Rest, G extends ['...'] ? [...Out, ...OwnNames<Rest>] : [...Out, G]>
  : Out
type OwnNames<Rest extends Shape, Out extends string[][] = []> = Rest extends readonly [
  unknown,
  ...infer R extends Shape,
]
  ? OwnNames<R, [...Out, [`.${Out['length']}`]]>
  : Out
export const expand = (gs: readonly (readonly string[])[], unnamed: number): readonly (readonly string[])[] =>
  gs.flatMap((group) => (isEllipsis(group) ? Array.from({ length: unnamed }, (_, i) => [`.${i}`]) : [group]))
