/** Matrix units that no machine of the tests has: targets with them, and Dawn's null backend, which compiles for them. */
import * as E from 'fp-ts/lib/Either.js'
import { beforeAll } from 'vitest'
import type { MatrixUnit, Target } from '../../kernels/kernel.js'
import { type Device, openDevice } from '../../src/device/index.js'
import { showProblem } from '../../src/problem.js'

/** NVIDIA's and AMD's; and smaller ones, of adapters whose subgroups have several sizes. */
export const units: readonly [usual: MatrixUnit, other: MatrixUnit] = [
  { m: 16, n: 16, k: 16, subgroupSize: 32, asksForSize: false },
  { m: 8, n: 16, k: 8, subgroupSize: 32, asksForSize: true },
]
/** What NVIDIA's adapters have. */
export const large = { maxWorkgroupMemoryBytes: 49152, maxWorkgroupInvocations: 1024 }

export const withUnit = (target: Target, matrix: MatrixUnit, limits: Partial<Target> = {}): Target => ({
  ...target,
  ...limits,
  adapterClass: 'gpu',
  matrix,
})

/** Opened before the tests of a suite: asks of it only within them. */
export const nullDevice = () => {
  let opened: Device | undefined
  beforeAll(async () => {
    const device = await openDevice({ backend: 'null' })()
    if (E.isLeft(device)) throw new Error(showProblem(device.left))
    opened = device.right
  })
  const device = (): Device => opened!
  /** What Dawn refuses a text for. Larger workgroups than the backend's limits allow: no pipeline, but validated all the same. */
  const refusal = async (wgsl: string): Promise<string | undefined> => {
    device().gpu.pushErrorScope('validation')
    device().gpu.createShaderModule({ code: wgsl })
    return (await device().gpu.popErrorScope())?.message
  }
  return { device, refusal }
}
