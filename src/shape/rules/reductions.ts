/** Rules along one axis: reductions, and what keeps the shape but needs the axis. */
import { type Dim, type Shape, type ShapeError, showShape } from '../dim.js'
import { type Dimensions, dimensions, type Refusal, refuse, type Show } from '../rule.js'
import type { DimAt, HasAxis, KnownRank, RemoveAt } from '../tuple.js'

/** The sentence for an axis that is not there. (Not an alias of the error: the compiler would print the alias.) */
type NoAxis<
  Name extends string,
  S extends Shape,
  A extends number,
> = `${Name} over axis ${A} cannot take ${Show<S>}: it has ${Dimensions<S['length']>}, axes count from 0`
const noAxis = (name: string, input: Shape, axis: number): Refusal =>
  refuse(
    `${name} over axis ${axis} cannot take ${showShape(input)}: it has ${dimensions(input.length)}, axes count from 0`,
  )
const hasAxis = (input: Shape, axis: number): boolean => Number.isInteger(axis) && axis >= 0 && axis < input.length

/** The axis disappears. */
export type Reduce<Name extends string, S extends Shape, A extends number> =
  KnownRank<S> extends false ? Shape : HasAxis<S, A> extends true ? RemoveAt<S, A> : ShapeError<NoAxis<Name, S, A>>

export const reduceRule = (name: string, input: Shape, axis: number): Shape | Refusal =>
  hasAxis(input, axis) ? input.filter((_, i) => i !== axis) : noAxis(name, input, axis)

/** The axis disappears and its size, which must be a number, is divided by. */
export type Mean<S extends Shape, A extends number> =
  KnownRank<S> extends true
    ? DimAt<S, A> extends infer D extends Dim
      ? IsNamed<D> extends true
        ? ShapeError<`mean over axis ${A} cannot take ${Show<S>}: the size of the axis must be a number`>
        : Reduce<'mean', S, A>
      : Reduce<'mean', S, A>
    : Shape
/** Whether a dim is a symbol for certain. */
type IsNamed<D extends Dim> = [D] extends [never] ? false : [D] extends [string] ? true : false

export const meanRule = (input: Shape, axis: number): Shape | Refusal =>
  typeof input[axis] === 'string'
    ? refuse(`mean over axis ${axis} cannot take ${showShape(input)}: the size of the axis must be a number`)
    : reduceRule('mean', input, axis)

/** The shape stays: softmax. */
export type Along<Name extends string, S extends Shape, A extends number> =
  KnownRank<S> extends false ? S : HasAxis<S, A> extends true ? S : ShapeError<NoAxis<Name, S, A>>

export const alongRule = (name: string, input: Shape, axis: number): Shape | Refusal =>
  hasAxis(input, axis) ? input : noAxis(name, input, axis)
