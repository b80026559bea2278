/**
 * Dims at run time: a number, or a monomial of named symbols with an integer coefficient (`"batch"`, `"8·batch"`).
 * The compile-time mirror of these rules stands beside this file; both print the same text.
 */
export type Dim = number | string
export type Shape = readonly Dim[]

interface Monomial {
  readonly coefficient: number
  readonly symbols: readonly string[]
}

const parse = (d: Dim): Monomial => {
  if (typeof d === 'number') return { coefficient: d, symbols: [] }
  const parts = d.split('·')
  const head = Number(parts[0])
  return Number.isInteger(head) ? { coefficient: head, symbols: parts.slice(1) } : { coefficient: 1, symbols: parts }
}

const format = ({ coefficient, symbols }: Monomial): Dim => {
  if (symbols.length === 0 || coefficient === 0) return coefficient
  const names = [...symbols].sort().join('·')
  return coefficient === 1 ? names : `${coefficient}·${names}`
}

export const multiplyDims = (a: Dim, b: Dim): Dim => {
  const [x, y] = [parse(a), parse(b)]
  return format({ coefficient: x.coefficient * y.coefficient, symbols: [...x.symbols, ...y.symbols] })
}

/** Exact division; `undefined` when `b` does not divide `a`. */
export const divideDims = (a: Dim, b: Dim): Dim | undefined => {
  const [x, y] = [parse(a), parse(b)]
  if (y.coefficient === 0 || x.coefficient % y.coefficient !== 0) return undefined
  const rest = [...x.symbols]
  for (const s of y.symbols) {
    const at = rest.indexOf(s)
    if (at < 0) return undefined
    rest.splice(at, 1)
  }
  return format({ coefficient: x.coefficient / y.coefficient, symbols: rest })
}

/** Number of elements, possibly symbolic. */
export const elements = (shape: Shape): Dim => shape.reduce(multiplyDims, 1)

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i])

/** `[batch, 81, 512]` */
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`

/** Values of the named symbols, e.g. `{ batch: 64 }`. */
export type Dims = Readonly<Record<string, number>>

/** The number a dim stands for; `undefined` when a symbol has no value. */
export const bindDim = (dim: Dim, dims: Dims): number | undefined => {
  const { coefficient, symbols } = parse(dim)
  let value = coefficient
  for (const s of symbols) {
    const v = dims[s]
    if (v === undefined) return undefined
    value *= v
  }
  return value
}

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
