/** Rules of the ends of a model: InputNet's puzzle tokens, OutputNet on the last S positions, QHead on the first. */
import type { Multiply, Subtract } from '../arithmetic.js'
import { type Dim, type Shape, ShapeError, showShape } from '../dim.js'
import { isSize } from '../dims.js'
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

/** `unknown` when a puzzle embedding row of width E fits into P tokens of width D. */
export type PuzzleRoom<E extends number, P extends number, D extends number> = [Subtract<Multiply<P, D>, E>] extends [
  never,
]
  ? ShapeError<`inputNet: a puzzle embedding of ${E} does not fit into ${P} puzzle tokens of width ${D}`>
  : unknown
export const demandPuzzleRoom = (embedding: number, tokens: number, hidden: number): void => {
  if (!isSize(tokens) || !isSize(embedding) || tokens * hidden < embedding)
    throw new ShapeError(
      `inputNet: a puzzle embedding of ${embedding} does not fit into ${tokens} puzzle tokens of width ${hidden}`,
    )
}
