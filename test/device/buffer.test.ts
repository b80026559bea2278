import * as E from 'fp-ts/lib/Either.js'
import { expect, it } from 'vitest'
import { compile } from '../../src/compile/index.js'
import { allocate, readBack, webgpuBackend, write } from '../../src/device/index.js'
import { add, input } from '../../src/ir/index.js'
import { withDevice } from '../support/run-kernel.js'

it(
  'reads back more than a staging buffer holds, range by range',
  withDevice(async (device) => {
    const lengths = [3, 17 * 2 ** 20, 5]
    const ranges = []
    const values = []
    for (const [k, length] of lengths.entries()) {
      const data = Uint32Array.from({ length }, (_, i) => i * 3 + k)
      const buffer = await allocate(device, data.byteLength, `range ${k}`)()
      if (E.isLeft(buffer)) throw new Error(buffer.left.what)
      write(device, buffer.right, data)
      values.push(data)
      ranges.push({ buffer: buffer.right, offset: 0, bytes: data.byteLength })
    }
    const read = await readBack(device, ranges)
    for (const [k, data] of values.entries())
      expect(Buffer.compare(Buffer.from(read[k]!), Buffer.from(data.buffer))).toBe(0)
    const staged = device.staging.reduce((sum, { size }) => sum + size, 0)
    expect(staged).toBeLessThanOrEqual(2 ** 26 + 64)
    for (const { buffer } of ranges) buffer.destroy()
  }),
)

it(
  'a program that is disposed of gives back its memory, not that of residents',
  withDevice(async (device) => {
    const backend = webgpuBackend(device, compile)
    const x = input('x', [1000], 'f32', 'resident')
    const graph = { outputs: { y: add(x, 1) }, updates: [] }
    backend.write('x', new Float32Array(1000).fill(2))
    const first = await backend.load(graph, {})
    const ofOne = backend.peakBytes()
    const second = await backend.load(graph, {})
    const ofTwo = backend.peakBytes()
    expect(ofTwo).toBeGreaterThan(ofOne)
    second.dispose()
    expect(backend.peakBytes()).toBe(ofTwo)
    const third = await backend.load(graph, {})
    expect(backend.peakBytes()).toBe(ofTwo)
    third.dispose()
    await first.run({})
    expect((await first.read(['y'])).y![999]).toBe(3)
  }),
)
