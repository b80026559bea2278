/** Muon: the orthogonalisation by what singular vectors say of it, a step by plain numbers, training on every backend. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hrm } from '../../src/hrm/index.js'
import { type Backend, input } from '../../src/ir/index.js'
import { init } from '../../src/nn/index.js'
import {
  arenaOf,
  defaultSettings,
  freshResidents,
  fromResidents,
  isMatrix,
  type OptimiserName,
  orthogonalised,
  stepper,
  unpackArena,
} from '../../src/train/index.js'
import { backendsForTests } from '../support/backends.js'
import { compute } from '../support/compute.js'
import { randomNumbers, relativeError } from '../support/numbers.js'

type Matrix = readonly (readonly number[])[]
const matrixOf = (data: ArrayLike<number>, columns: number): Matrix =>
  Array.from({ length: data.length / columns }, (_, r) =>
    Array.from({ length: columns }, (_, c) => data[r * columns + c]!),
  )
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, c) => row.reduce((sum, x, k) => sum + x * b[k]![c]!, 0)))
const turned = (a: Matrix): Matrix => a[0]!.map((_, c) => a.map((row) => row[c]!))
const plus = (...terms: readonly (readonly [number, Matrix])[]): Matrix =>
  terms[0]![1].map((row, r) => row.map((_, c) => terms.reduce((sum, [k, m]) => sum + k * m[r]![c]!, 0)))
const norm = (a: Matrix): number => Math.hypot(...a.flat())

/** As K. Jordan states it, in plain numbers. */
const newtonSchulz = (g: Matrix): Matrix => {
  if (g.length > g[0]!.length) return turned(newtonSchulz(turned(g)))
  let x = plus([1 / (norm(g) + 1e-7), g])
  for (let i = 0; i < 5; i++) {
    const a = times(x, turned(x))
    x = plus([3.4445, x], [1, times(plus([-4.775, a], [2.0315, times(a, a)]), x)])
  }
  return x
}

describe('an orthogonalised matrix', () => {
  const made = async (rows: number, columns: number, seed: number) => {
    const data = randomNumbers(rows * columns, seed)
    const { x } = await compute({ x: orthogonalised(input('g', [rows, columns], 'f32', 'streamed')) }, { g: data })
    return { g: matrixOf(data, columns), x: matrixOf(x!, columns) }
  }
  const side = fc.integer({ min: 1, max: 9 })

  test('has singular values near 1, and the singular vectors that it had', async () => {
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer({ min: 1, max: 1000 }), async (rows, columns, seed) => {
        const { g, x } = await made(rows, columns, seed)
        const short = rows > columns ? turned(x) : x
        // Every vector of the short side is stretched by a mean of the singular values.
        const vector = [Array.from(randomNumbers(short.length, seed + 1))]
        const stretched = norm(times(vector, short)) / norm(vector)
        expect(stretched).toBeGreaterThan(0.3)
        expect(stretched).toBeLessThan(1.3)
        // U·f(S)·Vᵀ times (U·S·Vᵀ)ᵀ is symmetric.
        const product = times(x, turned(g))
        expect(norm(plus([1, product], [-1, turned(product)]))).toBeLessThan(1e-4 * norm(product))
        expect(norm(plus([1, x], [-1, newtonSchulz(g)]))).toBeLessThan(1e-4 * norm(x))
      }),
      { numRuns: 30 },
    )
  })

  test('of zeros is zeros', async () => {
    const { x } = await compute(
      { x: orthogonalised(input('g', [3, 4], 'f32', 'streamed')) },
      { g: new Float32Array(12) },
    )
    expect([...x!]).toEqual(new Array(12).fill(0))
  })
})

const sizes = { vocabulary: 5, sequence: 4, hidden: 8, heads: 2, expansion: 1, layers: { high: 1, low: 1 } } as const
const model = hrm({ ...sizes, maxSegments: 2, exploration: 0 })
const settings = { ...defaultSettings, seed: 1, batch: 2, steps: 4, lr: 1e-2, warmup: 0, logEvery: 4 }
const examples = {
  inputs: Int32Array.of(1, 2, 0, 0, 4, 0, 0, 3),
  labels: Int32Array.of(1, 2, 3, 4, 4, 1, 2, 3),
  puzzleIdentifiers: new Int32Array(2),
}
const trained = async (backend: Backend, optimiser: OptimiserName, steps: number) => {
  const chosen = { ...settings, optimiser }
  const residents = freshResidents(model, chosen)
  for (const [name, data] of Object.entries(residents)) backend.write(name, data)
  const step = await stepper(backend, model, chosen)
  for (let t = 1; t <= steps; t++) await step(t, examples)
  return (await backend.read(Object.keys(residents))) as Readonly<Record<string, Float32Array>>
}
const open = (which: number) => backendsForTests().at(which)!.open()

test('a step moves matrices along their orthogonalised momentum, and the rest as AdamATan2 does', async () => {
  const before = init(model.parameters, 1)
  const [muon, adam] = [await trained((await open(0))!, 'muon', 1), await trained((await open(0))!, 'adamAtan2', 1)]
  const after = [muon, adam].map((residents) => fromResidents(model.parameters, residents))
  const arena = arenaOf(model.parameters)
  const momentum = unpackArena(arena, muon['moments.m']!)
  expect(arena.entries.filter(isMatrix).map(({ path }) => path.replace(/^.*layers\.0\./, ''))).toEqual(
    [0, 1].flatMap(() => [
      'self_attn.qkv_proj.weight',
      'self_attn.o_proj.weight',
      'mlp.gate_up_proj.weight',
      'mlp.down_proj.weight',
    ]),
  )
  for (const entry of arena.entries) {
    const { path, shape } = entry
    const [own, adams] = after.map((values) => values[path]!) as [Float32Array, Float32Array]
    if (!isMatrix(entry)) {
      expect([...own], path).toEqual([...adams])
      continue
    }
    // After one step the momentum is a tenth of the gradient, and N a multiple of both.
    const direction = newtonSchulz(matrixOf(momentum[path]!, shape[1]!)).flat()
    const expected = before[path]!.map(
      (w, i) => w * (1 - 1e-2 * settings.weightDecay) - 1e-2 * 0.2 * Math.sqrt(Math.max(...shape)) * direction[i]!,
    )
    expect(relativeError(own, expected), path).toBeLessThan(1e-5)
    expect(relativeError(own, adams), path).toBeGreaterThan(1e-4)
  }
})

test.each(['muon', 'adamW'] as const)('%s trains on WebGPU as in the interpreter', async (optimiser) => {
  const device = await open(-1)
  if (device === undefined) return console.warn(`SKIPPED: no device; ${optimiser} is NOT compared on one`)
  const [there, here] = [await trained(device, optimiser, 4), await trained((await open(0))!, optimiser, 4)]
  for (const [name, data] of Object.entries(here))
    if (data instanceof Float32Array) expect(relativeError(there[name]!, data), name).toBeLessThan(1e-3)
})
