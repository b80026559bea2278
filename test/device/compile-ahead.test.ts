import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import type { Kernel } from '../../kernels/kernel.js'
import { compileAhead } from '../../src/device/compile-ahead.js'
import { type Device, openDevice, pipelineOf } from '../../src/device/index.js'
import { problem } from '../../src/problem.js'
import { runKernel, withDevice } from '../support/run-kernel.js'

/** y ← factor·x, as a text of its own for every factor. */
const scaled = (factor: number): Kernel => ({
  name: `scale by ${factor}`,
  bindings: 2,
  workgroups: [2, 1, 1],
  wgsl: `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < 11) { y[id.x] = ${factor} * x[id.x]; }
}`,
})
const kernels = Array.from({ length: 9 }, (_, i) => scaled(i + 2))
const x = Float32Array.from({ length: 11 }, (_, i) => i - 5)

/** The device, whatever it is, as lavapipe. */
const asLavapipe = (device: Device): Device => ({
  ...device,
  description: { ...device.description, device: 'llvmpipe' },
})

/** That, and what it opened beside itself. */
const watched = (device: Device) => {
  const opened: Device[] = []
  const another = async () => {
    const one = await openDevice()()
    if (E.isRight(one)) opened.push(one.right)
    return one
  }
  return { device: { ...asLavapipe(device), another }, opened }
}

describe('compiling ahead', () => {
  it(
    'divides the kernels among devices, closes those it opened, and leaves the kernels as they were',
    withDevice(async (plain) => {
      const { device, opened } = watched(plain)
      await compileAhead(device, kernels, 0)
      expect(opened.length).toBeGreaterThan(0)
      const texts = [device, ...opened].flatMap(({ pipelines }) => [...pipelines.keys()])
      expect(texts.length).toBe(kernels.length)
      expect(new Set(texts).size).toBe(kernels.length)
      for (const one of [device, ...opened]) expect(one.failure()).toBeUndefined()
      for (const { gpu } of opened) expect((await gpu.lost).reason).toBe('destroyed')
      const [y] = await runKernel(device, scaled(3), [x], [11])
      expect([...y!]).toEqual([...x].map((v) => 3 * v))
    }),
  )

  it(
    'opens no other device while nothing is slow',
    withDevice(async (plain) => {
      const { device, opened } = watched(plain)
      await compileAhead(device, kernels, Number.POSITIVE_INFINITY)
      expect(opened).toEqual([])
      expect(device.pipelines.size).toBe(kernels.length)
    }),
  )

  it(
    'needs no other device, and asks for nothing where there is nothing to compile',
    withDevice(async (plain) => {
      const device = { ...asLavapipe(plain), another: async () => E.left(problem('no second device')) }
      await compileAhead(device, kernels, 0)
      expect(device.pipelines.size).toBe(kernels.length)
      await compileAhead(device, [], 0)
      expect(device.failure()).toBeUndefined()
    }),
  )

  it(
    'says which kernel is wrong',
    withDevice(async (device) => {
      const broken = { ...scaled(2), wgsl: scaled(2).wgsl.replace('2 * x', 'twice(x') }
      await expect(compileAhead(asLavapipe(device), [broken])).rejects.toThrow(/scale by 2 does not compile/)
      expect(await pipelineOf(device, scaled(2))).toBeDefined()
    }),
  )
})
