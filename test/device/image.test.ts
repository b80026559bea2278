import { expect, it } from 'vitest'
import { declareImage, IMAGE_WIDTH } from '../../kernels/image.js'
import type { Kernel } from '../../kernels/kernel.js'
import { commandOf, type Device, encode, type Range, readBack, withPlaced } from '../../src/device/index.js'
import { scaling, withDevice } from '../support/run-kernel.js'

/** y ← x, read as an image, 8 vectors a workgroup. */
const copying = (vectors: number): Kernel => ({
  name: 'copy',
  bindings: 2,
  images: [0],
  workgroups: [Math.ceil(vectors / 8), 1, 1],
  wgsl: `
@group(0) @binding(0) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
${declareImage(2, 'x')}
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { y[id.x] = load_x(id.x); }
}`,
})

const run = async (device: Device, dispatches: readonly (readonly [Kernel, readonly Range[]])[]): Promise<void> => {
  const commands = await Promise.all(dispatches.map(([kernel, ranges]) => commandOf(device, kernel, ranges)))
  const encoder = device.gpu.createCommandEncoder()
  encode(encoder, commands)
  device.gpu.queue.submit([encoder.finish()])
}

it(
  'an image shows every vector of a binding, of any length and place',
  withDevice(async (device) => {
    const first = IMAGE_WIDTH * 8
    // Lengths around whole rows, small after large: the image of before is larger than what it shows.
    for (const vectors of [
      1,
      5,
      IMAGE_WIDTH - 1,
      IMAGE_WIDTH,
      IMAGE_WIDTH + 1,
      5 * IMAGE_WIDTH + 3,
      IMAGE_WIDTH * 2,
      2,
    ])
      for (const offset of [0, 16 * 3, 16 * first]) {
        const x = Float32Array.from({ length: offset / 4 + 4 * vectors }, (_, i) => i)
        const y = new Float32Array(4 * vectors).fill(Number.NaN)
        await withPlaced(device, [x, y], 'image', async ([from, to]) => {
          const bytes = 16 * vectors
          await run(device, [[copying(vectors), [{ ...from!, offset, bytes }, to!]]])
          const [read] = await readBack(device, [{ ...to!, bytes }])
          expect(new Float32Array(read!)).toEqual(x.subarray(offset / 4))
        })
      }
  }),
)

it(
  'an image shows what the dispatch before has written',
  withDevice(async (device) => {
    const x = new Float32Array(12).fill(1)
    await withPlaced(device, [x, x.map(() => 0), x.map(() => 0)], 'image', async ([one, two, three]) => {
      await run(device, [
        [scaling(3), [one!, two!]],
        [copying(3), [two!, three!]],
        [scaling(5), [two!, one!]],
        [copying(3), [one!, two!]],
      ])
      const [copied, again] = await readBack(device, [three!, two!])
      expect([...new Float32Array(copied!)]).toEqual([...Array(11).fill(3), 0])
      expect([...new Float32Array(again!)]).toEqual([...Array(11).fill(15), 1])
    })
  }),
)
