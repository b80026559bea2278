/**
 * What chance adds to a rollout, drawn on the host. Every row has a stream of its own, known by its words (seed, example,
 * candidate): what it draws depends neither on its batch nor on what was drawn before. T positions, D hidden.
 */
import { init, parameter } from '../../nn/index.js'
import { generatorOf, uniform } from '../randomness.js'

/** What a row's chance follows from. */
export type Words = readonly number[]

/** Sets noise apart from other random numbers of the same words. */
const NOISE = 2

/**
 * Fills a row of the noise before segment `segment` on state number `state`, [T · D], with normal numbers of that standard
 * deviation, two of each pair of uniform ones (Box and Muller).
 */
export const drawNoise = (row: Float32Array, words: Words, segment: number, state: number, deviation: number): void => {
  const generator = generatorOf(NOISE, ...words, segment, state)
  for (let i = 0; i < row.length; i += 2) {
    // 1 − u is in (0, 1], so that its logarithm is finite.
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - uniform(generator)))
    const angle = 2 * Math.PI * uniform(generator)
    row[i] = radius * Math.cos(angle)
    if (i + 1 < row.length) row[i + 1] = radius * Math.sin(angle)
  }
}

/**
 * A random initial state, [T · D], from the distribution that a model's own start is drawn from: the truncated normal with
 * standard deviation 1. `vector`: one vector [D] at all positions, as the model's is; `positions`: each position its own.
 */
export const drawStart = (
  positions: number,
  hidden: number,
  words: Words,
  state: string,
  kind: 'vector' | 'positions',
): Float32Array => {
  const path = [...words, state].join('.')
  const size = kind === 'vector' ? hidden : positions * hidden
  const drawn = init({ [path]: parameter([size], { kind: 'truncatedNormal', std: 1 }, 'fixed') }, 0)[path]!
  return kind === 'positions' ? drawn : Float32Array.from({ length: positions * hidden }, (_, i) => drawn[i % hidden]!)
}
