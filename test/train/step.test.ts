/** What the published fixtures do not reach: models that halt otherwise. The fixtures themselves are in test/parity. */
import { describe, expect, test } from 'vitest'
import { deepSupervision, hrm, type Reasoner } from '../../src/hrm/index.js'
import { init } from '../../src/nn/index.js'
import { referenceBackend } from '../../src/reference/index.js'
import {
  arenaOf,
  defaultSettings,
  emptyCarry,
  metricNames,
  metricsAt,
  stateNames,
  streamedRates,
  toResidents,
  trainingStep,
} from '../../src/train/index.js'

const batch = 2
const model = hrm({
  vocabulary: 4,
  sequence: 2,
  hidden: 8,
  heads: 2,
  expansion: 1,
  layers: { high: 1, low: 1 },
  cycles: 1,
  steps: 1,
  maxSegments: 3,
})
const settings = { ...defaultSettings, window: 4, expose: true }

/** Runs steps whose batches hold the step's number as tokens; what came out of each. */
const runSteps = async (reasoner: Reasoner, steps: number, qBias?: number) => {
  const backend = referenceBackend()
  const graph = trainingStep(reasoner, settings)
  const parameters = init(reasoner.parameters, 1)
  if (qBias !== undefined) parameters['q_head.bias']!.set([qBias, 0])
  for (const [name, data] of Object.entries(toResidents(reasoner.parameters, parameters))) backend.write(name, data)
  for (const [name, data] of Object.entries(emptyCarry(reasoner, stateNames(reasoner), batch)))
    backend.write(name, data)
  const executable = await backend.load(graph, { batch })
  const seen = []
  for (let t = 1; t <= steps; t++) {
    const tokens = new Int32Array(batch * 2).fill(t % 4)
    await executable.run({
      'batch.inputs': tokens,
      'batch.labels': tokens,
      'batch.puzzle_identifiers': new Int32Array(batch),
      'explore.uniform': new Float32Array(batch).fill(1),
      'explore.min_steps': new Int32Array(batch).fill(2),
      ...streamedRates(settings, { t, lr: 1e-3, puzzleLr: 1e-3, globalBatch: batch }),
    })
    const out = await executable.read(Object.keys(graph.outputs))
    const kept = await backend.read(['carry.inputs', 'metrics.history'])
    seen.push({ out, tokens: Array.from(kept['carry.inputs']!), history: kept['metrics.history']! })
  }
  return seen
}

describe('a training step', () => {
  test('with plain deep supervision every example gets all its segments, then makes place for a new one', async () => {
    const seen = await runSteps({ ...model, halting: deepSupervision({ segments: 3 }) }, 5)
    expect(seen.map(({ out }) => Array.from(out.halted!))).toEqual([
      [0, 0],
      [0, 0],
      [1, 1],
      [0, 0],
      [0, 0],
    ])
    expect(seen.map(({ out }) => Array.from(out.steps!))).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [1, 1],
      [2, 2],
    ])
    // The data of step 1 stays for three steps; that of step 4 comes next.
    expect(seen.map(({ tokens }) => tokens[0])).toEqual([1, 1, 1, 0, 0])
    expect(seen[0]!.out.target_q_continue).toBeUndefined()
  })

  test('a model without q_continue halts when q_halt is above 0', async () => {
    const alone: Reasoner = {
      ...model,
      segment: (...given) => {
        const { qContinue: _, ...rest } = model.segment(...given)
        return rest
      },
    }
    const [eager] = await runSteps(alone, 1, 5)
    expect(Array.from(eager!.out.halted!)).toEqual([1, 1])
    expect(eager!.out.target_q_continue).toBeUndefined()
    const [shy] = await runSteps(alone, 1, -5)
    expect(Array.from(shy!.out.halted!)).toEqual([0, 0])
  })

  test('the metrics of the last steps stay readable, each in its row', async () => {
    const seen = await runSteps(model, 6)
    const { history } = seen.at(-1)!
    for (const t of [3, 4, 5, 6]) {
      const row = metricsAt(history, t, settings.window)
      expect(metricNames.map((name) => row[name])).toEqual(Array.from(seen[t - 1]!.out.metrics!))
    }
  })

  test('the gradient of every dense parameter is laid out in the arena', async () => {
    const [first] = await runSteps(model, 1)
    for (const { path, size } of arenaOf(model.parameters).entries)
      expect(first!.out[`grad.${path}`]!.length, path).toBe(size)
  })
})
