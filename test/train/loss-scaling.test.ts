/** Training in f16: which steps count, what the scale does, and that the result is that of f32 as near as f16 is. */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { generateSudoku, geometryOfSide, sudokuSplit, trainingBatches, usualGenerator } from '../../src/data/index.js'

import { hrm, type Reasoner } from '../../src/hrm/index.js'
import type { Backend, Graph, HostArray } from '../../src/ir/index.js'
import {
  defaultSettings,
  freshResidents,
  metricsAt,
  microStep,
  stepper,
  streamedRates,
  trainingStep,
  updateStep,
} from '../../src/train/index.js'
import { explorationDraws, generatorOf, uniform } from '../../src/train/randomness.js'
import { backendsForTests } from '../support/backends.js'
import { relativeError } from '../support/numbers.js'

const [batch, sequence, vocabulary, puzzles] = [4, 4, 5, 4]
const model = hrm({
  hidden: 8,
  heads: 2,
  expansion: 1,
  cycles: 1,
  steps: 1,
  vocabulary,
  sequence,
  puzzles,
  maxSegments: 3,
  layers: { high: 1, low: 1 },
  puzzleEmbedding: 8,
})
const rule = { initial: 2 ** 10, least: 1, most: 2 ** 24, growAfter: 3 }
const settings = { ...defaultSettings, window: 4, ema: 0.9, precision: 'f16', scaling: rule } as const
/** What an overflowing step must leave alone. */
const weights = ['parameters', 'moments.m', 'moments.v', 'average', 'puzzle_emb.weights']

/** A run on a backend: `step(t)` makes step t, `read` and `write` its residents. */
const running = async (backend: Backend, of: Reasoner, precision: 'f16' | 'f32', micro = 1) => {
  const chosen = { ...settings, precision }
  const all: Readonly<Record<string, HostArray>> = {
    ...freshResidents(of, { ...chosen, seed: 1, batch, logEvery: settings.window }),
    ...(precision === 'f16' && { scaling: Float32Array.of(rule.initial, 0, 1, 1) }),
  }
  for (const [name, data] of Object.entries(all)) backend.write(name, data)
  const load = (graph: Graph, size: number) => backend.load(graph, { batch: size })
  const [first, update] =
    micro === 1
      ? [await load(trainingStep(of, chosen), batch), undefined]
      : [await load(microStep(of, chosen, micro), batch / micro), await load(updateStep(of, chosen), batch)]
  const step = async (t: number): Promise<void> => {
    const random = generatorOf(5, t)
    const tokens = Int32Array.from({ length: batch * sequence }, () => Math.floor(uniform(random) * vocabulary))
    const streams = {
      'batch.inputs': tokens,
      'batch.labels': tokens.map((x) => (x + 1) % vocabulary),
      'batch.puzzle_identifiers': Int32Array.from({ length: batch }, (_, b) => (b + t) % (puzzles - 1)),
      ...explorationDraws(3, t, batch, of.halting.maxSegments),
      ...streamedRates(settings, { t, lr: 1e-2, puzzleLr: 1e-2, globalBatch: batch }),
    }
    const cut = (data: HostArray, name: string, i: number) =>
      /^(batch|explore)/.test(name) ? data.subarray((i * data.length) / micro, ((i + 1) * data.length) / micro) : data
    for (let i = 0; i < micro; i++)
      await first.run({
        ...Object.fromEntries(Object.entries(streams).map(([name, data]) => [name, cut(data, name, i)])),
        ...(micro > 1 && { micro: Int32Array.of(i) }),
      })
    await update?.run(streams)
  }
  const read = () => backend.read(Object.keys(all))
  return { step, read, write: backend.write }
}
const single = (x: number) => Math.fround(x)

describe.each(backendsForTests())('on $name', ({ name, open }) => {
  test.each([
    ['at once', 1],
    ['in micro-batches', 2],
  ])(
    'a step that overflows changes no weight and halves the scale: %s',
    async (_, micro) => {
      const backend = await open()
      if (backend === undefined) return console.warn(`SKIPPED: there is no ${name} here`)
      const { step, read, write } = await running(backend, model, 'f16', micro)
      await step(1)
      const before = await read()
      expect(Array.from(before.scaling!)).toEqual([1024, 1, single(0.9), single(0.95)])
      // With this scale the gradient of the logits is beyond 65504.
      write('scaling', Float32Array.of(2 ** 40, 1, single(0.9), single(0.95)))
      await step(2)
      const after = await read()
      for (const resident of weights) expect(after[resident], resident).toEqual(before[resident])
      expect(Array.from(after.scaling!)).toEqual([2 ** 39, 0, single(0.9), single(0.95)])
      // What is not learnt goes on: the state of the puzzles, and the metrics, which are finite.
      expect(after['carry.z_H']).not.toEqual(before['carry.z_H'])
      expect(Number.isFinite(metricsAt(after['metrics.history']!, 2, settings.window).loss)).toBe(true)
      // A gradient that is no number at all.
      write('scaling', Float32Array.of(Number.NaN, 1, single(0.9), single(0.95)))
      await step(3)
      const spoilt = await read()
      for (const resident of weights) expect(spoilt[resident], resident).toEqual(before[resident])
      // And with a scale that fits it learns again.
      write('scaling', Float32Array.of(2 ** 10, 0, single(0.9), single(0.95)))
      await step(4)
      const learnt = await read()
      for (const resident of weights) expect(learnt[resident], resident).not.toEqual(before[resident])
      expect(learnt.scaling![2]).toBeCloseTo(0.81, 6)
    },
    300_000,
  )

  test('good steps in a row double the scale, a bad one begins the count anew', async () => {
    const backend = await open()
    if (backend === undefined) return console.warn(`SKIPPED: there is no ${name} here`)
    const { step, read, write } = await running(backend, model, 'f16')
    const seen: (readonly [number, number])[] = []
    for (let t = 1; t <= 7; t++) {
      if (t === 5) write('scaling', Float32Array.of(2 ** 40, 1, 0.5, 0.5))
      await step(t)
      const [scale, good] = (await read()).scaling!
      seen.push([Math.log2(scale!), good!])
      if (t === 5) write('scaling', Float32Array.of(2 ** 10, good!, 0.5, 0.5))
    }
    expect(seen).toEqual([
      [10, 1],
      [10, 2],
      [11, 0],
      [11, 1],
      [39, 0],
      [10, 1],
      [10, 2],
    ])
  }, 300_000)

  test('without overflow the weights are those of f32, as near as f16 is', async () => {
    const backend = await open()
    if (backend === undefined) return console.warn(`SKIPPED: there is no ${name} here`)
    const half = await running(backend, model, 'f16')
    for (let t = 1; t <= 3; t++) await half.step(t)
    const halves = await half.read()
    const full = await running((await open())!, model, 'f32')
    for (let t = 1; t <= 3; t++) await full.step(t)
    const singles = await full.read()
    for (const resident of ['parameters', 'moments.m', 'moments.v']) {
      const error = relativeError(halves[resident]!, singles[resident]!)
      expect(error, resident).toBeLessThan(0.01)
      expect(error, resident).toBeGreaterThan(0)
    }
  }, 300_000)
})

// The reference interpreter would take minutes.
test('4×4 Sudokus are learnt as in f32', async () => {
  const { name, open } = backendsForTests().at(-1)!
  const geometry = geometryOfSide(4)!
  const made = generateSudoku({ ...usualGenerator(geometry, 1), trainGrids: 60, puzzlesPerGrid: 4, testGrids: 1 })
  if (E.isLeft(made)) throw new Error(made.left.what)
  const split = sudokuSplit(geometry, made.right.train)
  const reasoner = hrm({
    ...{ hidden: 32, heads: 2, expansion: 2, cycles: 1, steps: 2, layers: { high: 1, low: 1 }, maxSegments: 2 },
    ...{ vocabulary: 6, sequence: 16 },
  })
  const steps = 60
  const losses = async (precision: 'f16' | 'f32') => {
    const backend = await open()
    if (backend === undefined) return undefined
    const chosen = { ...defaultSettings, precision, batch: 16, steps, lr: 3e-3, warmup: 5, logEvery: steps }
    for (const [resident, data] of Object.entries(freshResidents(reasoner, chosen))) backend.write(resident, data)
    const step = await stepper(backend, reasoner, chosen)
    const batches = trainingBatches(split, chosen.batch, 0)
    for (let t = 1; t <= steps; t++) await step(t, batches.next().value)
    const history = (await backend.read(['metrics.history']))['metrics.history']!
    return Array.from({ length: steps }, (_, i) => metricsAt(history, i + 1, steps).lm_loss / chosen.batch)
  }
  const [halves, singles] = [await losses('f16'), await losses('f32')]
  if (halves === undefined || singles === undefined) return console.warn(`SKIPPED: there is no ${name} here`)
  const mean = (of: readonly number[]) => of.reduce((a, b) => a + b, 0) / of.length
  const [first, last, half] = [mean(singles.slice(0, 5)), mean(singles.slice(-10)), mean(halves.slice(-10))]
  expect(last).toBeLessThan(0.8 * first)
  expect(Math.abs(half - last)).toBeLessThan(0.05 * last)
  expect(halves).not.toEqual(singles)
}, 600_000)
