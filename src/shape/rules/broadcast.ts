/** Numpy's rule for several operands: dims are aligned at the end, equal or 1. */
import { type Dim, type Shape, type ShapeError, showShape } from '../dim.js'
import { type NoSize, type NotWhole, notWhole } from '../dims.js'
import { type Difference, difference, type IsKnown, type Refusal, refuse, type Show } from '../rule.js'

/** The dim of two aligned dims, or `never` when they differ; of one that only run time knows, the other. */
type Joined<A extends Dim, B extends Dim> =
  IsKnown<A> extends true
    ? [B] extends [A]
      ? A
      : A extends 1
        ? B
        : B extends 1
          ? A
          : IsKnown<B> extends true
            ? never
            : A
    : B extends 1
      ? A
      : B

type Aligned<Name extends string, A, B, X extends Shape, Y extends Shape, Out extends Shape> = X extends readonly [
  ...infer Xs extends Shape,
  infer P extends Dim,
]
  ? Y extends readonly [...infer Ys extends Shape, infer Q extends Dim]
    ? Joined<P, Q> extends infer R extends Dim
      ? [R] extends [never]
        ? ShapeError<`${Name} cannot take ${Show<A>} and ${Show<B>}: dimension ${Axis<Xs, Ys>} is ${P} and ${Q}`>
        : Aligned<Name, A, B, Xs, Ys, [R, ...Out]>
      : never
    : [...X, ...Out]
  : // (Taken apart once more: of an operand behind `NoInfer` a spread would stay unresolved.)
    Y extends readonly [...infer Ys extends Shape]
    ? [...Ys, ...Out]
    : never
/** How many dims stand before, in the longer one. */
type Axis<Xs extends Shape, Ys extends Shape> = Xs extends readonly [...{ [K in keyof Ys]: Dim }, ...Dim[]]
  ? Xs['length']
  : Ys['length']

export type Broadcast<Name extends string, A, B> = A extends Shape
  ? B extends Shape
    ? number extends A['length']
      ? Shape
      : number extends B['length']
        ? Shape
        : Aligned<Name, A, B, A, B, []>
    : never
  : never

export const broadcastRule = (name: string, a: Shape, b: Shape): Shape | Refusal => {
  const rank = Math.max(a.length, b.length)
  const out: Dim[] = []
  for (let i = 1; i <= rank; i++) {
    const [x, y] = [a.at(-i) ?? 1, b.at(-i) ?? 1]
    if (i > a.length || i > b.length) out.unshift(i > a.length ? y : x)
    else if (x === y || y === 1) out.unshift(x)
    else if (x === 1) out.unshift(y)
    else
      return refuse(`${name} cannot take ${showShape(a)} and ${showShape(b)}: dimension ${rank - i} is ${x} and ${y}`)
  }
  return out
}

/** A tensor stretched to a shape: aligned at the end, every dim equal or 1. */
export type BroadcastTo<From extends Shape, To extends Shape> = number extends From['length']
  ? To
  : number extends To['length']
    ? Shape
    : [NoSize<To>] extends [never]
      ? Broadcast<'broadcastTo', From, To> extends infer R
        ? R extends Shape
          ? Stretched<R, To> extends true
            ? To
            : ShapeError<`broadcastTo cannot take ${Show<From>} to ${Show<To>}: ${Difference<R, To>}`>
          : ShapeError<`broadcastTo cannot take ${Show<From>} to ${Show<To>}: its dimensions must be equal or 1, counted from the last`>
        : never
      : ShapeError<`broadcastTo cannot take ${Show<From>} to ${Show<To>}: ${NotWhole<NoSize<To>>}`>
type Stretched<R extends Shape, To extends Shape> = R['length'] extends To['length']
  ? { [K in keyof R]: K extends keyof To ? (IsKnown<R[K] & Dim> extends true ? R[K] : To[K]) : never } extends {
      [K in keyof To]: IsKnown<To[K] & Dim> extends true ? To[K] : Dim
    }
    ? true
    : false
  : false

export const broadcastToRule = (from: Shape, to: Shape): Shape | Refusal => {
  const joined = broadcastRule('broadcastTo', from, to)
  const text = `broadcastTo cannot take ${showShape(from)} to ${showShape(to)}`
  const broken = notWhole(to)
  if (broken !== undefined) return refuse(`${text}: ${broken}`)
  if ('sentence' in joined) return refuse(`${text}: its dimensions must be equal or 1, counted from the last`)
  return joined.length === to.length && joined.every((d, i) => d === to[i])
    ? to
    : refuse(`${text}: ${difference(joined, to)}`)
}
