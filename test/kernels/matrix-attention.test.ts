/**
 * Attention on matrix units. No machine that tests run on has them: every text is given to Dawn's compiler, on its null
 * backend, and run with the unit emulated.
 */
import * as E from 'fp-ts/lib/Either.js'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type AttentionSpec,
  attentionBackward,
  attentionForward,
  attentionStatistics,
  isOnMatrixUnits,
} from '../../kernels/attention/index.js'
import type { MatrixUnit, Target } from '../../kernels/kernel.js'
import { type Device, openDevice } from '../../src/device/index.js'
import { showProblem } from '../../src/problem.js'
import { check } from '../support/attention.js'
import { emulated } from '../support/emulated-matrix.js'
import { withDevice } from '../support/run-kernel.js'

const usual: MatrixUnit = { m: 16, n: 16, k: 16, subgroupSize: 32, asksForSize: false }
const other: MatrixUnit = { m: 8, n: 16, k: 8, subgroupSize: 32, asksForSize: true }
/** What NVIDIA's adapters have. */
const large = { maxWorkgroupMemoryBytes: 49152, maxWorkgroupInvocations: 1024 }

const withUnit = (target: Target, matrix: MatrixUnit, limits: Partial<Target> = {}): Target => ({
  ...target,
  ...large,
  ...limits,
  adapterClass: 'gpu',
  hasF16: true,
  matrix,
})
const sizes = (batch: number, sequence: number, heads: number, headDim: number): AttentionSpec => ({
  ...{ batch, sequence, heads, headDim },
  precision: 'f16',
})
const kernelsOf = (spec: AttentionSpec, target: Target) => [
  attentionForward(spec, target),
  attentionStatistics(spec, target),
  ...attentionBackward(spec, target),
]

describe('Dawn compiles attention on matrix units', () => {
  let device: Device
  beforeAll(async () => {
    const opened = await openDevice({ backend: 'null' })()
    if (E.isLeft(opened)) throw new Error(showProblem(opened.left))
    device = opened.right
  })

  /** Larger workgroups than the null backend's limits allow: the text alone. */
  const refusal = async (wgsl: string): Promise<string | undefined> => {
    device.gpu.pushErrorScope('validation')
    device.gpu.createShaderModule({ code: wgsl })
    return (await device.gpu.popErrorScope())?.message
  }

  for (const unit of [usual, other])
    it(`of units of ${unit.m}×${unit.n}×${unit.k}`, async () => {
      for (const [sequence, headDim] of [
        [1, 16],
        [17, 32],
        [82, 64],
        [100, 64],
        [901, 64],
        [96, 128],
      ] as const)
        for (const halves of [{}, { halfInput: true, halfOutput: true }]) {
          const target = withUnit(device.target, unit)
          const spec = { ...sizes(2, sequence, 2, headDim), ...halves }
          expect(isOnMatrixUnits(spec, target), JSON.stringify(spec)).toBe(true)
          for (const { name, wgsl } of kernelsOf(spec, target)) {
            expect(name).toContain('matrix')
            expect(await refusal(wgsl), name).toBeUndefined()
          }
        }
    })

  it("a workgroup takes Sudoku's 82 tokens whole, in no more memory than NVIDIA has", () => {
    const target = withUnit(device.target, usual)
    for (const { name, workgroups } of kernelsOf(sizes(5, 82, 8, 64), target))
      expect(workgroups, name).toEqual([1, 8, 5])
  })

  it('but only where operands may be rounded, and fit', () => {
    const target = withUnit(device.target, usual)
    const { precision: _, ...single } = sizes(1, 20, 2, 64)
    expect(isOnMatrixUnits(single, target)).toBe(false)
    expect(isOnMatrixUnits(sizes(1, 20, 2, 24), target)).toBe(false)
    const { matrix: __, ...without } = target
    expect(isOnMatrixUnits(sizes(1, 20, 2, 64), without)).toBe(false)
    expect(isOnMatrixUnits(sizes(1, 20, 2, 64), { ...target, maxWorkgroupMemoryBytes: 4096 })).toBe(false)
  })
})

describe('attention with the matrix unit emulated agrees with float64', () => {
  const cases: readonly (readonly [string, AttentionSpec, MatrixUnit, Partial<Target>?, 'rounded too'?])[] = [
    ['single tokens in a folded grid', sizes(5, 1, 2, 16), usual, { maxWorkgroupsPerDimension: 3 }],
    ['several subgroups, the last one short', sizes(1, 21, 1, 16), usual],
    ['rows that do not fit at once', sizes(1, 43, 1, 16), usual, { maxWorkgroupMemoryBytes: 7000 }],
    ['whole spans of other units', sizes(1, 32, 1, 16), other, {}, 'rounded too'],
  ]
  for (const [name, spec, unit, limits, isRounded] of cases)
    it(
      `for ${name}`,
      withDevice(async (device) => {
        const target = withUnit(device.target, unit, limits)
        expect(isOnMatrixUnits(spec, target)).toBe(true)
        const through = (unrounded: boolean) => (kernel: ReturnType<typeof attentionForward>) =>
          emulated(kernel, unit, { unrounded })
        await check(device, spec, target, { through: through(true) })
        if (isRounded === 'rounded too') await check(device, spec, target, { through: through(false), tolerance: 1e-3 })
      }),
      300_000,
    )
})
