/** What typed operations have in common: the tensor of a computed shape, and sentences about element types. */
import type { DType, Tensor } from '../ir/index.js'
import { type Shape, ShapeError, type Show, showShape } from '../shape/index.js'

/**
 * The tensor of a shape. Of an error, a tensor that carries it and goes anywhere: a mistake is reported where it is made,
 * not again wherever its result is used; and `pipe`, which shows the types of its functions, shows the sentence.
 */
export type TensorOf<R, D extends DType> = R extends Shape ? Tensor<R, D> : R & Tensor<never, never>

/** The shape of a tensor's type. */
export type ShapeOf<T> = T extends Tensor<infer S, DType> ? S : never
/** The element type of a tensor's type. */
export type DTypeOf<T> = T extends Tensor<Shape, infer D> ? D : never

/** `unknown` when an operand has the element type that is wanted, or the compiler does not know it. */
export type Takes<Name extends string, Want extends DType, S, D extends DType> = [D] extends [Want]
  ? unknown
  : [DType] extends [D]
    ? unknown
    : ShapeError<`${Name} cannot take ${D} ${Show<S>}: expected ${Want}`>

export const demandType = (name: string, want: DType, x: Tensor): void => {
  if (x.dtype !== want) throw new ShapeError(`${name} cannot take ${x.dtype} ${showShape(x.shape)}: expected ${want}`)
}

/** `unknown` for numbers, or what the compiler does not know. */
export type Numeric<Name extends string, S, D extends DType> = [D] extends ['bool']
  ? ShapeError<`${Name} cannot take bool ${Show<S>}: expected f32 or i32`>
  : unknown

export const demandNumeric = (name: string, x: Tensor): void => {
  if (x.dtype === 'bool') throw new ShapeError(`${name} cannot take bool ${showShape(x.shape)}: expected f32 or i32`)
}

/** `unknown` when both have the same element type, or the compiler does not know one. */
export type SameType<Name extends string, D extends DType, E extends DType> = [E] extends [D]
  ? unknown
  : [DType] extends [E]
    ? unknown
    : ShapeError<`${Name} cannot take ${D} and ${E}: the types differ`>

export const demandSameType = (name: string, a: Tensor, b: Tensor): void => {
  if (a.dtype !== b.dtype) throw new ShapeError(`${name} cannot take ${a.dtype} and ${b.dtype}: the types differ`)
}
