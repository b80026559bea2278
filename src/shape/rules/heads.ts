/**
 * Rules of the ends of a model: InputNet's puzzle tokens, OutputNet on the last S positions, QHead on the first; and of those
 * of a model with an axis of symbols.
 */
import type { Multiply, Subtract } from '../arithmetic.js'
import { type Dim, type Shape, ShapeError, showShape } from '../dim.js'
import { demandPositive, isSize, type Positive } from '../dims.js'
import {
  agree,
  type Difference,
  difference,
  isRefusal,
  type Refusal,
  type Rule,
  refuse,
  type SameShape,
  type ShapeFn,
  type Show,
} from '../rule.js'
import { type LinearOut, linearRule } from './linear.js'

/** [B, T, D] → [B, S, V] */
export interface OutputRule<D extends number, V extends number, S extends number> extends ShapeFn {
  readonly name: `linear(${D} → ${V})`
  readonly takes: 'f32'
  readonly probe: readonly ['…', D]
  readonly out: Positions<this['in'], D, V, [S, V]>
}
/** [B, T, D] → [B, 2] */
export interface QRule<D extends number> extends ShapeFn {
  readonly name: `linear(${D} → 2)`
  readonly takes: 'f32'
  readonly probe: readonly ['…', D]
  readonly out: Positions<this['in'], D, 2, [2]>
}
type Positions<In, D extends number, V extends number, Out extends readonly Dim[]> =
  LinearOut<In, D, V> extends infer M
    ? M extends readonly Dim[]
      ? In extends readonly [infer B extends Dim, Dim, Dim]
        ? [B, ...Out]
        : In extends readonly ['…', Dim]
          ? ['…', ...Out]
          : ShapeError<`linear(${D} → ${V}) cannot take ${Show<In>}: expected [batch, positions, ${D}]`>
      : M
    : never

const positions =
  (hidden: number, width: number, out: readonly Dim[]): Rule =>
  (input) => {
    const projected = linearRule(hidden, width)(input)
    if (isRefusal(projected)) return projected
    return input.length === 3 || (input.length === 2 && input[0] === '…')
      ? [input[0] as Dim, ...out]
      : refuse(`linear(${hidden} → ${width}) cannot take ${showShape(input)}: expected [batch, positions, ${hidden}]`)
  }
export const outputRule = (hidden: number, vocabulary: number, sequence: number): Rule =>
  positions(hidden, vocabulary, [sequence, vocabulary])
export const qRule = (hidden: number): Rule => positions(hidden, 2, [2])

/** [B, C, T, D] → [B, T, C]: one number for every symbol at every position. */
export interface SymbolOutputRule<D extends number> extends ShapeFn {
  readonly name: `linear(${D} → 1)`
  readonly takes: 'f32'
  readonly probe: readonly ['…', D]
  readonly out: LinearOut<this['in'], D, 1> extends infer M
    ? M extends readonly Dim[]
      ? this['in'] extends readonly [infer B extends Dim, infer C extends Dim, infer T extends Dim, Dim]
        ? [B, T, C]
        : this['in'] extends readonly ['…', Dim]
          ? ['…', '?', '?']
          : ShapeError<`linear(${D} → 1) cannot take ${Show<this['in']>}: expected [batch, symbols, positions, ${D}]`>
      : M
    : never
}
export const symbolOutputRule =
  (hidden: number): Rule =>
  (input) => {
    const projected = linearRule(hidden, 1)(input)
    if (isRefusal(projected)) return projected
    if (input.length === 2 && input[0] === '…') return ['…', '?', '?']
    const [batch, symbols, positions] = input as readonly [Dim, Dim, Dim]
    return input.length === 4
      ? [batch, positions, symbols]
      : refuse(`linear(${hidden} → 1) cannot take ${showShape(input)}: expected [batch, symbols, positions, ${hidden}]`)
  }

/** `unknown` when `N` tokens of a vocabulary of `V` may have embeddings of their own. */
export type Specials<V extends number, N extends number> = [Subtract<V, N>] extends [never]
  ? ShapeError<`symbolInput: ${N} special tokens do not fit into a vocabulary of ${V}`>
  : Positive<'symbolInput: specials', N>
export const demandSpecials = (vocabulary: number, specials: number): void => {
  demandPositive('symbolInput: specials', specials)
  if (specials > vocabulary)
    throw new ShapeError(`symbolInput: ${specials} special tokens do not fit into a vocabulary of ${vocabulary}`)
}

/** The answer must be logits for every token of the input: [batch, S, V]. */
export type Answer<Out, Expected extends Shape> = Out extends Shape
  ? SameShape<Out, Expected> extends true
    ? Out
    : ShapeError<`the output ${Show<Out>} does not answer the input, which needs ${Show<Expected>}: ${Difference<Out, Expected>}`>
  : Out
export const answerRule = (out: Shape | Refusal, expected: Shape): Shape | Refusal =>
  isRefusal(out) || agree(out, expected)
    ? out
    : refuse(
        `the output ${showShape(out)} does not answer the input, which needs ${showShape(expected)}: ${difference(out, expected)}`,
      )

/** `unknown` when a puzzle embedding row of width E fits into P tokens of width D, none into none. */
export type PuzzleRoom<E extends number, P extends number, D extends number> = [Subtract<Multiply<P, D>, E>] extends [
  never,
]
  ? ShapeError<`inputNet: a puzzle embedding of ${E} does not fit into ${P} puzzle tokens of width ${D}`>
  : E extends 0
    ? 0 extends P
      ? unknown
      : ShapeError<`inputNet: there is no puzzle embedding to fill ${P} puzzle tokens`>
    : unknown
export const demandPuzzleRoom = (embedding: number, tokens: number, hidden: number): void => {
  if (embedding === 0 && tokens > 0)
    throw new ShapeError(`inputNet: there is no puzzle embedding to fill ${tokens} puzzle tokens`)
  if (!isSize(tokens) || !isSize(embedding) || tokens * hidden < embedding)
    throw new ShapeError(
      `inputNet: a puzzle embedding of ${embedding} does not fit into ${tokens} puzzle tokens of width ${hidden}`,
    )
}
