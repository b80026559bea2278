/** Seeded randomness for data: one independent stream for every list of numbers (seed, puzzle, copy…). */
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export interface Random {
  /** Uniform in 0..n−1. */
  readonly below: (n: number) => number
  readonly shuffle: <A>(items: readonly A[]) => A[]
  /** A permutation of 0..n−1. */
  readonly permutation: (n: number) => number[]
}

/** Mixes the numbers into one 32-bit seed (the finaliser of MurmurHash3 after each). */
const mix = (key: readonly number[]): number =>
  key.reduce((h, k) => {
    let x = Math.imul(h ^ k, 0x9e3779b1)
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return (x ^ (x >>> 16)) | 0
  }, 0x2545f491)

export const randomOf = (...key: readonly number[]): Random => {
  const generator = xoroshiro128plus(mix(key))
  const below = (n: number): number => uniformInt(generator, 0, n - 1)
  const shuffle = <A>(items: readonly A[]): A[] => {
    const out = [...items]
    for (let i = out.length - 1; i > 0; i--) {
      const j = below(i + 1)
      ;[out[i], out[j]] = [out[j]!, out[i]!]
    }
    return out
  }
  return { below, shuffle, permutation: (n) => shuffle(Array.from({ length: n }, (_, i) => i)) }
}

/** A sample of so many of items that come one after the other, each as likely as the others (algorithm R). */
export const reservoir = <A>(size: number, random: Random) => {
  const items: A[] = []
  let seen = 0
  return {
    items: items as readonly A[],
    add: (item: A): void => {
      const at = seen < size ? seen : random.below(seen + 1)
      if (at < size) items[at] = item
      seen++
    },
  }
}
