/** Rules of InputNet's counterparts: OutputNet keeps the last S positions, QHead reads the first. */
import { type Dim, type Shape, type ShapeError, sameShape, showShape } from '../dim.js'
import { isRefusal, type Refusal, type Rule, refuse, type SameShape, type ShapeFn, type Show } from '../rule.js'
import { type LinearOut, linearRule } from './linear.js'

/** [B, T, D] → [B, S, V] */
export interface OutputRule<D extends number, V extends number, S extends number> extends ShapeFn {
  readonly name: `linear(${D} → ${V})`
  readonly takes: 'f32'
  readonly probe: readonly ['…', D]
  readonly out: Positions<this['in'], D, V, readonly [S, V]>
}
/** [B, T, D] → [B, 2] */
export interface QRule<D extends number> extends ShapeFn {
  readonly name: `linear(${D} → 2)`
  readonly takes: 'f32'
  readonly probe: readonly ['…', D]
  readonly out: Positions<this['in'], D, 2, readonly [2]>
}
type Positions<In, D extends number, V extends number, Out extends readonly Dim[]> =
  LinearOut<In, D, V> extends infer M
    ? M extends readonly Dim[]
      ? In extends readonly [infer B extends Dim, Dim, Dim]
        ? readonly [B, ...Out]
        : In extends readonly ['…', Dim]
          ? readonly ['…', ...Out]
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
    : ShapeError<`the output ${Show<Out>} does not answer the input: expected ${Show<Expected>}`>
  : Out
export const answerRule = (out: Shape | Refusal, expected: Shape): Shape | Refusal =>
  isRefusal(out) || sameShape(out, expected)
    ? out
    : refuse(`the output ${showShape(out)} does not answer the input: expected ${showShape(expected)}`)
