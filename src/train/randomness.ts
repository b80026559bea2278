/**
 * Random numbers by (seed, purpose, step) instead of a running generator: what step 1000 draws does not depend on how one
 * came there, so a resumed run needs no random state but its step count.
 */

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator'

/** Mixes its words into 32 bits (the finaliser of MurmurHash3 after each). */
const mix = (words: readonly number[]): number =>
  words.reduce((h, word) => {
    let x = Math.imul(h ^ word, 0x9e3779b1)
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return x ^ (x >>> 16)
  }, 0x2545f491)

/** An independent generator for each combination of words. */
export const generatorOf = (...words: readonly number[]): RandomGenerator => xoroshiro128plus(mix(words))

/** Uniform in [0, 1), exact in f32. */
export const uniform = (generator: RandomGenerator): number => (generator.next() >>> 8) / 2 ** 24

const EXPLORATION = 1

/** The exploration draws of step `t`: HRM §2, adaptive computation time. */
export const explorationDraws = (seed: number, t: number, batch: number, maxSegments: number) => {
  const generator = generatorOf(seed, EXPLORATION, t)
  const draw = <A extends Float32Array | Int32Array>(values: A, value: () => number): A => {
    for (let i = 0; i < batch; i++) values[i] = value()
    return values
  }
  return {
    'explore.uniform': draw(new Float32Array(batch), () => uniform(generator)),
    // Uniform in 2..M.
    'explore.min_steps': draw(new Int32Array(batch), () => 2 + Math.floor(uniform(generator) * (maxSegments - 1))),
  }
}
