import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { compileAhead } from '../../src/device/compile-ahead.js'
import { type Device, openDevice, pipelineOf } from '../../src/device/index.js'
import { problem } from '../../src/problem.js'
import { runKernel, scaling, withDevice } from '../support/run-kernel.js'

const kernels = Array.from({ length: 9 }, (_, i) => scaling(i + 2))
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
      const [y] = await runKernel(device, scaling(3), [x], [11])
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
      const broken = { ...scaling(2), wgsl: scaling(2).wgsl.replace('2 * x', 'twice(x') }
      await expect(compileAhead(asLavapipe(device), [broken])).rejects.toThrow(/scale by 2 does not compile/)
      expect(await pipelineOf(device, scaling(2))).toBeDefined()
    }),
  )
})
