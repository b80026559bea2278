/** Two tensors into one: concatenation, matrix product, rows by id. And reductions of one axis. */
import type { Add } from '../arithmetic.js'
import { type Dim, type Shape, type ShapeError, sameShape, showShape } from '../dim.js'
import { type Fits, type Refusal, refuse, type SameShape, type Show } from '../rule.js'
import type { DimAt, HasAxis, KnownRank, RemoveAt, ReplaceAt } from '../tuple.js'

// ── concat ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Joins along `Axis`; the other dims must be equal. */
export type Concat<Axis extends number, A extends Shape, B extends Shape> = [KnownRank<A>, KnownRank<B>] extends [
  true,
  true,
]
  ? [HasAxis<A, Axis>, DimAt<A, Axis>, DimAt<B, Axis>] extends [true, infer X extends number, infer Y extends number]
    ? SameShape<ReplaceAt<A, Axis, 0>, ReplaceAt<B, Axis, 0>> extends true
      ? ReplaceAt<A, Axis, Add<X, Y>>
      : ShapeError<ConcatText<Axis, A, B>>
    : ShapeError<ConcatText<Axis, A, B>>
  : Shape
type ConcatText<
  Axis extends number,
  A,
  B,
> = `concat on axis ${Axis} cannot take ${Show<A>} and ${Show<B>}: all other dimensions must be equal`

export const concatRule = (axis: number, a: Shape, b: Shape): Shape | Refusal => {
  const [x, y] = [a[axis], b[axis]]
  const others = (s: Shape) => s.map((d, i) => (i === axis ? 0 : d))
  return typeof x === 'number' && typeof y === 'number' && sameShape(others(a), others(b))
    ? a.map((d, i) => (i === axis ? x + y : d))
    : refuse(
        `concat on axis ${axis} cannot take ${showShape(a)} and ${showShape(b)}: all other dimensions must be equal`,
      )
}

// ── matrix product ──────────────────────────────────────────────────────────────────────────────────────────────────
/** [..., M, K] × [K, N] → [..., M, N], or with equal leading dims on both sides. */
export type Matmul<A extends Shape, B extends Shape> = [KnownRank<A>, KnownRank<B>] extends [true, true]
  ? A extends readonly [...infer L extends Shape, infer M extends Dim, infer K extends Dim]
    ? B extends readonly [...infer R extends Shape, infer J extends Dim, infer N extends Dim]
      ? [Fits<K, J>, R extends readonly [] ? true : SameShape<L, R>] extends [true, true]
        ? readonly [...L, M, N]
        : ShapeError<MatmulText<A, B>>
      : ShapeError<MatmulText<A, B>>
    : ShapeError<MatmulText<A, B>>
  : Shape
type MatmulText<A, B> = `matmul cannot take ${Show<A>} and ${Show<B>}: expected [..., M, K] and [K, N] or [..., K, N]`

export const matmulRule = (a: Shape, b: Shape): Shape | Refusal => {
  const [leadA, leadB] = [a.slice(0, -2), b.slice(0, -2)]
  const fits =
    a.length >= 2 && b.length >= 2 && a.at(-1) === b.at(-2) && (leadB.length === 0 || sameShape(leadA, leadB))
  return fits
    ? [...a.slice(0, -1), b.at(-1) as Dim]
    : refuse(`matmul cannot take ${showShape(a)} and ${showShape(b)}: expected [..., M, K] and [K, N] or [..., K, N]`)
}

// ── gather ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** table [V, ...D], ids [...I] → [...I, ...D] */
export type Gather<Table extends Shape, Ids extends Shape> =
  KnownRank<Table> extends false
    ? Shape
    : Table extends readonly [Dim, ...infer D extends Shape]
      ? readonly [...Ids, ...D]
      : ShapeError<`gather cannot take the table ${Show<Table>}: it has no rows`>

export const gatherRule = (table: Shape, ids: Shape): Shape | Refusal =>
  table.length === 0
    ? refuse(`gather cannot take the table ${showShape(table)}: it has no rows`)
    : [...ids, ...table.slice(1)]

// ── reductions ──────────────────────────────────────────────────────────────────────────────────────────────────────
/** The axis disappears. */
export type Reduce<Name extends string, S extends Shape, A extends number> =
  KnownRank<S> extends false
    ? Shape
    : HasAxis<S, A> extends true
      ? RemoveAt<S, A>
      : ShapeError<`${Name} over axis ${A} cannot take ${Show<S>}: it has ${S['length']} dimensions`>

export const reduceRule = (name: string, input: Shape, axis: number): Shape | Refusal =>
  axis >= 0 && axis < input.length
    ? input.filter((_, i) => i !== axis)
    : refuse(`${name} over axis ${axis} cannot take ${showShape(input)}: it has ${input.length} dimensions`)
