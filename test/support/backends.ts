/** The devices that tests of whole graphs run on: the reference interpreter, and WebGPU where an adapter is found. */
import * as E from 'fp-ts/lib/Either.js'
import { webgpuBackend } from '../../src/device/index.js'
import type { Backend } from '../../src/ir/index.js'
import { referenceBackend } from '../../src/reference/index.js'
import { testDevice } from './run-kernel.js'

export interface TestBackend {
  readonly name: string
  /** A backend with nothing resident yet; nothing where there is no such device. */
  readonly open: () => Promise<Backend | undefined>
}

export const backendsForTests = (): readonly TestBackend[] => [
  { name: 'reference interpreter', open: async () => referenceBackend() },
  {
    name: 'WebGPU',
    open: async () => {
      const device = await testDevice()
      return E.isLeft(device) ? undefined : webgpuBackend(device.right)
    },
  },
]
