/**
 * Dims and shapes at run time. A dim is a number, or text: a named symbol (`"batch"`), or a sum of monomials of symbols
 * (`"8·batch"`, `"batch + 1"`). How dims are added and multiplied, at compile time and at run time, stands in `dims.ts`.
 */
export type Dim = number | string
export type Shape = readonly Dim[]

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i])

/** `[batch, 81, 512]` */
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`

/** Values of the named symbols, e.g. `{ batch: 64 }`. */
export type Dims = Readonly<Record<string, number>>

/**
 * A shape error. Thrown where a graph is built at run time (a mistake in an architecture is a bug in it); the boundary
 * (`trace`, `check`) turns it into a `Problem`. Its type carries the sentence too: a program that would throw
 * `ShapeError<"linear(512 → 64) cannot take …">` is refused by the compiler with that very type in the message.
 */
export class ShapeError<out Sentence extends string = string> extends Error {
  override readonly name = 'ShapeError'
  declare readonly message: Sentence
  constructor(sentence: Sentence) {
    super(sentence)
  }
}
