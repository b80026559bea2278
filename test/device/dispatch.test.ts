import { describe, expect, it } from 'vitest'
import { pipelineOf } from '../../src/device/index.js'
import { runKernel, scaling, withDevice } from '../support/run-kernel.js'

const scale = scaling(2)

describe('dispatching a kernel', () => {
  it(
    'computes, reads back, and leaves what the kernel does not write as it was',
    withDevice(async (device) => {
      const x = Float32Array.from({ length: 11 }, (_, i) => i - 5)
      const [y] = await runKernel(device, scale, [x], [12])
      expect([...y!.subarray(0, 11)]).toEqual([...x].map((v) => 2 * v))
      expect(y![11]).toBeNaN()
      const [kept] = await runKernel(device, scale, [x], [new Float32Array(12).fill(7)])
      expect(kept![11]).toBe(7)
    }),
  )

  it(
    'compiles a text once per device',
    withDevice(async (device) => {
      expect(await pipelineOf(device, scale)).toBe(await pipelineOf(device, { ...scale, name: 'other' }))
    }),
  )

  it(
    'shows the line of WGSL that does not compile, and the device survives it',
    withDevice(async (device) => {
      const broken = { ...scale, wgsl: scale.wgsl.replace('2 * x[id.x]', 'twice(x[id.x])') }
      await expect(pipelineOf(device, broken)).rejects.toThrow(
        /unresolved call target 'twice'\n5 \|.*twice\(x.*\n +\^/s,
      )
      const [y] = await runKernel(device, scale, [new Float32Array(11).fill(1)], [11])
      expect([...y!]).toEqual(Array(11).fill(2))
    }),
  )
})
