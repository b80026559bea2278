import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AttentionSpec,
  attentionBackward,
  attentionForward,
  attentionStatistics,
} from '../../kernels/attention/index.js'
import { planRows } from '../../kernels/attention/rows.js'
import { rowsBackward } from '../../kernels/attention/rows-backward.js'
import type { AdapterClass, Target } from '../../kernels/kernel.js'
import type { Device } from '../../src/device/index.js'
import { backward, check, type Numbers, reference, rowsOf } from '../support/attention.js'
import { randomNumbers, relativeError } from '../support/numbers.js'
import { hasOracleOps, oracleOp } from '../support/oracle-ops.js'
import { runKernel, withDevice } from '../support/run-kernel.js'

const narrow = (target: Target): Target => ({ ...target, maxWorkgroupsPerDimension: 3 })
const targetOf = (device: Device, adapterClass: AdapterClass): Target => ({ ...device.target, adapterClass })
/** As on software adapters that have no subgroups. */
const withoutSubgroups = (device: Device): Target => ({ ...targetOf(device, 'software'), subgroupSize: 0 })

const specs = (headDim: number) =>
  fc.record({
    batch: fc.integer({ min: 1, max: 2 }),
    sequence: fc.integer({ min: 1, max: 40 }),
    heads: fc.integer({ min: 1, max: 3 }),
    headDim: fc.integer({ min: 1, max: headDim }),
  })

const sizes = (batch: number, sequence: number, heads: number, headDim: number): AttentionSpec => ({
  batch,
  sequence,
  heads,
  headDim,
})

/** Small heads for GPUs: compiling those kernels for a processor takes very long. */
const named: Readonly<Record<AdapterClass, readonly (readonly [string, AttentionSpec])[]>> = {
  software: [
    ['a single token', sizes(2, 1, 1, 4)],
    ['the ARC demo, T = 17', sizes(1, 17, 2, 32)],
    ['Sudoku and its puzzle token, T = 82', sizes(1, 82, 1, 32)],
    ['heads of an odd number of columns', sizes(1, 5, 2, 33)],
    ['heads of 128 columns', sizes(1, 5, 1, 128)],
  ],
  gpu: [
    ['a single token', sizes(2, 1, 1, 4)],
    ['T = 17', sizes(1, 17, 2, 8)],
    ['several workgroups and tiles, T = 130', sizes(1, 130, 1, 4)],
    ['heads of an odd number of columns', sizes(1, 6, 2, 5)],
  ],
}
const most: Readonly<Record<AdapterClass, number>> = { software: 24, gpu: 7 }

describe.each(['software', 'gpu'] as const)('attention for the class %s agrees with float64', (adapterClass) => {
  for (const [name, spec] of named[adapterClass])
    it(
      `for ${name}`,
      withDevice((device) => check(device, spec, targetOf(device, adapterClass))),
      60_000,
    )

  it(
    'where a dimension of the grid does not hold it',
    withDevice((device) => check(device, sizes(5, 4, 2, 4), narrow(targetOf(device, adapterClass)))),
    60_000,
  )

  it(
    'over random shapes',
    withDevice((device) =>
      fc.assert(
        fc.asyncProperty(specs(most[adapterClass]), (spec) => check(device, spec, targetOf(device, adapterClass))),
        { numRuns: 3, seed: 4 },
      ),
    ),
    120_000,
  )
})

it(
  'dk and dv come from one kernel or, for long rows on GPUs, from two',
  withDevice(async (device) => {
    const spec = sizes(2, 5, 1, 4)
    const plan = planRows(spec, targetOf(device, 'gpu'))
    expect(plan.together).toBe(true)
    expect(planRows({ ...spec, headDim: 64 }, targetOf(device, 'gpu')).together).toBe(false)
    const apart = rowsBackward({ ...plan, together: false })
    expect(apart).toHaveLength(3)
    const qkv = randomNumbers(rowsOf(spec) * 3 * spec.headDim, 8)
    const dOut = randomNumbers(rowsOf(spec) * spec.headDim, 9)
    const { lse, delta, dQkv } = reference(spec, qkv, dOut)
    const derivatives = { dOut, lse: Float32Array.from(lse), delta: Float32Array.from(delta) }
    expect(relativeError(await backward(device, apart, qkv, derivatives), dQkv)).toBeLessThan(1e-5)
  }),
  60_000,
)

it(
  'attention without subgroups agrees with float64 too',
  withDevice((device) => check(device, sizes(1, 19, 2, 6), withoutSubgroups(device))),
  60_000,
)

it(
  'attention agrees with float64 on software adapters that have no images',
  withDevice((device) => check(device, sizes(1, 19, 2, 8), { ...device.target, hasImages: false })),
  60_000,
)

it(
  'attention agrees with float64 at the length of ARC, T = 900',
  withDevice((device) => check(device, sizes(1, 900, 1, 4), device.target)),
  60_000,
)

it(
  'attention survives scores far beyond what exp can take',
  withDevice(async (device) => {
    const spec = sizes(1, 21, 1, 8)
    const qkv = randomNumbers(rowsOf(spec) * 3 * spec.headDim, 5).map((x) => 100 * x)
    const expected = reference(spec, qkv, new Float32Array(rowsOf(spec) * spec.headDim))
    expect(Math.max(...expected.lse)).toBeGreaterThan(1000)
    for (const adapterClass of ['software', 'gpu'] as const) {
      const [out] = await runKernel(
        device,
        attentionForward(spec, targetOf(device, adapterClass)),
        [qkv],
        [expected.out.length],
      )
      // Scores of thousands have an absolute error of 1e-4 and more in float32, which the weights then show.
      expect(relativeError(out!, expected.out), adapterClass).toBeLessThan(1e-3)
    }
  }),
  60_000,
)

it(
  'attentionBackward is the derivative that finite differences show',
  withDevice(async (device) => {
    const spec = sizes(1, 5, 2, 4)
    const qkv = randomNumbers(rowsOf(spec) * 3 * spec.headDim, 6)
    const dOut = randomNumbers(rowsOf(spec) * spec.headDim, 7)
    const { lse, delta } = reference(spec, qkv, dOut)
    const loss = (x: Numbers): number => reference(spec, x, dOut).out.reduce((sum, o, i) => sum + o * dOut[i]!, 0)
    const step = 1e-5
    const differences = Float64Array.from(qkv, (_, i) => {
      const [above, below] = [Float64Array.from(qkv), Float64Array.from(qkv)]
      above[i]! += step
      below[i]! -= step
      return (loss(above) - loss(below)) / (2 * step)
    })
    const derivatives = { dOut, lse: Float32Array.from(lse), delta: Float32Array.from(delta) }
    for (const adapterClass of ['software', 'gpu'] as const) {
      const dQkv = await backward(device, attentionBackward(spec, targetOf(device, adapterClass)), qkv, derivatives)
      expect(relativeError(dQkv, differences), adapterClass).toBeLessThan(1e-5)
    }
  }),
  60_000,
)

/** a [m, k] · b, where b is [k, n], or [n, k] if transposed. */
const times = (a: Numbers, b: Numbers, [m, n, k]: readonly [number, number, number], transposed: boolean) =>
  Float32Array.from({ length: m * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n]
    let sum = 0
    for (let c = 0; c < k; c++) sum += a[row * k + c]! * b[transposed ? column * k + c : c * n + column]!
    return sum
  })

it.skipIf(!hasOracleOps)(
  "attention between its two projections is the reference implementation's layer, forward and backward",
  withDevice(async (device) => {
    const read = (name: string) => Float32Array.from(oracleOp(`attn_norope.${name}`).data as Float32Array)
    const [x, wqkv, wo] = [read('in.x'), read('in.wqkv'), read('in.wo')]
    const spec = sizes(2, 6, 2, 8)
    const [tokens, hidden] = [12, 16]
    const qkv = times(x, wqkv, [tokens, 3 * hidden, hidden], true)
    const [attended] = await runKernel(device, attentionForward(spec, device.target), [qkv], [tokens * hidden])
    const [lse] = await runKernel(device, attentionStatistics(spec, device.target), [qkv], [rowsOf(spec)])
    expect(relativeError(times(attended!, wo, [tokens, hidden, hidden], true), read('out'))).toBeLessThan(1e-5)

    const dOut = times(read('cotangent'), wo, [tokens, hidden, hidden], false)
    const { delta } = reference(spec, qkv, dOut)
    const dQkv = await backward(device, attentionBackward(spec, device.target), qkv, {
      dOut,
      lse: lse!,
      delta: Float32Array.from(delta),
    })
    expect(relativeError(times(dQkv, wqkv, [tokens, hidden, 3 * hidden], false), read('grad.x'))).toBeLessThan(1e-5)
  }),
  60_000,
)
