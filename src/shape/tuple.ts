/** Tuples of dims at compile time: reading, replacing and removing the dim of one axis. */
import type { Dim, Shape } from './dim.js'

/** Whether the compiler knows how many dims there are. */
export type KnownRank<S extends Shape> = number extends S['length'] ? false : true

/** Whether the axis exists; one known only at run time may. */
export type HasAxis<S extends Shape, A extends number> = number extends A ? true : `${A}` extends keyof S ? true : false

export type DimAt<S extends Shape, A extends number> = number extends A
  ? Dim
  : `${A}` extends keyof S
    ? S[`${A}`] extends infer D extends Dim
      ? D
      : never
    : never

export type ReplaceAt<S extends Shape, A extends number, D extends Dim> = {
  -readonly [K in keyof S]: number extends A ? Dim : K extends `${A}` ? D : S[K]
}

/** `Seen` counts the axes passed. */
export type RemoveAt<S extends Shape, A extends number, Seen extends Shape = []> = number extends A
  ? Shape
  : S extends readonly [infer X extends Dim, ...infer R extends Shape]
    ? Seen['length'] extends A
      ? [...Seen, ...R]
      : RemoveAt<R, A, [...Seen, X]>
    : Seen

/** The tuple without the first dim that is `D`; `never` when there is none. */
export type Without<S extends Shape, D extends Dim, Out extends Shape = []> = S extends readonly [
  infer X extends Dim,
  ...infer R extends Shape,
]
  ? [X] extends [D]
    ? [...Out, ...R]
    : Without<R, D, [...Out, X]>
  : never

/** The dims `D` inserted before axis `A`. */
export type InsertAt<
  S extends Shape,
  A extends number,
  D extends Dim,
  Seen extends Shape = [],
> = Seen['length'] extends A
  ? [...Seen, D, ...S]
  : S extends readonly [infer X extends Dim, ...infer R extends Shape]
    ? InsertAt<R, A, D, [...Seen, X]>
    : never

/** `N` times `T`; of unknown length when only run time knows `N`. */
export type Repeat<N extends number, T, Out extends T[] = []> = number extends N
  ? T[]
  : Out['length'] extends N
    ? Out
    : Repeat<N, T, [...Out, T]>
