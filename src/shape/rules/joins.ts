/** Several tensors into one: concatenation, matrix product, rows by id. */
import type { Add } from '../arithmetic.js'
import { type Dim, type Shape, type ShapeError, sameShape, showShape } from '../dim.js'
import { type Difference, difference, type Fits, type Refusal, refuse, type SameShape, type Show } from '../rule.js'
import type { DimAt, HasAxis, KnownRank, ReplaceAt } from '../tuple.js'

// ── concat ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Joins `A` and `B` along `Axis`; the other dims must be equal. */
export type Concat<Axis extends number, A extends Shape, B extends Shape> = [KnownRank<A>, KnownRank<B>] extends [
  true,
  true,
]
  ? [HasAxis<A, Axis>, HasAxis<B, Axis>] extends [true, true]
    ? [DimAt<A, Axis>, DimAt<B, Axis>] extends [infer X extends number, infer Y extends number]
      ? SameShape<ReplaceAt<B, Axis, 0>, ReplaceAt<A, Axis, 0>> extends true
        ? ReplaceAt<A, Axis, Add<X, Y>>
        : ShapeError<`${ConcatText<Axis, A, B>}: of the second, ${Difference<ReplaceAt<B, Axis, 0>, ReplaceAt<A, Axis, 0>>}`>
      : ShapeError<`${ConcatText<Axis, A, B>}: axis ${Axis} needs numbers`>
    : ShapeError<`${ConcatText<Axis, A, B>}: they have ${A['length']} and ${B['length']} dimensions`>
  : Shape
type ConcatText<Axis extends number, A, B> = `concat on axis ${Axis} cannot take ${Show<A>} and ${Show<B>}`

export const concatRule = (axis: number, a: Shape, b: Shape): Shape | Refusal => {
  const text = `concat on axis ${axis} cannot take ${showShape(a)} and ${showShape(b)}`
  const [x, y] = [a[axis], b[axis]]
  const others = (s: Shape) => s.map((d, i) => (i === axis ? 0 : d))
  if (x === undefined || y === undefined) return refuse(`${text}: they have ${a.length} and ${b.length} dimensions`)
  if (typeof x !== 'number' || typeof y !== 'number') return refuse(`${text}: axis ${axis} needs numbers`)
  return sameShape(others(b), others(a))
    ? a.map((d, i) => (i === axis ? x + y : d))
    : refuse(`${text}: of the second, ${difference(others(b), others(a))}`)
}

/** Joins `A` and all of `Bs`; the first that does not fit speaks. */
export type ConcatAll<Axis extends number, A, Bs extends readonly unknown[]> = number extends Bs['length']
  ? Shape
  : Bs extends readonly [infer B extends Shape, ...infer R]
    ? A extends Shape
      ? ConcatAll<Axis, Concat<Axis, A, B>, R>
      : A
    : A

// ── matrix product ──────────────────────────────────────────────────────────────────────────────────────────────────
/** [..., M, K] × [K, N] → [..., M, N], or with equal leading dims on both sides. */
export type Matmul<A extends Shape, B extends Shape> = [KnownRank<A>, KnownRank<B>] extends [true, true]
  ? [A, B] extends [
      readonly [...infer L extends Shape, infer M extends Dim, infer K extends Dim],
      readonly [...infer R extends Shape, infer J extends Dim, infer N extends Dim],
    ]
    ? Fits<K, J> extends true
      ? R extends readonly []
        ? [...L, M, N]
        : SameShape<R, L> extends true
          ? [...L, M, N]
          : ShapeError<`${MatmulText<A, B>}: the leading dimensions ${Show<L>} and ${Show<R>} differ`>
      : ShapeError<`${MatmulText<A, B>}: the last dimension of the first is ${K}, the last but one of the second ${J}${Fits<K, N> extends true ? '; transpose the second' : ''}`>
    : ShapeError<`${MatmulText<A, B>}: both need two dimensions or more`>
  : Shape
type MatmulText<A, B> = `matmul cannot take ${Show<A>} and ${Show<B>}`

export const matmulRule = (a: Shape, b: Shape): Shape | Refusal => {
  const text = `matmul cannot take ${showShape(a)} and ${showShape(b)}`
  if (a.length < 2 || b.length < 2) return refuse(`${text}: both need two dimensions or more`)
  const [leadA, leadB] = [a.slice(0, -2), b.slice(0, -2)]
  const [k, j, n] = [a.at(-1) as Dim, b.at(-2) as Dim, b.at(-1) as Dim]
  if (k !== j) {
    const cure = k === n ? '; transpose the second' : ''
    return refuse(`${text}: the last dimension of the first is ${k}, the last but one of the second ${j}${cure}`)
  }
  return leadB.length === 0 || sameShape(leadA, leadB)
    ? [...a.slice(0, -1), n]
    : refuse(`${text}: the leading dimensions ${showShape(leadA)} and ${showShape(leadB)} differ`)
}

// ── gather ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** table [V, ...D], ids [...I] → [...I, ...D] */
export type Gather<Table extends Shape, Ids extends Shape> =
  KnownRank<Table> extends false
    ? Shape
    : Table extends readonly [Dim, ...infer D extends Shape]
      ? [...Ids, ...D]
      : ShapeError<`gather cannot take the table ${Show<Table>}: it has no rows`>

export const gatherRule = (table: Shape, ids: Shape): Shape | Refusal =>
  table.length === 0
    ? refuse(`gather cannot take the table ${showShape(table)}: it has no rows`)
    : [...ids, ...table.slice(1)]
