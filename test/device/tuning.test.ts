import { describe, expect, it } from 'vitest'
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
import { type TuningStore, tuneMatmul, webgpuBackend } from '../../src/device/index.js'
import { dot, input } from '../../src/ir/index.js'
import { withDevice } from '../support/run-kernel.js'

const spec: MatmulSpec = { layout: 'nt', batch: 1, m: 40, n: 64, k: 32 }

/** One product of 40×32 by 64×32ᵀ. */
const graph = () => {
  const [a, b] = [input('a', [40, 32], 'f32', 'streamed'), input('b', [64, 32], 'f32', 'streamed')]
  return { outputs: { c: dot(a, b, [[1], [1]]) }, updates: [] }
}

const memory = (
  kept: Readonly<Record<string, string>> = {},
): TuningStore & { kept: Readonly<Record<string, string>> } => {
  const store = {
    kept,
    read: () => store.kept,
    write: (_: unknown, fastest: Readonly<Record<string, string>>) => {
      store.kept = fastest
    },
  }
  return store
}

describe('the choice among kernels', () => {
  it(
    'is told by a name, which finds it again',
    withDevice(async ({ target }) => {
      for (const adapterClass of ['software', 'gpu'] as const)
        for (const variant of matmulVariants({ ...target, adapterClass }))
          expect(variantNamed(variantName(variant), { ...target, adapterClass })).toEqual(variant)
      expect(variantNamed('subgroup 9×9', target)).toBeUndefined()
    }),
  )

  it(
    'begins with the default, and has everything once',
    withDevice(async ({ target }) => {
      for (const adapterClass of ['software', 'gpu'] as const) {
        const names = tuningCandidates(spec, { ...target, adapterClass }).map(variantName)
        expect(names[0]).toBe(variantName(selectMatmul(spec, { ...target, adapterClass })))
        expect(new Set(names).size).toBe(names.length)
        expect(names.length).toBeGreaterThan(1)
      }
    }),
  )
})

describe('tuning', () => {
  it(
    'never takes a variant that computes wrong numbers, or leaves some out',
    withDevice(async (device) => {
      const [usual, ...others] = tuningCandidates(spec, device.target)
      const [twice, half] = others.map(variantName)
      const found = await tuneMatmul(device, spec, (of, target, variant = usual!) => {
        const kernel = matmul(of, target, variant)
        if (variantName(variant) === twice)
          return { ...kernel, wgsl: kernel.wgsl.replaceAll(/(C\[[^=]*\] = )/g, '$1 2.0 * ') }
        if (variantName(variant) === half) return { ...kernel, workgroups: [1, 1, 1] }
        return kernel
      })
      expect(found.wrong.map(variantName)).toEqual([twice, half])
      expect([twice, half]).not.toContain(variantName(found.fastest))
      expect(found.speedup).toBeGreaterThanOrEqual(1)
      expect(found.seconds).toBeGreaterThan(0)
    }),
    120_000,
  )

  it(
    'fails where the default itself is wrong',
    withDevice(async (device) => {
      const broken = tuneMatmul(device, spec, (...given) => ({ ...matmul(...given), workgroups: [1, 1, 1] }))
      await expect(broken).rejects.toThrow('computes wrong numbers')
    }),
    120_000,
  )

  it(
    'keeps what it found, measures nothing twice, and is used by programs that are loaded later',
    withDevice(async (device) => {
      // Another run's, with matrix units that this device has not.
      const theirs = { 'f16 nn 1×64×64×64': 'matrix 2×4×4×2×32' }
      const store = memory(theirs)
      const fresh = { ...device, tuning: new Map() }
      const backend = webgpuBackend(fresh, compile, store)
      const told: string[] = []
      const options = { told: (one: { readonly shape: string }) => void told.push(one.shape) }
      const [found, ...more] = (await backend.tune?.(graph(), {}, options)) ?? []
      expect(more).toEqual([])
      expect(found).toMatchObject({ shape: tuningKey(spec), uses: 1, wrong: [] })
      expect(told).toEqual([tuningKey(spec)])
      expect(store.kept).toEqual({ ...theirs, [tuningKey(spec)]: found?.fastest })
      expect(await backend.tune?.(graph(), {}, {})).toEqual([])
      expect(await backend.tune?.(graph(), {}, { again: true })).toHaveLength(1)
      expect(await backend.tune?.(graph(), {}, { again: true, except: new Set([tuningKey(spec)]) })).toEqual([])
    }),
    120_000,
  )

  it(
    'from an earlier process decides which kernel runs, and the answer stays right; unknown names do not',
    withDevice(async (device) => {
      const other = tuningCandidates(spec, device.target).at(-1)!
      for (const [name, expected] of [
        [variantName(other), variantName(other)],
        ['subgroup 9×9', variantName(selectMatmul(spec, device.target))],
      ] as const) {
        const kernels: string[] = []
        const seen: typeof compile = (...given) => {
          const program = compile(...given)
          kernels.push(...program.kernels.map((kernel) => kernel.name))
          return program
        }
        const backend = webgpuBackend({ ...device, tuning: new Map() }, seen, memory({ [tuningKey(spec)]: name }))
        const program = await backend.load(graph(), {})
        expect(kernels).toEqual([`matmul.nt 40×64×32 ${expected}`])
        await program.run({ a: new Float32Array(40 * 32).fill(0.5), b: new Float32Array(64 * 32).fill(2) })
        const { c } = await program.read(['c'])
        expect(new Set(c)).toEqual(new Set([32]))
      }
    }),
    120_000,
  )
})
