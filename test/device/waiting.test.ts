import { describe, expect, it } from 'vitest'
import type { Kernel } from '../../kernels/kernel.js'
import { finished, settled } from '../../src/device/index.js'
import { runKernel, withDevice } from '../support/run-kernel.js'

describe('waiting', () => {
  it('gives the value, or the rejection, of what it waits for', async () => {
    await expect(settled(Promise.resolve(3))).resolves.toBe(3)
    await expect(settled(Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(settled(new Promise((resolve) => setTimeout(resolve, 20, 'late')))).resolves.toBe('late')
  })

  it('lets the processor rest: the event loop turns only every half millisecond', async () => {
    let [turns, counting] = [0, true]
    const count = () => {
      turns++
      if (counting) setImmediate(count)
    }
    count()
    const start = performance.now()
    await settled(new Promise((resolve) => setTimeout(resolve, 100)))
    counting = false
    expect(turns).toBeLessThan(2 * (performance.now() - start) + 10)
  })

  it(
    'on the device ends when its work is done',
    withDevice(async (device) => {
      const kernel: Kernel = {
        name: 'count',
        bindings: 1,
        workgroups: [64, 1, 1],
        wgsl: `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
  var s = 0.0;
  for (var i = 0; i < 20000; i++) { s = s * 0.5 + 1.0; }
  x[id.x] = s;
}`,
      }
      const [x] = await runKernel(device, kernel, [], [512])
      await finished(device)
      expect(x!.every((value) => value === 2)).toBe(true)
    }),
  )
})
