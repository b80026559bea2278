import fc from 'fast-check'
import { expect, it } from 'vitest'
import { scatterAdd } from '../../kernels/scatter-add.js'
import { scatterRows } from '../../kernels/scatter-rows.js'
import { randomNumbers, relativeError } from '../support/numbers.js'
import { runKernel, withDevice } from '../support/run-kernel.js'

const classes = ['software', 'gpu'] as const

const cases = fc
  .record({
    rows: fc.integer({ min: 1, max: 12 }),
    count: fc.integer({ min: 1, max: 40 }),
    width: fc.integer({ min: 1, max: 33 }),
  })
  .chain((spec) =>
    fc.record({
      spec: fc.constant(spec),
      // One id beyond either end: such rows must be left out.
      ids: fc.array(fc.integer({ min: -1, max: spec.rows }), { minLength: spec.count, maxLength: spec.count }),
    }),
  )

it(
  'scatterAdd sums the rows of each id and ignores ids out of range',
  withDevice((device) =>
    fc.assert(
      fc.asyncProperty(cases, async ({ spec, ids }) => {
        const values = randomNumbers(spec.count * spec.width, 1)
        const expected = new Float64Array(spec.rows * spec.width)
        ids.forEach((id, n) => {
          if (id < 0 || id >= spec.rows) return
          for (let c = 0; c < spec.width; c++) expected[id * spec.width + c]! += values[n * spec.width + c]!
        })
        for (const adapterClass of classes) {
          const kernel = scatterAdd(spec, { ...device.target, adapterClass })
          const [out] = await runKernel(device, kernel, [Int32Array.from(ids), values], [expected.length])
          expect(relativeError(out!, expected), adapterClass).toBeLessThan(1e-5)
        }
      }),
      { numRuns: 10, seed: 1 },
    ),
  ),
  60_000,
)

it(
  'scatterRows replaces the rows named and keeps the others',
  withDevice((device) =>
    fc.assert(
      fc.asyncProperty(cases, async ({ spec, ids }) => {
        const table = randomNumbers(spec.rows * spec.width, 2)
        const byId = randomNumbers((spec.rows + 2) * spec.width, 3)
        const values = Float32Array.from(
          ids.flatMap((id) => [...byId.subarray((id + 1) * spec.width, (id + 2) * spec.width)]),
        )
        const expected = table.slice()
        ids.forEach((id, n) => {
          if (id >= 0 && id < spec.rows)
            expected.set(values.subarray(n * spec.width, (n + 1) * spec.width), id * spec.width)
        })
        for (const adapterClass of classes) {
          const kernel = scatterRows(spec, { ...device.target, adapterClass })
          const [out] = await runKernel(device, kernel, [Int32Array.from(ids), values], [table])
          expect([...out!], adapterClass).toEqual([...expected])
        }
      }),
      { numRuns: 10, seed: 2 },
    ),
  ),
  60_000,
)

it(
  'grids of more workgroups than one dimension may have are folded into two',
  withDevice(async (device) => {
    const spec = { rows: 9, count: 11, width: 20 }
    const narrow = { ...device.target, maxWorkgroupsPerDimension: 2 }
    const ids = Int32Array.from({ length: spec.count }, (_, n) => n % spec.rows)
    const values = randomNumbers(spec.count * spec.width, 4)
    for (const kernel of [scatterAdd, scatterRows]) {
      const wide = kernel(spec, device.target)
      const folded = kernel(spec, narrow)
      expect(folded.workgroups[0]).toBeLessThanOrEqual(2)
      // Two rows of the table get two different values each: only the sums are compared there.
      const known = kernel === scatterAdd ? ids : ids.map((id, n) => (n < spec.rows ? id : -1))
      const [a] = await runKernel(device, wide, [known, values], [new Float32Array(spec.rows * spec.width)])
      const [b] = await runKernel(device, folded, [known, values], [new Float32Array(spec.rows * spec.width)])
      expect([...b!]).toEqual([...a!])
    }
  }),
  60_000,
)
