import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Target } from '../../kernels/kernel.js'
import {
  type MatmulSpec,
  type MatmulVariant,
  matmul,
  matmulVariants,
  selectMatmul,
} from '../../kernels/matmul/index.js'
import type { Device } from '../../src/device/index.js'
import { randomNumbers, relativeError } from '../support/numbers.js'
import { runKernel, withDevice } from '../support/run-kernel.js'

const product = (spec: MatmulSpec, a: Float32Array, b: Float32Array): Float64Array => {
  const { layout, batch, m, n, k } = spec
  const c = new Float64Array(batch * m * n)
  for (let p = 0; p < batch; p++) {
    const a0 = spec.broadcastA ? 0 : p * m * k
    const b0 = spec.broadcastB ? 0 : p * k * n
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let q = 0; q < k; q++) {
          const x = a[a0 + (layout === 'tn' ? q * m + i : i * k + q)]!
          const y = b[b0 + (layout === 'nt' ? j * k + q : q * n + j)]!
          sum += x * y
        }
        c[(p * m + i) * n + j] = sum
      }
  }
  return c
}

const check = async (device: Device, spec: MatmulSpec, variant: MatmulVariant, target: Target = device.target) => {
  const a = randomNumbers(spec.m * spec.k * (spec.broadcastA ? 1 : spec.batch), 1)
  const b = randomNumbers(spec.k * spec.n * (spec.broadcastB ? 1 : spec.batch), 2)
  const [c] = await runKernel(device, matmul(spec, target, variant), [a, b], [spec.batch * spec.m * spec.n])
  expect(relativeError(c!, product(spec, a, b)), JSON.stringify({ spec, variant })).toBeLessThan(1e-5)
}

const size = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 80 }), fc.constantFrom(16, 32, 64, 96))
const specs = fc.record({
  layout: fc.constantFrom('nn' as const, 'nt' as const, 'tn' as const),
  batch: fc.integer({ min: 1, max: 3 }),
  m: size,
  n: size,
  k: size,
  broadcastA: fc.boolean(),
  broadcastB: fc.boolean(),
})

describe('matmul agrees with a float64 product', () => {
  it(
    'for every variant of the adapter, over random shapes',
    withDevice(async (device) => {
      const variants = matmulVariants(device.target)
      await fc.assert(
        fc.asyncProperty(specs, fc.constantFrom(...variants), (spec, variant) => check(device, spec, variant)),
        { numRuns: 40, seed: 7 },
      )
    }),
    120_000,
  )

  it(
    'for the workgroup-memory tiles of GPUs',
    withDevice(async (device) => {
      const target: Target = { ...device.target, adapterClass: 'gpu' }
      await fc.assert(
        fc.asyncProperty(specs, fc.constantFrom(...matmulVariants(target)), (spec, variant) =>
          check(device, spec, variant, target),
        ),
        { numRuns: 15, seed: 8 },
      )
    }),
    120_000,
  )

  it(
    'for the shapes of a transformer block, with the default variant',
    withDevice(async (device) => {
      for (const layout of ['nn', 'nt', 'tn'] as const)
        for (const [m, n, k] of [
          [272, 192, 64],
          [164, 11, 128],
          [11, 128, 164],
          [2, 64, 64],
        ] as const) {
          const spec = { layout, batch: 1, m, n, k }
          await check(device, spec, selectMatmul(spec, device.target))
        }
    }),
    120_000,
  )
})

it(
  'an epilogue adds a residual of the same shape as it stores',
  withDevice(async (device) => {
    for (const n of [32, 33]) {
      const spec: MatmulSpec = {
        layout: 'nn',
        batch: 1,
        m: 17,
        n,
        k: 8,
        epilogue: { key: 'residual', inputs: 1, apply: (value, [extra]) => `${value} + ${extra}` },
      }
      const [a, b, e] = [randomNumbers(17 * 8, 1), randomNumbers(8 * n, 2), randomNumbers(17 * n, 3)]
      const [c] = await runKernel(device, matmul(spec, device.target), [a, b, e], [17 * n])
      const expected = product(spec, a, b).map((x, i) => x + e[i]!)
      expect(relativeError(c!, expected)).toBeLessThan(1e-5)
    }
  }),
)
