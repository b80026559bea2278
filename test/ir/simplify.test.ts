/** Folding constants must not change what a graph means: on the interpreter, whose meaning is that of a device. */
import { describe, expect, it } from 'vitest'
import {
  add,
  cast,
  concat,
  constant,
  div,
  dot,
  input,
  max,
  minimum,
  mul,
  pad,
  select,
  slice,
  sub,
  sum,
  type Tensor,
} from '../../src/ir/index.js'
import { backendsForTests } from '../support/backends.js'

const graphOf = (y: Tensor) => ({ outputs: { y }, updates: [] })
const LARGE = 2 ** 31 - 1

describe('constants', () => {
  it.each(backendsForTests())('keep the infinities apart: $name', async ({ open }) => {
    const backend = await open()
    if (backend === undefined) return
    const mask = input('mask', [4], 'i32', 'streamed')
    const filled = (value: number) => select(cast(mask, 'bool'), constant(1, [4], 'f32'), constant(value, [4], 'f32'))
    const [up, down] = [filled(Number.POSITIVE_INFINITY), filled(Number.NEGATIVE_INFINITY)]
    const { run, read } = await backend.load(graphOf(sub(mul(up, 0.5), mul(down, 0.5))), {})
    await run({ mask: Int32Array.of(1, 0, 1, 0) })
    const { y } = await read(['y'])
    // A device has the largest number for infinity.
    expect([y![0], y![2]]).toEqual([0, 0])
    expect(Math.min(y![1]!, y![3]!)).toBeGreaterThan(1e38)
  })

  it.each(backendsForTests())('and variables of whole numbers wrap and are divided alike: $name', async ({ open }) => {
    const backend = await open()
    if (backend === undefined) return
    const [a, b] = [
      [7, -7, 7, LARGE, LARGE, -5],
      [2, 2, 0, 2, LARGE, -1],
    ] as const
    const all = (given: (name: string, values: readonly number[]) => Tensor) => {
      const [x, y] = [given('x', a), given('y', b)]
      return graphOf(cast(sub(div(x, y), mul(x, y)), 'f32'))
    }
    const variable = await backend.load(
      all((name) => input(name, [6], 'i32', 'streamed')),
      {},
    )
    await variable.run({ x: Int32Array.from(a), y: Int32Array.from(b) })
    const { y } = await variable.read(['y'])
    expect([...y!]).toEqual([3 - 14, -3 + 14, 7, Math.fround(1073741823 + 2), 1 - 1, 5 - 5])
    for (const [i, found] of y!.entries()) {
      const folded = await backend.load(
        all((_, values) => constant(values[i]!, [1], 'i32')),
        {},
      )
      await folded.run({})
      expect((await folded.read(['y'])).y![0]).toBe(found)
    }
  })
})

describe('what has no elements', () => {
  const x = input('x', [4, 3], 'f32', 'streamed')
  const none = slice(x, [1, 0], [0, 3])

  it.each(backendsForTests())('goes into sums, products and joins: $name', async ({ open }) => {
    const backend = await open()
    if (backend === undefined) return
    const rows = [
      pad(mul(none, none), [1, 0], [0, 0]),
      add(slice(concat([none, x], 0), [0, 0], [1, 3]), sum(none, [0])),
      minimum(slice(x, [1, 0], [1, 3]), max(concat([none, x], 0), [0])),
      sub(slice(x, [2, 0], [1, 3]), sum(dot(none, none, [[0], [0]]), [0])),
    ]
    const { run, read } = await backend.load(graphOf(concat(rows, 0)), {})
    const numbers = Float32Array.from({ length: 12 }, (_, i) => i + 1)
    await run({ x: numbers })
    const { y } = await read(['y'])
    expect([...y!]).toEqual([0, 0, 0, ...numbers.slice(0, 9)])
  })

  it('is refused as a result by a device', async () => {
    const backend = await backendsForTests().at(-1)!.open()
    if (backend === undefined) return console.warn('SKIPPED: no device; an empty output is NOT refused')
    await expect(backend.load(graphOf(none), {})).rejects.toThrow('the output y is [0, 3]: it has no elements')
  })
})
