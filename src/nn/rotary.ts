/**
 * Rotary positions, rotate-half form: x·cos(tθ) + rotateHalf(x)·sin(tθ) with θ_i = base^(−2i/d), the d/2 frequencies
 * repeated twice. T positions, H heads, d head dim. For attention on packed projections (q, k, v) the tables hold all
 * three, so that turning is one elementwise kernel:
 *   y = x·C + roll(x, d/2)·S,  S = (−sin, +sin) on the two halves;  C = 1, S = 0 for v.
 */
import { add, concat, type DType, literal, mul, sliceAxis, type Tensor } from '../ir/index.js'
import {
  type Accept,
  demand,
  demandPositive,
  type EvenHead,
  evenHead,
  type First,
  type Positive,
  type Rotated,
  rotatedRule,
  type Shape,
  ShapeError,
} from '../shape/index.js'
import { demandType, type Takes, type TensorOf } from './typing.js'

/** The angle that pair i < d/2 turns by at position t. */
type AngleAt = (t: number, i: number) => number

/** tθ_i */
const inLine =
  (headDim: number, base: number): AngleAt =>
  (t, i) =>
    t * base ** ((-2 * i) / headDim)

/** Of positions that are a square, read line by line: the first quarter of a head turns by the row, the second by the column. */
const onGrid = (positions: number, headDim: number, base: number): AngleAt => {
  const width = Math.round(Math.sqrt(positions))
  if (width ** 2 !== positions)
    throw new ShapeError(
      `rotary positions on a grid need a square of positions, and there are ${positions}: use a line`,
    )
  const byPlace = inLine(headDim / 2, base)
  return (t, i) => (i < headDim / 4 ? byPlace(Math.floor(t / width), i) : byPlace(t % width, i - headDim / 4))
}

/** cos and ±sin of the angles, row-major [T, d]; computed in float64. */
const angles = (positions: number, headDim: number, angleAt: AngleAt) => {
  const cosine = new Float32Array(positions * headDim)
  const sine = new Float32Array(positions * headDim)
  const half = headDim / 2
  for (let t = 0; t < positions; t++)
    for (let i = 0; i < headDim; i++) {
      const angle = angleAt(t, i % half)
      cosine[t * headDim + i] = Math.cos(angle)
      sine[t * headDim + i] = i < half ? -Math.sin(angle) : Math.sin(angle)
    }
  return { cosine, sine }
}

/** x·C + roll(x, d/2)·S over the last axis. */
const turn = (x: Tensor, cosine: Tensor, sine: Tensor): Tensor => {
  const axis = x.shape.length - 1
  const half = (x.shape[axis] as number) / 2
  const rolled = concat([sliceAxis(x, axis, half, half), sliceAxis(x, axis, 0, half)], axis)
  return add(mul(x, cosine), mul(rolled, sine))
}

const BASE = 10000

/**
 * Packed projections [B, T, 3, H, d] → the same with q and k turned by their position, or by row and column; one pair of
 * tables for all calls.
 */
export const rotary = (positions: number, headDim: number, isGrid = false): ((qkv: Tensor) => Tensor) => {
  const table = angles(positions, headDim, isGrid ? onGrid(positions, headDim, BASE) : inLine(headDim, BASE))
  const shape = [positions, 3, 1, headDim]
  const cosine = new Float32Array(positions * 3 * headDim).fill(1)
  const sine = new Float32Array(positions * 3 * headDim)
  for (let t = 0; t < positions; t++)
    for (const part of [0, 1]) {
      const from = t * headDim
      cosine.set(table.cosine.subarray(from, from + headDim), (t * 3 + part) * headDim)
      sine.set(table.sine.subarray(from, from + headDim), (t * 3 + part) * headDim)
    }
  const [c, s] = [literal(cosine, shape), literal(sine, shape)]
  return (qkv) => turn(qkv, c, s)
}

/** Tables of `positions` × `headDim`: what `rotate` turns with. */
export interface RotaryTables<T extends number = number, D extends number = number> {
  readonly positions: T
  readonly headDim: D
  /** [T, 1, d], so that every head is turned alike. */
  readonly cosine: Tensor<[T, 1, D], 'f32'>
  readonly sine: Tensor<[T, 1, D], 'f32'>
}

/** Tables for `positions` positions and an even head dimension; `base` sets the slowest frequency. */
export const rotaryTables = ((positions: number, headDim: number, base = BASE): RotaryTables => {
  demandPositive('rotaryTables', positions)
  const odd = evenHead('rotaryTables', headDim)
  if (odd !== undefined) throw new ShapeError(odd.sentence)
  const { cosine, sine } = angles(positions, headDim, inLine(headDim, base))
  const table = (data: Float32Array) => literal(data, [positions, 1, headDim]) as RotaryTables['cosine']
  return { positions, headDim, cosine: table(cosine), sine: table(sine) }
}) as unknown as <const T extends number, const D extends number>(
  positions: Positive<'rotaryTables', T> & T,
  headDim: EvenHead<'rotaryTables', D> & D,
  base?: number,
) => RotaryTables<T, D>

/** Queries or keys [B, T, H, d] turned by their position. */
export const rotate = ((x: Tensor, tables: RotaryTables) => {
  demandType('rotate', 'f32', x)
  demand(rotatedRule(x.shape, tables.positions, tables.headDim))
  return turn(x, tables.cosine, tables.sine)
}) as unknown as <S extends Shape, E extends DType, T extends number, D extends number>(
  x: First<Takes<'rotate', 'f32', NoInfer<S>, NoInfer<E>>, Accept<Rotated<NoInfer<S>, T, D>>> & Tensor<S, E>,
  tables: RotaryTables<T, D>,
) => TensorOf<Rotated<S, T, D>, 'f32'>
