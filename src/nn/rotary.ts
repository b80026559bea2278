/**
 * Rotary positions, rotate-half form: x·cos(tθ) + rotateHalf(x)·sin(tθ) with θ_i = base^(−2i/d), the d/2 frequencies
 * repeated twice. Applied to the packed projections (q, k, v) at once, so that it is one elementwise kernel:
 *   y = x·C + roll(x, d/2)·S,  S = (−sin, +sin) on the two halves;  C = 1, S = 0 for v.
 */
import { add, concat, literal, mul, sliceAxis, type Tensor } from '../ir/index.js'

/** C and S, each [T, 3, 1, d], row-major; computed in float64. */
export const rotaryTables = (
  positions: number,
  headDim: number,
  base = 10000,
): { readonly cosine: Float32Array; readonly sine: Float32Array } => {
  const cosine = new Float32Array(positions * 3 * headDim).fill(1)
  const sine = new Float32Array(positions * 3 * headDim)
  const half = headDim / 2
  for (let t = 0; t < positions; t++)
    for (const part of [0, 1])
      for (let i = 0; i < headDim; i++) {
        const angle = t * base ** ((-2 * (i % half)) / headDim)
        const at = (t * 3 + part) * headDim + i
        cosine[at] = Math.cos(angle)
        sine[at] = i < half ? -Math.sin(angle) : Math.sin(angle)
      }
  return { cosine, sine }
}

/** Packed projections [B, T, 3, H, d] → the same with q and k turned by their position; one pair of tables for all calls. */
export const rotary = (positions: number, headDim: number): ((qkv: Tensor) => Tensor) => {
  const tables = rotaryTables(positions, headDim)
  const shape = [positions, 3, 1, headDim]
  const [cosine, sine] = [literal(tables.cosine, shape), literal(tables.sine, shape)]
  const half = headDim / 2
  return (qkv) => {
    const rolled = concat([sliceAxis(qkv, 4, half, half), sliceAxis(qkv, 4, 0, half)], 4)
    return add(mul(qkv, cosine), mul(rolled, sine))
  }
}
