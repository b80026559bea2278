/** Products of a tensor with itself, or with another view of the same memory: WebGPU must not be asked to bind it twice. */
import { describe, expect, it } from 'vitest'
import { einsum, rearrange, split } from '../../src/index.js'
import { add, input, type Tensor } from '../../src/ir/index.js'
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

describe('a product of', () => {
  const values = { x: randomNumbers(2 * 6 * 12, 1) }
  it.each(Object.keys(products))('%s is the same on every backend', async (name) => {
    const results: (readonly number[])[] = []
    for (const { open, name: device } of backendsForTests()) {
      const backend = await open()
      if (backend === undefined) {
        console.warn(`SKIPPED: no ${device} here`)
        continue
      }
      const executable = await backend.load({ outputs: { out: products[name]! }, updates: [] }, {})
      await executable.run(values)
      results.push(Array.from((await executable.read(['out'])).out!))
    }
    for (const other of results.slice(1)) expect(relativeError(other, results[0]!)).toBeLessThan(1e-6)
  })
})
