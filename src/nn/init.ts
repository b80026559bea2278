/**
 * Initial values of parameters: deterministic in (seed, path), so that adding a parameter does not shift the others.
 * Truncated normal: a uniform u in (−z, z), z = erf(√2), becomes σ'·√2·erf⁻¹(u), cut at ±2σ'; σ' = 1.13684…·std
 * makes the standard deviation after truncation exactly `std`.
 */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { unary } from '../ir/index.js'
import type { Shape } from '../shape/index.js'
import { flattenParameters, type Initialiser, type ParameterTree } from './parameters.js'

/** erf(√2): the share of a normal distribution within two standard deviations. */
export const withinTwoSigma = 0.9544997361036416
/** σ' / std: the inverse of the standard deviation of a standard normal cut at ±2, √(1 − 4·φ(2)/erf(√2)). */
export const widening = 1 / Math.sqrt(1 - (4 * Math.exp(-2)) / Math.sqrt(2 * Math.PI) / withinTwoSigma)

/** The value that a uniform u in (−erf √2, erf √2) stands for. */
export const truncatedNormal = (u: number, std: number): number => {
  const limit = 2 * widening * std
  return Math.max(-limit, Math.min(limit, widening * std * Math.SQRT2 * unary.erfinv.evaluate(u)))
}

/** A 32-bit digest of seed and path (FNV-1a, then mixed), so that similar paths have unrelated streams. */
const streamSeed = (seed: number, path: string): number => {
  let h = 0x811c9dc5
  for (const byte of new TextEncoder().encode(`${seed}/${path}`)) h = Math.imul(h ^ byte, 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Number of elements of a shape of numbers. */
const count = (shape: Shape): number =>
  shape.reduce<number>((n, d) => {
    if (typeof d !== 'number') throw new Error(`a parameter has the dim "${d}"; parameters need numbers`)
    return n * d
  }, 1)

const fill = (initialiser: Initialiser, size: number, seed: number, path: string): Float32Array => {
  if (initialiser.kind === 'constant') return new Float32Array(size).fill(initialiser.value)
  const stream = xoroshiro128plus(streamSeed(seed, path))
  const uniform = () => ((stream.next() >>> 0) + 0.5) / 2 ** 32
  const values = new Float32Array(size)
  for (let i = 0; i < size; i++) values[i] = truncatedNormal((2 * uniform() - 1) * withinTwoSigma, initialiser.std)
  return values
}

/** Initial values of every parameter by path, row-major. The same seed gives the same numbers. */
export const init = (tree: ParameterTree, seed: number): Readonly<Record<string, Float32Array>> =>
  Object.fromEntries(
    flattenParameters(tree).map(({ path, spec }) => [path, fill(spec.initialiser, count(spec.shape), seed, path)]),
  )

/** How many numbers there are, by how they are trained. */
export const countParameters = (
  tree: ParameterTree,
): { readonly dense: number; readonly rows: number; readonly fixed: number } => {
  const of = (training: string) =>
    flattenParameters(tree)
      .filter(({ spec }) => spec.training === training)
      .reduce((n, { spec }) => n + count(spec.shape), 0)
  return { dense: of('dense'), rows: of('rows'), fixed: of('fixed') }
}
