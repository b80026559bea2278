/** A step in micro-batches against the same step at once: weights, moments, averages, carry, metrics. */
import { describe, expect, test } from 'vitest'
import { compile, workspaceBytes } from '../../src/compile/index.js'
import { eqr, hrm, type Reasoner, trm } from '../../src/hrm/index.js'
import type { Backend, HostArray } from '../../src/ir/index.js'
import { init } from '../../src/nn/index.js'
import {
  defaultSettings,
  freshResidents,
  microStep,
  stepper,
  toResidents,
  trainingStep,
} from '../../src/train/index.js'
import { generatorOf, uniform } from '../../src/train/randomness.js'
import { backendsForTests } from '../support/backends.js'
import { relativeError } from '../support/numbers.js'

const [batch, sequence, vocabulary, puzzles] = [6, 4, 5, 4]
const few = { hidden: 8, heads: 2, expansion: 1, cycles: 1, steps: 1 }
const sizes = { ...few, vocabulary, sequence, puzzles, maxSegments: 3, exploration: 0.5 }
const models: readonly Reasoner[] = [
  hrm({ ...sizes, layers: { high: 1, low: 1 }, puzzleEmbedding: 8 }),
  hrm({ ...sizes, layers: { high: 1, low: 1 } }),
  trm({ ...sizes, layers: 1, puzzleEmbedding: 8, puzzleTokens: 2 }),
  eqr({ ...sizes, layers: 1, noise: 0.1 }),
]
const STEPS = 5
const rates = { lr: 1e-2, puzzleLr: 1e-2, warmup: 2, lrMinRatio: 1, steps: STEPS }
const settings = { ...defaultSettings, ...rates, seed: 3, window: 4, logEvery: 4, ema: 0.9 }

/** Residents after some steps. The q bias halts every example as soon as its exploration draw lets it. */
const trained = async (backend: Backend, model: Reasoner, accumulate: number) => {
  const parameters = init(model.parameters, 1)
  parameters['q_head.bias']!.set([5, 0])
  const residents = toResidents(model.parameters, parameters)
  const all: Readonly<Record<string, HostArray>> = {
    ...freshResidents(model, { ...settings, batch }),
    ...residents,
    average: residents.parameters!,
  }
  for (const [name, data] of Object.entries(all)) backend.write(name, data)
  const step = await stepper(backend, model, { ...settings, batch, accumulate })
  for (let t = 1; t <= STEPS; t++) {
    const random = generatorOf(5, t)
    const tokens = Int32Array.from({ length: batch * sequence }, () => Math.floor(uniform(random) * vocabulary))
    await step(t, {
      inputs: tokens,
      labels: tokens.map((x, i) => (i < sequence && t === 2 ? -100 : (x + 1) % vocabulary)),
      // The same puzzle twice, in different micro-batches.
      puzzleIdentifiers: Int32Array.from({ length: batch }, (_, b) => (b + t) % (puzzles - 1)),
    })
  }
  return backend.read(Object.keys(all))
}

// Software adapters take long to compile: there one model in one division.
const comparisons = backendsForTests().flatMap(({ name, open }) =>
  (name === 'WebGPU' ? models.slice(0, 1) : models).map((model, i) => ({
    title: `${model.name} ${i} on ${name}`,
    open,
    model,
    divisions: name === 'WebGPU' ? [3] : [2, 3, 6],
    allowed: name === 'WebGPU' ? 2e-5 : 1e-6,
  })),
)

describe('n micro-batches make the same step as the whole batch', () => {
  test.each(comparisons)(
    '$title',
    async ({ title, open, model, divisions, allowed }) => {
      const first = await open()
      if (first === undefined) return console.warn(`SKIPPED: no such device here; ${title} is NOT compared`)
      const whole = await trained(first, model, 1)
      expect(new Set(whole['carry.steps']).size).toBeGreaterThan(1)
      for (const n of divisions) {
        const parts = await trained((await open())!, model, n)
        for (const [resident, expected] of Object.entries(whole))
          expect(relativeError(parts[resident]!, expected), `${n} × ${batch / n}: ${resident}`).toBeLessThanOrEqual(
            expected instanceof Float32Array ? allowed : 0,
          )
      }
    },
    180_000,
  )
})

test('activations take the memory of a micro-batch', () => {
  const model = trm({ ...sizes, hidden: 64, sequence: 64, layers: 2 })
  const target = {
    adapterClass: 'gpu',
    subgroupSize: 0,
    maxBindingBytes: 2 ** 27,
    maxStorageBuffers: 10,
    maxWorkgroupsPerDimension: 65535,
    maxWorkgroupInvocations: 256,
    maxWorkgroupMemoryBytes: 16384,
  } as const
  const whole = workspaceBytes(compile(trainingStep(model, settings), { batch: 64 }, target))
  const micro = workspaceBytes(compile(microStep(model, settings, 8), { batch: 8 }, target))
  const small = workspaceBytes(compile(trainingStep(model, settings), { batch: 8 }, target))
  expect(micro).toBeLessThan(1.1 * small)
  expect(micro).toBeLessThan(whole / 4)
})
