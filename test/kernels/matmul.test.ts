import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Target } from '../../kernels/kernel.js'
import {
  type MatmulSpec,
  type MatmulVariant,
  matmul,
  matmulVariants,
  selectMatmul,
  takesPairs,
} from '../../kernels/matmul/index.js'
import type { Device } from '../../src/device/index.js'
import { roundToHalf } from '../../src/ir/index.js'
import { randomNumbers, relativeError } from '../support/numbers.js'
import { example, type Pairing, pairing, product } from '../support/products.js'
import { runKernel, withDevice } from '../support/run-kernel.js'

const TOLERANCE = 1e-5

const errorOf = async (
  device: Device,
  spec: MatmulSpec,
  variant: MatmulVariant,
  target: Target,
  paired?: Pairing,
): Promise<number> => {
  const { inputs, expected } = example(spec, paired)
  const [c] = await runKernel(device, matmul(spec, target, variant), inputs, [expected.length])
  return relativeError(c!, expected)
}

const check = async (device: Device, spec: MatmulSpec, variant: MatmulVariant, target: Target = device.target) => {
  expect(await errorOf(device, spec, variant, target), JSON.stringify({ spec, variant })).toBeLessThan(TOLERANCE)
}

const size = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 10, max: 80 }),
  fc.constantFrom(16, 32, 64, 96),
  fc.constantFrom(64, 128),
)
const layout = fc.constantFrom('nn' as const, 'nt' as const, 'tn' as const)
const specs: fc.Arbitrary<MatmulSpec> = fc
  .record({
    layout,
    batch: fc.integer({ min: 1, max: 3 }),
    m: size,
    n: size,
    k: size,
    broadcastA: fc.boolean(),
    broadcastB: fc.boolean(),
    precision: fc.constantFrom('f16' as const, undefined),
  })
  .map(({ precision, ...spec }) => ({ ...spec, ...(precision !== undefined && { precision }) }))

/** Products whose columns come in pairs: in one group or in several, of sizes that tiles divide and that they do not. */
const pairedSpecs: fc.Arbitrary<{ readonly spec: MatmulSpec; readonly paired: Pairing }> = fc
  .record({
    m: size,
    k: size,
    groups: fc.constantFrom(1, 1, 3, 6),
    apart: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(16, 32, 40)),
    makes: fc.constantFrom(1 as const, 2 as const),
    precision: fc.constantFrom('f16' as const, undefined),
  })
  .map(({ m, k, groups, apart, makes, precision }) => {
    const paired = { apart, makes }
    const n = 2 * apart * groups
    const spec = { layout: 'nt', batch: 1, m, n, k, epilogue: pairing({ n }, paired) } as const
    return { spec: { ...spec, ...(precision !== undefined && { precision }) }, paired }
  })

const classes: readonly (readonly [string, (target: Target) => Target, number])[] = [
  ['the adapter', (target) => target, 24],
  ['the adapter without images', (target) => ({ ...target, hasImages: false }), 8],
  ['adapters without subgroups', (target) => ({ ...target, adapterClass: 'software', subgroupSize: 0 }), 8],
  ['GPUs', (target) => ({ ...target, adapterClass: 'gpu' }), 10],
  ['GPUs whose WGSL has no f16', (target) => ({ ...target, adapterClass: 'gpu', hasF16: false }), 2],
]

describe('matmul agrees with a float64 product', () => {
  for (const [name, targetOf, numRuns] of classes)
    it(
      `for every variant of ${name}, over random shapes and broadcasts`,
      withDevice(async (device) => {
        const target = targetOf(device.target)
        await fc.assert(
          fc.asyncProperty(specs, fc.constantFrom(...matmulVariants(target)), (spec, variant) =>
            check(device, spec, variant, target),
          ),
          { numRuns, seed: 7 },
        )
      }),
      300_000,
    )

  for (const [name, targetOf, numRuns] of classes)
    it(
      `with what is made of pairs of columns, for variants of ${name}`,
      withDevice(async (device) => {
        const target = targetOf(device.target)
        const variants = matmulVariants(target).filter(takesPairs)
        await fc.assert(
          fc.asyncProperty(pairedSpecs, fc.constantFrom(...variants), async ({ spec, paired }, variant) => {
            const error = await errorOf(device, spec, variant, target, paired)
            expect(error, JSON.stringify({ spec, variant })).toBeLessThan(TOLERANCE)
          }),
          { numRuns: Math.ceil(numRuns / 2), seed: 11 },
        )
      }),
      300_000,
    )

  it(
    'with operands that lie in memory as f16, on GPUs',
    withDevice(async (device) => {
      const target = { ...device.target, adapterClass: 'gpu' } as const
      const halves = fc.constantFrom(['A'] as const, ['B'] as const, ['A', 'B'] as const)
      await fc.assert(
        fc.asyncProperty(specs, halves, fc.constantFrom(...matmulVariants(target)), (spec, halves, variant) =>
          check(device, { ...spec, precision: 'f16', halves }, variant, target),
        ),
        { numRuns: 8, seed: 5 },
      )
    }),
    300_000,
  )

  it(
    'for operands that f16 holds badly: beyond its range ∞, ties to even; below its normal numbers 0, but where WGSL has the type',
    withDevice(async (device) => {
      const a = Float32Array.of(65503, 65520, -1e6, 6.2e-5, 6e-5, -2e-5, 1 + 2 ** -11, 1 + 3 * 2 ** -11)
      const step = 2 ** -24
      const small = (hasType: boolean) => [6e-5, -2e-5].map((x) => (hasType ? Math.round(x / step) * step : 0))
      const spec = { layout: 'nn', batch: 1, m: 8, n: 1, k: 1, precision: 'f16' } as const
      for (const [name, targetOf] of classes) {
        const target = targetOf(device.target)
        const kernel = matmul(spec, target)
        const [c] = await runKernel(device, kernel, [a, Float32Array.of(1)], [8])
        const hasType = target.adapterClass === 'gpu' && target.hasF16 === true
        const expected = [65504, Infinity, -Infinity, roundToHalf(6.2e-5), ...small(hasType), 1, 1 + 2 ** -9]
        expect(
          Array.from(c!, (x) => x + 0),
          `${name}: ${kernel.name}`,
        ).toEqual(expected)
      }
    }),
    300_000,
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
          [64, 2, 64],
          [128, 32, 257],
        ] as const) {
          const spec = { layout, batch: 1, m, n, k }
          await check(device, spec, selectMatmul(spec, device.target))
        }
    }),
    300_000,
  )

  it(
    'for shapes that share one text on software adapters: sizes come from the grid and the lengths of the operands',
    withDevice(async (device) => {
      const shapes = [
        [64, 128, 64],
        [128, 64, 128],
        // More than twice as high as wide, where tiles follow one another the other way: another text.
        [192, 64, 128],
        [320, 64, 64],
        // The last tile of rows is not whole: another text.
        [40, 64, 64],
        [24, 128, 192],
      ] as const
      const products = {
        nn: [{}],
        nt: [{}, { batch: 3, broadcastA: true }],
        tn: [{}, { batch: 2, broadcastB: true }],
      }
      for (const layout of ['nn', 'nt', 'tn'] as const)
        for (const rest of products[layout]) {
          const specs = shapes.map(([m, n, k]): MatmulSpec => ({ layout, batch: 1, ...rest, m, n, k }))
          const tiles = matmulVariants(device.target)
          for (const depth of [2, 4]) {
            const variant = tiles.find((v) => v.family === 'subgroup' && v.rows === 2 && v.depth === depth) ?? tiles[0]!
            const texts = specs.map((spec) => matmul(spec, device.target, variant).wgsl)
            if (variant.family === 'subgroup') expect(new Set(texts).size).toBe(3)
            for (const spec of specs) await check(device, spec, variant)
          }
        }
    }),
    300_000,
  )

  it(
    'when its tiles are more than a dimension of the grid holds',
    withDevice(async (device) => {
      const narrow = { ...device.target, maxWorkgroupsPerDimension: 5 }
      for (const target of [narrow, { ...narrow, adapterClass: 'gpu' as const }]) {
        const spec: MatmulSpec = { layout: 'nn', batch: 2, m: 70, n: 66, k: 5 }
        const variant = matmulVariants(target)[0]!
        const { workgroups } = matmul(spec, target, variant)
        expect(Math.max(...workgroups)).toBeLessThanOrEqual(5)
        expect(workgroups.reduce((x, y) => x * y, 1)).toBeGreaterThan(5)
        await check(device, spec, variant, target)
      }
    }),
  )
})

it('an epilogue is refused where pairs are not whole, or not its layout', () => {
  const target = { adapterClass: 'gpu', maxWorkgroupsPerDimension: 65535 } as Target
  const spec = {
    layout: 'nt',
    batch: 1,
    m: 8,
    n: 24,
    k: 8,
    epilogue: pairing({ n: 24 }, { apart: 4, makes: 1 }),
  } as const
  expect(matmul(spec, target).bindings).toBe(4)
  expect(() => matmul({ ...spec, n: 20 }, target)).toThrow(/whole groups of pairs/)
  expect(() => matmul({ ...spec, layout: 'nn' }, target)).toThrow(/layout nt/)
  expect(() => matmul({ ...spec, batch: 2 }, target)).toThrow(/one product/)
})

it('the check above sees one wrong element', () => {
  const spec: MatmulSpec = { layout: 'nn', batch: 1, m: 80, n: 80, k: 80 }
  const right = product(spec, randomNumbers(6400, 1), randomNumbers(6400, 2))
  const wrong = right.map((x, i) => (i === 17 ? x * 0.99 + 0.01 : x))
  expect(relativeError(wrong, right)).toBeGreaterThan(TOLERANCE)
})
