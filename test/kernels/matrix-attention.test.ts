/**
 * Attention on matrix units. No machine that tests run on has them: every text is given to Dawn's compiler, on its null
 * backend, and run with the unit emulated.
 */
import { describe, expect, it } from 'vitest'
import { type AttentionSpec, attentionKernels, isOnMatrixUnits } from '../../kernels/attention/index.js'
import type { Kernel, MatrixUnit, Target } from '../../kernels/kernel.js'
import { check } from '../support/attention.js'
import { emulated } from '../support/emulated-matrix.js'
import { large, nullDevice, units, withUnit } from '../support/matrix-units.js'
import { withDevice } from '../support/run-kernel.js'

const [usual, other] = units
const withRoom = (target: Target, matrix: MatrixUnit, limits: Partial<Target> = {}): Target =>
  withUnit(target, matrix, { ...large, hasF16: true, ...limits })
const sizes = (batch: number, sequence: number, heads: number, headDim: number): AttentionSpec => ({
  ...{ batch, sequence, heads, headDim },
  precision: 'f16',
})
const kernelsOf = (spec: AttentionSpec, target: Target): readonly Kernel[] => {
  const { forward, statistics, backward } = attentionKernels(spec, target)
  return [forward, statistics, ...backward]
}

describe('Dawn compiles attention on matrix units', () => {
  const { device, refusal } = nullDevice()

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
          const target = withRoom(device().target, unit)
          const spec = { ...sizes(2, sequence, 2, headDim), ...halves }
          expect(isOnMatrixUnits(spec, target), JSON.stringify(spec)).toBe(true)
          for (const { name, wgsl } of kernelsOf(spec, target)) {
            expect(name).toContain('matrix')
            expect(await refusal(wgsl), name).toBeUndefined()
          }
        }
    })

  it("a workgroup takes Sudoku's 82 tokens whole, in no more memory than NVIDIA has", () => {
    const target = withRoom(device().target, usual)
    for (const { name, workgroups } of kernelsOf(sizes(5, 82, 8, 64), target))
      expect(workgroups, name).toEqual([1, 8, 5])
  })

  it('but only where operands may be rounded, and fit', () => {
    const target = withRoom(device().target, usual)
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
        const target = withRoom(device.target, unit, limits)
        expect(isOnMatrixUnits(spec, target)).toBe(true)
        const through = (unrounded: boolean) => (kernel: Kernel) => emulated(kernel, unit, { unrounded })
        await check(device, spec, target, { through: through(true) })
        if (isRounded === 'rounded too') await check(device, spec, target, { through: through(false), tolerance: 1e-3 })
      }),
      300_000,
    )
})
