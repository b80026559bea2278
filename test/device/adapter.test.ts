import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import {
  allocate,
  assertAlive,
  classify,
  DeviceFailure,
  listAdapters,
  openDevice,
  pipelineOf,
  readBack,
} from '../../src/device/index.js'
import { matrixUnitOf } from '../../src/device/matrix-unit.js'
import { withDevice } from '../support/run-kernel.js'

const info = (words: Partial<Parameters<typeof classify>[0]>) => ({
  vendor: '',
  architecture: '',
  device: '',
  description: '',
  ...words,
})

describe('an adapter', () => {
  it('is software where the processor computes, whoever made it', () => {
    expect(classify(info({ vendor: 'mesa', description: 'llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)' }))).toBe('software')
    expect(classify(info({ vendor: 'google', architecture: 'swiftshader' }))).toBe('software')
    expect(classify(info({ description: 'Microsoft Basic Render Driver' }))).toBe('software')
    expect(classify(info({ vendor: 'unknown', isFallbackAdapter: true }))).toBe('software')
    expect(classify(info({ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H200' }))).toBe('gpu')
    expect(classify(info({ vendor: 'apple', architecture: 'metal-3' }))).toBe('gpu')
  })

  it('is listed first when it is the one that opens', async (context) => {
    const adapters = await listAdapters()
    if (E.isLeft(adapters)) return context.skip(adapters.left.what)
    await withDevice(async (device) => {
      expect(adapters.right[0]).toEqual(device.description)
    })(context)
  })

  it('that is not there is a problem that says so and what to do', async () => {
    const opened = await openDevice({ adapter: 'no adapter is called this' })()
    if (E.isRight(opened)) throw new Error('opened an adapter that does not exist')
    expect(opened.left.what).toBe('no graphics adapter that WebGPU can use was found')
    expect(opened.left.fix).toContain('thetagrad doctor')
  })

  it('gives a device its own limits, and a target that agrees with them', async (context) =>
    withDevice(async ({ gpu, target, description }) => {
      expect(gpu.limits.maxStorageBufferBindingSize).toBe(description.limits.maxStorageBufferBindingSize)
      expect(target.maxBindingBytes).toBe(description.limits.maxStorageBufferBindingSize)
      expect(target.maxStorageBuffers).toBe(description.limits.maxStorageBuffersPerShaderStage)
      expect(target.subgroupSize === 0 || description.features.includes('subgroups')).toBe(true)
    })(context))
})

/** Dawn's `null` backend computes nothing but validates everything, and needs no driver: good for breaking things. */
const breakable = async () => {
  const device = await openDevice({ backend: 'null' })()
  if (E.isLeft(device)) throw new Error(device.left.why)
  return device.right
}

describe('a failure of the device', () => {
  it('is remembered when nobody was listening, and rejects the next reading', async () => {
    const device = await breakable()
    expect(() => assertAlive(device)).not.toThrow()
    device.gpu.createBuffer({ size: 16, usage: 0 }) // no usage at all: a validation error
    await device.gpu.queue.onSubmittedWorkDone()
    expect(device.failure()?.why).toMatch(/usage/i)
    const reading = readBack(device, [])
    await expect(reading).rejects.toBeInstanceOf(DeviceFailure)
    device.dispose()
  })

  it('keeps the first of several', async () => {
    const device = await breakable()
    device.fail({ what: 'first' })
    device.fail({ what: 'second' })
    expect(device.failure()).toEqual({ what: 'first' })
    device.dispose()
  })

  it('is not reported for a device that we closed ourselves', async () => {
    const device = await breakable()
    device.dispose()
    await device.gpu.lost
    expect(device.failure()).toBeUndefined()
  })

  it('too large an allocation is a problem that names the limit, and the device stays usable', async () => {
    const device = await breakable()
    const refused = await allocate(device, device.gpu.limits.maxBufferSize + 16, 'the activations')()
    if (E.isRight(refused)) throw new Error('allocated more than the adapter can')
    expect(refused.left.what).toContain('the activations')
    expect(E.isRight(await allocate(device, 1, 'a byte')())).toBe(true)
    expect(device.failure()).toBeUndefined()
    device.dispose()
  })
})

it('matrix kernels can be compiled without a GPU on the null backend', async () => {
  const device = await breakable()
  const pipeline = await pipelineOf(device, {
    name: 'matrix',
    bindings: 1,
    workgroups: [1, 1, 1],
    wgsl: `enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix;
@group(0) @binding(0) var<storage, read_write> a: array<f16>;
@compute @workgroup_size(128) fn main() {
  let m = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&a, 0, 16);
  subgroupMatrixStore<row_major>(&a, 0, m, 16);
}`,
  })
  expect(pipeline.label).toBe('matrix')
  device.dispose()
})

describe('matrix units', () => {
  const config = (M: number, N: number, K: number, resultComponentType = 'f32') => ({
    ...{ componentType: 'f16', resultComponentType, M, N, K },
  })
  const features = new Set([
    'chromium-experimental-subgroup-matrix',
    'subgroups',
    'shader-f16',
    'subgroup-size-control',
  ])
  it('the largest of those that sum in f32 is taken', () => {
    const subgroupMatrixConfigs = [config(16, 8, 8), config(16, 16, 16, 'f16'), config(16, 8, 16), config(16, 16, 16)]
    const info = { subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs }
    expect(matrixUnitOf(info, features)).toEqual({ m: 16, n: 16, k: 16, subgroupSize: 32, asksForSize: false })
    expect(matrixUnitOf({ ...info, subgroupMatrixConfigs: [config(16, 16, 16, 'f16')] }, features)).toBeUndefined()
    expect(matrixUnitOf(info, new Set([...features].filter((name) => name !== 'shader-f16')))).toBeUndefined()
  })
  it('subgroups of several sizes need control over theirs', () => {
    const info = { subgroupMinSize: 32, subgroupMaxSize: 64, subgroupMatrixConfigs: [config(16, 16, 16)] }
    expect(matrixUnitOf(info, features)).toMatchObject({ subgroupSize: 32, asksForSize: true })
    const without = new Set([...features].filter((name) => name !== 'subgroup-size-control'))
    expect(matrixUnitOf(info, without)).toBeUndefined()
  })
})
