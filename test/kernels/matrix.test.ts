/**
 * Matmul on matrix units. No machine that tests run on has them: every text is given to Dawn's compiler, on its null
 * backend, and run with the unit emulated. The unit itself is tried out by `device/matrix-check.ts` where there is one.
 */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { type AttentionSpec, attentionKernels } from '../../kernels/attention/index.js'
import type { Kernel, MatrixUnit, Target } from '../../kernels/kernel.js'
import {
  type MatmulSpec,
  matmul,
  matmulVariants,
  selectMatmul,
  tuningCandidates,
  tuningKey,
  variantName,
  variantNamed,
} from '../../kernels/matmul/index.js'
import { compile } from '../../src/compile/index.js'
import { attentionCases, checkMatrix, matrixCases, pipelineOf } from '../../src/device/index.js'
import { hrm } from '../../src/hrm/index.js'
import { defaultSettings, trainingStep } from '../../src/train/index.js'
import { emulated } from '../support/emulated-matrix.js'
import { large, nullDevice, units, withUnit } from '../support/matrix-units.js'
import { relativeError } from '../support/numbers.js'
import { example, type Pairing, pairing } from '../support/products.js'
import { runKernel, withDevice } from '../support/run-kernel.js'

/** Layouts × sizes that divide and that do not × products. */
const specs: readonly MatmulSpec[] = (['nn', 'nt', 'tn'] as const).flatMap((layout) =>
  (
    [
      [128, 128, 64],
      [1, 1, 1],
      [33, 17, 5],
      [130, 68, 40],
      [64, 66, 31],
    ] as const
  ).flatMap(([m, n, k]) => {
    const spec = { layout, batch: 1, m, n, k, precision: 'f16' } as const
    return [spec, { ...spec, batch: 3, broadcastB: true }, { ...spec, halves: ['A', 'B'] as const }]
  }),
)

describe('Dawn compiles every matrix kernel', () => {
  const { device, refusal } = nullDevice()

  for (const unit of units)
    it(`of units of ${unit.m}×${unit.n}×${unit.k}, whatever the shape`, async () => {
      const seen = new Set<string>()
      for (const spec of specs) {
        const target = withUnit(device().target, unit, large)
        for (const variant of matmulVariants(target, 'f16').filter((v) => v.family === 'matrix')) {
          seen.add(variantName(variant))
          const kernel = matmul(spec, target, variant)
          expect(await refusal(kernel.wgsl), kernel.name).toBeUndefined()
        }
        // The null backend has subgroups of 4 to 128 lanes.
        const small = withUnit(device().target, { ...unit, asksForSize: true })
        for (const variant of matmulVariants(small, 'f16').filter((v) => v.family === 'matrix'))
          await pipelineOf(device(), matmul(spec, small, variant))
      }
      expect(seen.size).toBe(4)
    }, 120_000)

  it('of a whole training step in f16, in which nothing else is f16', async () => {
    const model = hrm({
      ...{ hidden: 64, heads: 2, expansion: 2, cycles: 1, steps: 1, layers: { high: 1, low: 1 }, maxSegments: 2 },
      ...{ vocabulary: 6, sequence: 16, puzzles: 3, puzzleEmbedding: 64 },
    })
    const target = withUnit(device().target, { ...units[0], asksForSize: true })
    const graph = trainingStep(model, { ...defaultSettings, window: 4, precision: 'f16' })
    const { kernels } = compile(graph, { batch: 8 }, target)
    await Promise.all(kernels.map((kernel) => pipelineOf(device(), kernel)))
    const names = (part: RegExp) => kernels.filter(({ name }) => part.test(name)).map(({ name }) => name)
    expect(names(/matrix .* f16/).length).toBeGreaterThan(8)
    // What attention and SwiGLU leave for the next product, and gradients on their way to two.
    expect(names(/to f16$/).length).toBeGreaterThan(3)
    // Sums of equal puzzles' gradients, for the optimiser; and QHead with its two gradients.
    const single = names(/^matmul/).filter((name) => !name.includes('f16'))
    expect(single.map((name) => /\d+×\d+×\d+/.exec(name)?.[0]).sort()).toEqual(['2×64×8', '8×2×64', '8×64×2', '8×64×8'])
    for (const { name, wgsl } of kernels) expect(wgsl.includes('enable f16'), name).toBe(/f16|matrix/.test(name))
  }, 120_000)

  it('and refuses one with a wrong stride of types: it does look', async () => {
    const target = withUnit(device().target, units[0])
    const { wgsl } = matmul(specs[0]!, target, matmulVariants(target, 'f16')[0])
    expect(wgsl).toContain('subgroup_matrix_left<f16, 16, 16>')
    expect(await refusal(wgsl.replaceAll('subgroup_matrix_left<f16', 'subgroup_matrix_left<f32'))).toMatch(/left/)
  })
})

describe('a matrix kernel with its unit emulated agrees with a float64 product', () => {
  const [unit, other] = units
  const base = { batch: 1, precision: 'f16' } as const
  const cases: readonly (readonly [MatmulSpec, MatrixUnit, variant: number, paired?: Pairing])[] = [
    [{ ...base, layout: 'nn', m: 32, n: 64, k: 64 }, unit, 3],
    [{ ...base, layout: 'nn', m: 70, n: 68, k: 36, batch: 2 }, unit, 3],
    [{ ...base, layout: 'nt', m: 33, n: 35, k: 50, batch: 2, broadcastA: true }, unit, 3],
    [{ ...base, layout: 'tn', m: 37, n: 72, k: 35 }, unit, 3],
    [{ ...base, layout: 'tn', m: 136, n: 132, k: 44 }, unit, 1],
    [{ ...base, layout: 'nt', m: 40, n: 80, k: 24 }, other, 2],
    [{ ...base, layout: 'nt', m: 35, n: 72, k: 20, halves: ['A', 'B'] }, unit, 2, { apart: 12, makes: 2 }],
    [{ ...base, layout: 'nt', m: 70, n: 132, k: 16 }, other, 1, { apart: 66, makes: 1 }],
  ]
  for (const [plain, of, number, paired] of cases) {
    const spec = paired === undefined ? plain : { ...plain, epilogue: pairing(plain, paired) }
    it(
      `${spec.layout} ${spec.batch}×${spec.m}×${spec.n}×${spec.k} on units of ${of.m}×${of.n}×${of.k}${paired === undefined ? '' : ', in pairs'}`,
      withDevice(async (device) => {
        const target = withUnit(device.target, of)
        const variants = matmulVariants(target, 'f16').filter((v) => v.family === 'matrix')
        expect(variants.length).toBe(4)
        const { inputs, expected } = example(spec, paired)
        const kernel = emulated(matmul(spec, target, variants[number]), of)
        const [c] = await runKernel(device, kernel, inputs, [expected.length])
        expect(relativeError(c!, expected), kernel.name).toBeLessThan(1e-5)
      }),
      300_000,
    )
  }
})

it(
  'the self-test of matrix units tells a right kernel from a wrong one',
  withDevice(async (device) => {
    const [unit] = units
    const cases = matrixCases(withUnit(device.target, unit))
    expect(cases.map(({ kernels }) => kernels.length)).toEqual([4, 4, 4, 4, 4, 4, 3, 3])
    const { spec, kernels } = cases[1]!
    const right = emulated(kernels.at(-1)!, unit)
    // The last column of a tile is left out.
    const wrong = { ...right, wgsl: right.wgsl.replace('column < 70u', 'column < 69u') }
    expect(wrong.wgsl).not.toBe(right.wgsl)
    const checked = (kernels: readonly Kernel[]) => checkMatrix(device, [{ spec, kernels }], [])
    expect(await checked([right])).toEqual(E.right(1))
    expect(await checked([wrong])).toMatchObject({ _tag: 'Left' })
    expect(await checked([])).toMatchObject({ _tag: 'Left' })
  }),
  300_000,
)

it(
  'and a right attention from a wrong one',
  withDevice(async (device) => {
    const [unit] = units
    const target = withUnit(device.target, unit, { ...large, hasF16: true })
    expect(attentionCases(target).map(({ spec }) => spec.sequence)).toEqual([37, 130])
    expect(attentionCases(device.target)).toEqual([])
    const spec: AttentionSpec = { batch: 2, sequence: 5, heads: 1, headDim: 16 }
    const trusted = attentionKernels(spec, device.target)
    const { forward, statistics, backward } = attentionKernels({ ...spec, precision: 'f16' }, target)
    const through = (kernel: Kernel) => emulated(kernel, unit)
    const tried = { forward: through(forward), statistics: through(statistics), backward: backward.map(through) }
    expect(await checkMatrix(device, [], [{ spec, tried, trusted }])).toEqual(E.right(1))
    // A column beyond the end gets a weight.
    const wgsl = tried.statistics.wgsl.replaceAll('< 5u)', '< 6u)')
    const wrong = { ...tried, statistics: { ...tried.statistics, wgsl } }
    expect(await checkMatrix(device, [], [{ spec, tried: wrong, trusted }])).toMatchObject({
      left: { what: expect.stringContaining('attentionStatistics') },
    })
  }),
  300_000,
)

describe('which variant', () => {
  const [matrix] = units
  const target = withUnit(
    {
      adapterClass: 'gpu',
      subgroupSize: 32,
      maxBindingBytes: 2 ** 31,
      maxStorageBuffers: 16,
      maxWorkgroupsPerDimension: 65535,
      ...large,
      hasF16: true,
    },
    matrix,
  )
  const familyOf = (spec: MatmulSpec, on: Target = target) => selectMatmul(spec, on).family
  const spec: MatmulSpec = { layout: 'nn', batch: 1, m: 512, n: 512, k: 512, precision: 'f16' }
  it('matrix units take f16 only, and no shape that is mostly padding', () => {
    expect(familyOf(spec)).toBe('matrix')
    expect(familyOf({ ...spec, m: 4 })).toBe('tiled')
    const { precision: _, ...single } = spec
    expect(familyOf(single)).toBe('tiled')
    expect(matmulVariants(target).some((v) => v.family === 'matrix')).toBe(false)
  })
  it('tuning measures f16 apart from f32, and knows matrix variants by their names', () => {
    const { precision: _, ...single } = spec
    expect(tuningKey(spec)).toBe(`${tuningKey(single)}, f16`)
    const names = tuningCandidates(spec, target).map(variantName)
    expect(names.filter((name) => name.startsWith('matrix')).length).toBe(4)
    expect(names.some((name) => name.startsWith('tiled'))).toBe(true)
    for (const name of names) expect(variantName(variantNamed(name, target)!)).toBe(name)
    expect(tuningCandidates(single, target).some(({ family }) => family === 'matrix')).toBe(false)
  })
  it('workgroups are no larger than the adapter holds', () => {
    const small = { ...target, maxWorkgroupMemoryBytes: 16384, maxWorkgroupInvocations: 256 }
    const tiles = (on: Target) => matmulVariants(on, 'f16').filter((v) => v.family === 'matrix').length
    expect([tiles(target), tiles(small)]).toEqual([4, 1])
    expect(selectMatmul({ ...spec, m: 1e5, n: 1e4 }, target)).toMatchObject({ down: 2, across: 2, columns: 4 })
    expect(selectMatmul({ ...spec, m: 1e5, n: 1e4 }, small)).toMatchObject({ down: 1, across: 2, rows: 2 })
  })
})
