/** EqR's random starts, from training to evaluation: who draws, by what, and that nothing else changes. */
import { describe, expect, test } from 'vitest'
import { eqr, hrm, type Reasoner, startsFromNoise, trm } from '../../src/hrm/index.js'
import type { Backend, HostArray } from '../../src/ir/index.js'
import { init } from '../../src/nn/index.js'
import { referenceBackend } from '../../src/reference/index.js'
import {
  attemptKeys,
  defaultSettings,
  evaluator,
  freshResidents,
  stepper,
  type TrainingSettings,
  toResidents,
} from '../../src/train/index.js'
import { backendsForTests } from '../support/backends.js'

const [vocabulary, sequence, hidden] = [5, 4, 8]
const sizes = { vocabulary, sequence, hidden, heads: 2, expansion: 1, layers: 1, cycles: 2, steps: 1 } as const
const model = eqr({ ...sizes, maxSegments: 2, exploration: 0, noise: 0.1 })
const puzzles = (...tokens: readonly number[]) => ({
  inputs: Int32Array.from(tokens),
  labels: Int32Array.from(tokens),
  puzzleIdentifiers: new Int32Array(tokens.length / sequence),
})
const two = puzzles(1, 2, 3, 4, 4, 3, 2, 1)

const settings: TrainingSettings = {
  ...defaultSettings,
  batch: 2,
  steps: 8,
  logEvery: 1,
  seed: 3,
  lr: 0,
  weightDecay: 0,
}
/** The states after each of some steps without learning. */
const statesOf = async (backend: Backend, steps: number, seed = 3, of = model) => {
  const chosen = { ...settings, seed }
  for (const [name, data] of Object.entries(freshResidents(of, { ...chosen, seed: 1 }))) backend.write(name, data)
  const step = await stepper(backend, of, chosen)
  const seen: Readonly<Record<string, HostArray>>[] = []
  for (let t = 1; t <= steps; t++) {
    await step(t, two)
    seen.push(await backend.read(['carry.z_H', 'carry.z_L', 'carry.steps']))
  }
  return seen
}
const rowsOf = (state: HostArray) => [state.slice(0, sequence * hidden), state.slice(sequence * hidden)]
const distance = (a: HostArray, b: HostArray) => Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)))

/** The states z_H of a batch after a segment of evaluation, row by row. */
const answers = async (of: Reasoner, batch: ReturnType<typeof puzzles>) => {
  const backend = referenceBackend()
  const parameters = toResidents(of.parameters, init(of.parameters, 1))
  for (const [name, data] of Object.entries(parameters)) backend.write(name, data)
  const count = batch.inputs.length / sequence
  await (await evaluator(backend, of, count)).evaluate(batch, 1)
  return rowsOf((await backend.read([`evaluation${count}.z_H`]))[`evaluation${count}.z_H`]!)
}

describe('a model that starts from noise', () => {
  test('says so, and has no vectors that its states start from', () => {
    expect([model, hrm({ vocabulary, sequence }), trm({ vocabulary, sequence })].map(startsFromNoise)).toEqual([
      true,
      false,
      false,
    ])
    expect(Object.keys(model.parameters)).not.toContain('H_init')
    expect(model.sizes).toMatchObject({ puzzleTokens: 0, puzzleEmbedding: 0 })
    expect(model.puzzleTable).toBeUndefined()
  })

  test('begins elsewhere in every row and step, by the seed alone', async () => {
    const seen = await statesOf(referenceBackend(), 4)
    expect(seen.map((kept) => Array.from(kept['carry.steps']!))).toEqual([
      [1, 1],
      [2, 2],
      [1, 1],
      [2, 2],
    ])
    // The third step begins the same puzzles anew, elsewhere.
    const [first, , third] = seen.map((kept) => rowsOf(kept['carry.z_H']!))
    expect(distance(first![0]!, third![0]!)).toBeGreaterThan(0.1)
    expect(await statesOf(referenceBackend(), 4)).toEqual(seen)
    const [other] = await statesOf(referenceBackend(), 1, 4)
    expect(distance(other!['carry.z_H']!, seen[0]!['carry.z_H']!)).toBeGreaterThan(0.1)
  })

  test('trains alike on WebGPU and in the interpreter, through a new beginning', async () => {
    const runs = []
    for (const { open } of backendsForTests()) {
      const backend = await open()
      if (backend !== undefined) runs.push(await statesOf(backend, 3))
    }
    const [reference, ...others] = runs
    if (others.length === 0) console.warn('SKIPPED: no WebGPU adapter here')
    for (const other of others)
      other.forEach((kept, t) => {
        for (const name of ['carry.z_H', 'carry.z_L'])
          expect(distance(kept[name]!, reference![t]![name]!), `${name} after step ${t + 1}`).toBeLessThan(1e-3)
      })
  })

  test('is disturbed in training by noise that evaluation does not have', async () => {
    const quiet = eqr({ ...sizes, maxSegments: 2, exploration: 0, noise: 0 })
    const [noisy] = await statesOf(referenceBackend(), 1)
    const [clean] = await statesOf(referenceBackend(), 1, 3, quiet)
    expect(distance(noisy!['carry.z_H']!, clean!['carry.z_H']!)).toBeGreaterThan(0.01)
    expect(await answers(model, two)).toEqual(await answers(quiet, two))
  })

  test('begins a puzzle alike in whatever batch it is, and elsewhere in another attempt', async () => {
    const [first, second] = await answers(model, two)
    const [alone] = await answers(model, puzzles(4, 3, 2, 1))
    expect(distance(alone!, second!)).toBeLessThan(1e-6)
    expect(distance(first!, second!)).toBeGreaterThan(0.1)
    const keysOf = (attempt?: number) => Array.from(attemptKeys(two, attempt)['draws.keys'])
    expect(keysOf()).toEqual(keysOf(0))
    expect(new Set([...keysOf(0), ...keysOf(1)]).size).toBe(4)
  })

  test('cannot begin without keys', () => {
    expect(() => model.initialState({})).toThrow('eqr starts from noise: its initial state needs keys')
  })
})
