/**
 * Random numbers by (seed, purpose, step) instead of a running generator: what step 1000 draws does not depend on how one
 * came there, so a resumed run needs no random state but its step count.
 */

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator'
import { mixBits } from '../ir/index.js'

/** An independent generator for each combination of words. */
export const generatorOf = (...words: readonly number[]): RandomGenerator => xoroshiro128plus(mixBits(words))

/** Uniform in [0, 1), exact in f32. */
export const uniform = (generator: RandomGenerator): number => (generator.next() >>> 8) / 2 ** 24

const EXPLORATION = 1
const NOISE = 2
const ATTEMPT = 3

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

/** What noise is drawn by in step `t`: a key for every example of the batch. */
export const stepKeys = (seed: number, t: number, batch: number) => ({
  'draws.keys': Int32Array.from({ length: batch }, (_, row) => mixBits([seed, NOISE, t, row])),
})

/**
 * What the start of an attempt at puzzles is drawn by, where a model starts from noise: a key for every example, of its tokens
 * and its puzzle identifier. So the same puzzle begins alike whatever batch it is in; another attempt begins elsewhere.
 */
export const attemptKeys = (
  { inputs, puzzleIdentifiers }: { readonly inputs: Int32Array; readonly puzzleIdentifiers: Int32Array },
  attempt = 0,
) => {
  const length = inputs.length / puzzleIdentifiers.length
  const keyOf = (id: number, row: number) =>
    mixBits([ATTEMPT, attempt, id, ...inputs.subarray(row * length, (row + 1) * length)])
  return { 'draws.keys': puzzleIdentifiers.map(keyOf) }
}
