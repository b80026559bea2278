import fc from 'fast-check'
import { expect, it } from 'vitest'
import { declareImage, type ImageSpec, LAYER_ROWS, LINE_NUMBERS, STRIP } from '../../kernels/image.js'
import type { Kernel } from '../../kernels/kernel.js'
import { commandBuffer, commandOf, type Device, type Range, readBack, withPlaced } from '../../src/device/index.js'
import { scaling, withDevice } from '../support/run-kernel.js'

/** y ← x, a matrix that is read as an image. */
const copying = (image: ImageSpec): Kernel => {
  const { lines, line, strip } = image
  return {
    name: 'copy',
    bindings: 2,
    images: [image],
    workgroups: [line / 4, Math.ceil(lines / 8), 1],
    wgsl: `
@group(0) @binding(0) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
${declareImage(2, 'x', image)}
@compute @workgroup_size(1, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.y < ${lines}u) {
    y[id.y * ${line / 4}u + id.x] = load_x(id.x % ${strip}u, id.x / ${strip}u * ${lines}u + id.y);
  }
}`,
  }
}

const run = async (device: Device, dispatches: readonly (readonly [Kernel, readonly Range[]])[]): Promise<void> => {
  const commands = await Promise.all(dispatches.map(([kernel, ranges]) => commandOf(device, kernel, ranges)))
  device.gpu.queue.submit([commandBuffer(device, commands)])
}

const sizes = fc.record({
  lines: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(LAYER_ROWS - 1, LAYER_ROWS, LAYER_ROWS + 1, 9001)),
  strips: fc.integer({ min: 2, max: 8 }).map((n) => 2 * n),
  isOne: fc.boolean(),
  /** Bytes before it in its buffer. */
  offset: fc.constantFrom(0, 48, 4096),
})

it(
  'an image shows every number of a matrix of any size, wherever it lies, small ones after large ones',
  withDevice((device) =>
    fc.assert(
      fc.asyncProperty(sizes, async ({ lines, strips, isOne, offset }) => {
        const line = strips * 4 * STRIP
        const x = Float32Array.from({ length: offset / 4 + lines * line }, (_, i) => i)
        const y = new Float32Array(lines * line).fill(Number.NaN)
        await withPlaced(device, [x, y], 'image', async ([from, to]) => {
          const bytes = y.byteLength
          const image = { binding: 0, lines, line, strip: isOne ? line / 4 : STRIP }
          await run(device, [[copying(image), [{ ...from!, offset, bytes }, to!]]])
          const [read] = await readBack(device, [{ ...to!, bytes }])
          expect(Buffer.compare(Buffer.from(read!), Buffer.from(x.buffer, offset))).toBe(0)
        })
      }),
      { numRuns: 25, seed: 3 },
    ),
  ),
  60_000,
)

it(
  'an image shows what the dispatch before has written',
  withDevice(async (device) => {
    const x = new Float32Array(LINE_NUMBERS).fill(1)
    const copy = copying({ binding: 0, lines: 1, line: LINE_NUMBERS, strip: STRIP })
    await withPlaced(device, [x, x.map(() => 0), x.map(() => 0)], 'image', async ([one, two, three]) => {
      await run(device, [
        [scaling(3), [one!, two!]],
        [copy, [two!, three!]],
        [scaling(5), [two!, one!]],
        [copy, [one!, two!]],
      ])
      const [copied, again] = await readBack(device, [three!, two!])
      expect([...new Float32Array(copied!)]).toEqual([...Array(11).fill(3), ...Array(LINE_NUMBERS - 11).fill(0)])
      expect([...new Float32Array(again!)]).toEqual([...Array(11).fill(15), ...Array(LINE_NUMBERS - 11).fill(1)])
    })
  }),
)
