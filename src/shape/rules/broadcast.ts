/** Numpy's rule for two operands: dims are aligned at the end, equal or 1. */
import { type Dim, type Shape, type ShapeError, showShape } from '../dim.js'
import { type Refusal, refuse, type Show } from '../rule.js'

/** The dim of two aligned dims, or `never` when they differ. */
type Joined<A extends Dim, B extends Dim> = number extends A
  ? number extends B
    ? number
    : B extends 1
      ? A
      : B
  : number extends B
    ? A extends 1
      ? B
      : A
    : [A] extends [B]
      ? A
      : A extends 1
        ? B
        : B extends 1
          ? A
          : never

type Aligned<Name extends string, A, B, X extends Shape, Y extends Shape, Out extends Shape> = X extends readonly [
  ...infer Xs extends Shape,
  infer P extends Dim,
]
  ? Y extends readonly [...infer Ys extends Shape, infer Q extends Dim]
    ? Joined<P, Q> extends infer R extends Dim
      ? [R] extends [never]
        ? ShapeError<`${Name} cannot take ${Show<A>} and ${Show<B>}: ${P} and ${Q} differ`>
        : Aligned<Name, A, B, Xs, Ys, readonly [R, ...Out]>
      : never
    : readonly [...X, ...Out]
  : readonly [...Y, ...Out]

export type Broadcast<Name extends string, A, B> = A extends Shape
  ? B extends Shape
    ? number extends A['length']
      ? Shape
      : number extends B['length']
        ? Shape
        : Aligned<Name, A, B, A, B, readonly []>
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
    else return refuse(`${name} cannot take ${showShape(a)} and ${showShape(b)}: ${x} and ${y} differ`)
  }
  return out
}
