/**
 * Products of a tensor with itself, or with another view of the same memory: WebGPU must not be asked to bind it twice. And
 * parts packed one after another, of which some are pieces of the same memory.
 */
import { describe, expect, it } from 'vitest'
import { einsum, rearrange, split } from '../../src/index.js'
import { add, dot, input, pack, sliceAxis, sum, type Tensor } from '../../src/ir/index.js'
import { backendsForTests } from '../support/backends.js'
import { randomNumbers, relativeError } from '../support/numbers.js'

const x = input('x', [2, 6, 12], 'f32', 'streamed') as Tensor<[2, 6, 12], 'f32'>
const computed = add(x, 1) as Tensor<[2, 6, 12], 'f32'>
const [left, right] = split(computed, 2, 2)
const heads = rearrange(computed, 'b t (n d) -> b n t d', { n: 3 })
const products: Readonly<Record<string, Tensor>> = {
  'a leaf with itself': einsum('b t d, b s d -> b t s', x, x),
  'a value with itself': einsum('b t d, b s d -> b t s', computed, computed),
  'a value with its transpose': einsum('b t d, b d s -> b t s', computed, rearrange(computed, 'b t d -> b d t')),
  'two halves of a value': einsum('b t d, b s d -> b t s', left, right),
  'heads with heads': einsum('b n t d, b n s d -> b n t s', heads, heads),
}

/** What a product makes is stored, and larger than any part: its beginning, and a sum of the rest. */
const rows = dot(x, x, [
  [0, 1],
  [0, 1],
])
const packs: Readonly<Record<string, Tensor>> = {
  'the beginning of a value and what is made of its end': pack(
    [sliceAxis(rows, 0, 0, 2), sum(sliceAxis(rows, 0, 2, 10), [0])],
    [0, 64],
    128,
  ),
  'a value, and its beginning once more': pack([rows, sliceAxis(rows, 0, 0, 2)], [0, 192], 256),
}

describe.each([
  ['a product of', products],
  ['packed:', packs],
])('%s', (_, graphs) => {
  const values = { x: randomNumbers(2 * 6 * 12, 1) }
  it.each(Object.keys(graphs))('%s is the same on every backend', async (name) => {
    const results: (readonly number[])[] = []
    for (const { open, name: device } of backendsForTests()) {
      const backend = await open()
      if (backend === undefined) {
        console.warn(`SKIPPED: no ${device} here`)
        continue
      }
      const executable = await backend.load({ outputs: { out: graphs[name]! }, updates: [] }, {})
      await executable.run(values)
      results.push(Array.from((await executable.read(['out'])).out!))
    }
    for (const other of results.slice(1)) expect(relativeError(other, results[0]!)).toBeLessThan(1e-6)
  })
})
