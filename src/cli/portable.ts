/** The device that `check` compiles for: it opens none. */
import type { Target } from '../../kernels/kernel.js'

/** Nothing but what every WebGPU device has: the schedule is shown for it, without opening one. */
export const portable: Target = {
  adapterClass: 'gpu',
  subgroupSize: 0,
  maxBindingBytes: 2 ** 27,
  maxStorageBuffers: 8,
  maxWorkgroupsPerDimension: 65535,
  maxWorkgroupInvocations: 256,
  maxWorkgroupMemoryBytes: 16384,
}
