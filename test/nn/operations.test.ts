/** The typed operations compute what they say: against plain loops in float64. Shapes and sentences are tested elsewhere. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/autodiff/index.js'
import { literal, sum, type Tensor } from '../../src/ir/index.js'
import {
  broadcastTo,
  concat,
  dotProductAttention,
  less,
  mul,
  pad,
  rotaryTables,
  rotate,
  select,
  softmax,
  split,
  unsqueeze,
} from '../../src/nn/index.js'
import { rotary } from '../../src/nn/rotary.js'
import { compute } from '../support/compute.js'
import { randomNumbers, relativeError } from '../support/numbers.js'

const filled = (shape: readonly number[], seed: number): Tensor =>
  literal(
    randomNumbers(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  )
const numbers = (t: Tensor): ArrayLike<number> => (t.op.kind === 'literal' ? t.op.data : [])
const evaluated = async (out: Tensor): Promise<readonly number[]> => Array.from((await compute({ out })).out)

const size = fc.integer({ min: 1, max: 4 })

describe('an operation', () => {
  it('dotProductAttention is softmax(q·kᵀ/√d)·v, whether keys are as many as queries or not', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, size, size, size, size, fc.boolean(), async (B, T, S, H, d, e, alike) => {
        const [keys, width] = alike ? [T, d] : [S, e]
        const [q, k, v] = [filled([B, T, H, d], 1), filled([B, keys, H, d], 2), filled([B, keys, H, width], 3)]
        const at = (x: Tensor, b: number, t: number, h: number, i: number): number => {
          const [, n, , w] = x.shape as readonly [number, number, number, number]
          return numbers(x)[((b * n + t) * H + h) * w + i]!
        }
        const expected: number[] = []
        for (let b = 0; b < B; b++)
          for (let t = 0; t < T; t++)
            for (let h = 0; h < H; h++) {
              const scores = Array.from({ length: keys }, (_, s) => {
                let dot = 0
                for (let i = 0; i < d; i++) dot += at(q, b, t, h, i) * at(k, b, s, h, i)
                return Math.exp(dot / Math.sqrt(d))
              })
              const total = scores.reduce((x, y) => x + y, 0)
              for (let i = 0; i < width; i++)
                expected.push(scores.reduce((x, p, s) => x + (p / total) * at(v, b, s, h, i), 0))
            }
        const out = dotProductAttention(q, k, v) as Tensor
        expect(out.shape).toEqual([B, T, H, width])
        expect(relativeError(await evaluated(out), expected)).toBeLessThan(1e-6)
      }),
      { numRuns: 40 },
    )
  })

  it('dotProductAttention has the same gradient in both of its forms', async () => {
    const [q, k, v] = [filled([2, 3, 2, 4], 1), filled([2, 3, 2, 4], 2), filled([2, 3, 2, 4], 3)]
    const weights = filled([2, 3, 2, 4], 4)
    // One column more of v takes the general way; its own cotangent is 0.
    const wide = concat(3, v, filled([2, 3, 2, 1], 5))
    const weighted = (out: Tensor, by: Tensor) => sum(mul(out, by))
    const padded = pad(weights, 3, 0, 1)
    const fast = gradients(weighted(dotProductAttention(q!, k!, v!), weights), [q, k, v])
    const general = gradients(weighted(dotProductAttention(q!, k!, wide), padded), [q, k, v])
    for (const [i, gradient] of fast.entries())
      expect(relativeError(await evaluated(gradient), await evaluated(general[i]!))).toBeLessThan(1e-6)
  })

  it('rotate turns queries as attention turns its packed projections', async () => {
    const packed = filled([2, 5, 3, 2, 8], 1)
    const [q, k, v] = split(packed, 2, 3).map((x) => literal(Float32Array.from(numbersOfPart(packed, x)), [2, 5, 2, 8]))
    const turn = (x: Tensor) => rotate(x, rotaryTables(5, 8)) as Tensor
    const together = await evaluated(rotary(5, 8)(packed))
    const parts = [await evaluated(turn(q!)), await evaluated(turn(k!)), await evaluated(v!)]
    const expected = Array.from({ length: together.length }, (_, i) => {
      const [inner, part, outer] = [i % 16, Math.floor(i / 16) % 3, Math.floor(i / 48)]
      return parts[part]![outer * 16 + inner]!
    })
    expect(relativeError(together, expected)).toBeLessThan(1e-7)
  })

  it('softmax gives shares along its axis, of large numbers too', async () => {
    const x = literal(Float32Array.from([1000, 1001, -1000, 3, 3, 3]), [2, 3])
    const e = Math.E
    const expected = [1 / (1 + e), e / (1 + e), 0, 1 / 3, 1 / 3, 1 / 3]
    expect(relativeError(await evaluated(softmax(x, 1) as Tensor), expected)).toBeLessThan(1e-6)
  })

  it('split takes apart what concat joins', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 4 }), size, async (sizes, rows) => {
        const parts = sizes.map((n, i) => filled([rows, n, 2], i))
        const whole = concat(1, parts[0]!, ...parts.slice(1))
        const again = split(whole, 1, sizes)
        for (const [i, part] of again.entries()) expect(await evaluated(part)).toEqual(Array.from(numbers(parts[i]!)))
      }),
      { numRuns: 20 },
    )
  })

  it('pad, unsqueeze, broadcastTo and select place every element', async () => {
    const x = literal(Float32Array.from([1, 2, 3]), [3])
    expect(await evaluated(pad(x, 0, 1, 2) as Tensor)).toEqual([0, 1, 2, 3, 0, 0])
    expect((unsqueeze(x, 1) as Tensor).shape).toEqual([3, 1])
    expect(await evaluated(broadcastTo(unsqueeze(x, 1), [3, 2]) as Tensor)).toEqual([1, 1, 2, 2, 3, 3])
    expect(await evaluated(select(less(x, 2), x, 9) as Tensor)).toEqual([1, 9, 9])
  })
})

/** The numbers of a slice of a literal along axis 2. */
const numbersOfPart = (whole: Tensor, part: Tensor): readonly number[] => {
  if (part.op.kind !== 'slice') throw new Error(`${part.op.kind} is no slice`)
  const first = part.op.start[2]!
  return Array.from(numbers(whole)).filter((_, i) => Math.floor(i / 16) % 3 === first)
}
