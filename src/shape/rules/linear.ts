/** `linear(I → O)`: the last dim I becomes O, the others stay. */
import type { Dim, Shape, ShapeError } from '../dim.js'
import { showShape } from '../dim.js'
import { type IsSize, type NoSize, type NotWhole, notWhole } from '../dims.js'
import { type Fits, fits, type Rule, refuse, type ShapeFn, type Show } from '../rule.js'

export interface LinearRule<I extends number, O extends number> extends ShapeFn {
  readonly name: `linear(${I} → ${O})`
  readonly takes: 'f32'
  readonly probe: readonly ['…', I]
  readonly out: LinearOut<this['in'], I, O>
}
export type LinearOut<In, I extends number, O extends number> = In extends readonly [
  ...infer L extends Shape,
  infer X extends Dim,
]
  ? Fits<X, I> extends true
    ? [IsSize<I>, IsSize<O>] extends [true, true]
      ? [...L, O]
      : ShapeError<`linear(${I} → ${O}) cannot take ${Show<In>}: ${NotWhole<NoSize<[I, O]>>}`>
    : ShapeError<`linear(${I} → ${O}) cannot take ${Show<In>}: last dimension is ${X}, expected ${I}`>
  : In extends readonly []
    ? ShapeError<`linear(${I} → ${O}) cannot take []: it has no dimension, expected ${I}`>
    : Shape

export const linearRule =
  (i: number, o: number): Rule =>
  (input) => {
    const last = input.at(-1)
    if (last === undefined) return refuse(`linear(${i} → ${o}) cannot take []: it has no dimension, expected ${i}`)
    const broken = fits(last, i) ? notWhole([i, o]) : `last dimension is ${last}, expected ${i}`
    return broken === undefined
      ? [...input.slice(0, -1), o]
      : refuse(`linear(${i} → ${o}) cannot take ${showShape(input)}: ${broken}`)
  }
