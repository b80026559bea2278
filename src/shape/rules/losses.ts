/** Losses over tokens: what logits and labels must agree in. */
import { type Dim, type Shape, type ShapeError, sameShape, showShape } from '../dim.js'
import { type Difference, difference, type Refusal, refuse, type SameShape, type Show } from '../rule.js'
import type { KnownRank } from '../tuple.js'

/** logits [...L, V], labels [...L] → [...L] */
export type CrossEntropy<Logits extends Shape, Labels extends Shape> = [KnownRank<Logits>, KnownRank<Labels>] extends [
  true,
  true,
]
  ? Logits extends readonly [...infer L extends Shape, Dim]
    ? SameShape<Labels, L> extends true
      ? Labels
      : ShapeError<`crossEntropy cannot take logits ${Show<Logits>} and labels ${Show<Labels>}: the labels must be ${Show<L>}, ${Difference<Labels, L>}`>
    : ShapeError<`crossEntropy cannot take logits ${Show<Logits>}: expected [..., vocabulary]`>
  : Shape

export const crossEntropyRule = (logits: Shape, labels: Shape): Shape | Refusal => {
  if (logits.length === 0)
    return refuse(`crossEntropy cannot take logits ${showShape(logits)}: expected [..., vocabulary]`)
  const expected = logits.slice(0, -1)
  return sameShape(labels, expected)
    ? labels
    : refuse(
        `crossEntropy cannot take logits ${showShape(logits)} and labels ${showShape(labels)}: the labels must be ${showShape(expected)}, ${difference(labels, expected)}`,
      )
}

/** logits and targets of one shape → that shape; nothing is stretched, unlike in arithmetic. */
export type ElementwiseLoss<Name extends string, X extends Shape, Y extends Shape> = [
  KnownRank<X>,
  KnownRank<Y>,
] extends [true, true]
  ? SameShape<Y, X> extends true
    ? X
    : ShapeError<`${Name} cannot take logits ${Show<X>} and targets ${Show<Y>}: of the targets, ${Difference<Y, X>}`>
  : X

export const elementwiseLossRule = (name: string, logits: Shape, targets: Shape): Shape | Refusal =>
  sameShape(targets, logits)
    ? logits
    : refuse(
        `${name} cannot take logits ${showShape(logits)} and targets ${showShape(targets)}: of the targets, ${difference(targets, logits)}`,
      )
