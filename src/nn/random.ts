/**
 * Random numbers in a graph. Every row of the batch has a key, an i32 that the host streams; a number is a function of its
 * row's key and of a counter (`ir/random.ts`). So nothing random is kept anywhere: the same keys give the same numbers, on
 * any device, however the batch is split, and after any resumption.
 */
import { add, constant, erfinv, iota, mul, reshape, type Tensor, uniform } from '../ir/index.js'
import { elements, type Shape } from '../shape/index.js'
import { widening, withinTwoSigma } from './init.js'

/** Numbers of a distribution, independent of all that were drawn before. [B, …] for a shape [B, …] of sizes known but B. */
export interface Draws {
  /** Standard normal. */
  readonly normal: (shape: Shape) => Tensor
  /** Normal, cut at ±2σ and rescaled to this standard deviation: as parameters begin. */
  readonly truncatedNormal: (shape: Shape, std: number) => Tensor
}

/** Draws by keys [B], with the counters from `first` on: graphs that share keys take ranges of their own. */
export const drawsOf = (keys: Tensor, first = 0): Draws => {
  let from = first
  /** Uniform in (−1, 1); element i of a row has counter `from + i`. */
  const uniforms = (shape: Shape): Tensor => {
    const sizeOf = (axes: Shape): number => Number(elements(axes))
    const counter = shape
      .slice(1)
      .map((_, i) => mul(iota(shape, i + 1), sizeOf(shape.slice(i + 2))))
      .reduce((a, b) => add(a, b), constant(from, shape, 'i32'))
    from += sizeOf(shape.slice(1))
    return uniform(reshape(keys, [shape[0]!, ...shape.slice(1).map(() => 1)]), counter)
  }
  const normalOf = (u: Tensor, std: number): Tensor => mul(erfinv(u), Math.SQRT2 * std)
  return {
    normal: (shape) => normalOf(uniforms(shape), 1),
    truncatedNormal: (shape, std) => normalOf(mul(uniforms(shape), withinTwoSigma), widening * std),
  }
}
