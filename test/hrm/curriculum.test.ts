/** Models that grow while they are trained, and losses that fade from segment to segment. */
import { describe, expect, it } from 'vitest'
import {
  adaptiveHalting,
  cgar,
  curriculum,
  decayingLoss,
  deepSupervision,
  fullGradient,
  hrm,
  oneStepGradient,
  type Reasoner,
  segmentGraph,
  trm,
  trmSingle,
} from '../../src/hrm/index.js'
import type { Backend, HostArray } from '../../src/ir/index.js'
import { referenceBackend } from '../../src/reference/index.js'
import {
  defaultSettings,
  freshResidents,
  type HostBatch,
  stepper,
  streamsOf,
  trainingStep,
} from '../../src/train/index.js'
import { generatorOf, uniform } from '../../src/train/randomness.js'

const [batch, vocabulary, sequence, STEPS] = [3, 5, 4, 6]
const few = { vocabulary, sequence, hidden: 8, heads: 2, expansion: 1, puzzles: 2 }
const trmOf = (cycles: number, steps: number) =>
  trm({ ...few, layers: 1, puzzleEmbedding: 8, puzzleTokens: 1, maxSegments: 2, exploration: 0, cycles, steps })
const settings = {
  ...defaultSettings,
  seed: 1,
  batch,
  steps: STEPS,
  lr: 1e-2,
  puzzleLr: 1e-2,
  warmup: 2,
  logEvery: STEPS,
}

const batchOf = (t: number): HostBatch => {
  const random = generatorOf(7, t)
  const tokens = Int32Array.from({ length: batch * sequence }, () => Math.floor(uniform(random) * vocabulary))
  return {
    inputs: tokens,
    labels: tokens.map((x) => (x + 1) % vocabulary),
    puzzleIdentifiers: Int32Array.from({ length: batch }, (_, b) => (b + t) % 2),
  }
}
const beginning = (model: Reasoner): Backend => {
  const backend = referenceBackend()
  for (const [name, data] of Object.entries(freshResidents(model, settings))) backend.write(name, data)
  return backend
}
/** Steps `from` to `to`, by programs of their own. */
const steps = async (backend: Backend, model: Reasoner, from: number, to: number, accumulate = 1): Promise<void> => {
  const step = await stepper(backend, model, { ...settings, accumulate })
  for (let t = from; t <= to; t++) await step(t, batchOf(t))
}
const kept = (backend: Backend, model: Reasoner): Promise<Readonly<Record<string, HostArray>>> =>
  backend.read(Object.keys(freshResidents(model, settings)))

describe('a curriculum', () => {
  const [small, large] = [trmOf(1, 1), trmOf(2, 2)]
  const growing = curriculum([{ until: 0.5, model: small }], large)

  it.each([1, 3])('trains by the models of its stages in turn, in %i micro-batches', async (accumulate) => {
    const byHand = beginning(large)
    await steps(byHand, small, 1, 3, accumulate)
    await steps(byHand, large, 4, STEPS, accumulate)
    const expected = await kept(byHand, large)

    const whole = beginning(growing)
    await steps(whole, growing, 1, STEPS, accumulate)
    expect(await kept(whole, growing)).toEqual(expected)

    const stopped = beginning(growing)
    await steps(stopped, growing, 1, 2, accumulate)
    await steps(stopped, growing, 3, 4, accumulate)
    await steps(stopped, growing, 5, STEPS, accumulate)
    expect(await kept(stopped, growing)).toEqual(expected)

    const constant = beginning(large)
    await steps(constant, large, 1, STEPS, accumulate)
    expect(await kept(constant, large)).not.toEqual(expected)
  })

  it('is its last model for all else', () => {
    expect(segmentGraph(growing).calls).toEqual(segmentGraph(large).calls)
    expect(growing.parameters).toBe(large.parameters)
  })

  it('widens a gradient as well', async () => {
    const hrmOf = (gradient: typeof fullGradient) =>
      hrm({ ...few, layers: { high: 1, low: 1 }, maxSegments: 2, exploration: 0, gradient })
    const widening = curriculum([{ until: 0.5, model: hrmOf(oneStepGradient) }], hrmOf(fullGradient))
    const [one, full, both] = [hrmOf(oneStepGradient), hrmOf(fullGradient), widening].map(beginning) as [
      Backend,
      Backend,
      Backend,
    ]
    await steps(one, hrmOf(oneStepGradient), 1, 3)
    await steps(full, hrmOf(fullGradient), 1, 3)
    await steps(both, widening, 1, 3)
    const [ofOne, ofFull, ofBoth] = [await kept(one, widening), await kept(full, widening), await kept(both, widening)]
    expect(ofBoth).toEqual(ofOne)
    expect(ofBoth).not.toEqual(ofFull)
  })

  it('refuses what could not hand over to it', () => {
    const stage = (model: Reasoner, until = 0.5) => curriculum<Reasoner>([{ until, model }], large)
    const wide = trm({ ...few, hidden: 16, layers: 1, puzzleEmbedding: 8, puzzleTokens: 1 })
    expect(() => stage(wide)).toThrow('curriculum: trm cannot stand in for trm: its embed_tokens')
    const single = trmSingle({ ...few, layers: 1, puzzleEmbedding: 8, puzzleTokens: 1 })
    expect(() => stage(single)).toThrow('curriculum: trm-single cannot stand in for trm: it has no H_init')
    expect(() => curriculum<Reasoner>([{ until: 0.5, model: large }], single)).toThrow('it has H_init')
    const long = trm({ ...few, sequence: 5, layers: 1, puzzleEmbedding: 8, puzzleTokens: 1 })
    expect(() => stage(long)).toThrow('its states are [batch, 6, 8], not [batch, 5, 8]')
    expect(() => stage(growing)).toThrow('it has stages of its own')
    for (const until of [0, 1, -0.1, Number.NaN]) expect(() => stage(small, until)).toThrow(`not at ${until}`)
    const twice = [
      { until: 0.5, model: small },
      { until: 0.5, model: small },
    ]
    expect(() => curriculum(twice, large)).toThrow('rising shares')
  })

  it('is CGAR, with the depths of its paper', () => {
    const model: Reasoner = cgar({ ...few, layers: 1 })
    const cycle = (n: number) => [...Array.from({ length: n }, () => 'L'), 'H']
    const depth = (cycles: number, n: number) => Array.from({ length: cycles }, () => cycle(n)).flat()
    expect(model.stages!.map(({ until }) => until)).toEqual([0.3, 0.6])
    expect([...model.stages!.map((s) => s.model), model].map((m) => segmentGraph(m).calls)).toEqual([
      depth(1, 2),
      depth(2, 4),
      depth(3, 6),
    ])
    expect(model.halting).toEqual({
      ...adaptiveHalting({ maxSegments: 16, exploration: 0.1, continuation: false }),
      lossDecay: 0.7,
    })
  })
})

describe('a decaying loss', () => {
  /** The gradients of a step in which every example is in segment `nth`. */
  const gradients = async (model: Reasoner, nth: number): Promise<readonly (readonly [string, HostArray])[]> => {
    const backend = beginning(model)
    backend.write('carry.halted', new Uint32Array(batch))
    backend.write('carry.steps', new Int32Array(batch).fill(nth - 1))
    const { inputs, labels } = batchOf(1)
    for (const [name, data] of Object.entries({ inputs, labels })) backend.write(`carry.${name}`, data)
    const graph = trainingStep(model, { ...settings, window: STEPS, expose: true })
    const step = await backend.load(graph, { batch })
    await step.run(streamsOf(model, settings, 1, batchOf(1)))
    const names = Object.keys(graph.outputs).filter((name) => name.startsWith('grad.'))
    return Object.entries(await step.read(names))
  }

  it.each([1, 2, 3])('counts segment %i by its power', async (nth) => {
    const halting = deepSupervision({ segments: 4 })
    const model: Reasoner = { ...trmOf(1, 1), halting }
    const plain = await gradients(model, nth)
    const fading = await gradients({ ...model, halting: decayingLoss(0.5, halting) }, nth)
    expect(plain.length).toBeGreaterThan(4)
    expect(plain.some(([, data]) => data.some((x) => Math.abs(x) > 1e-3))).toBe(true)
    for (const [i, [name, data]] of plain.entries())
      for (const [j, x] of [...data].entries())
        expect(fading[i]![1][j], `${name}[${j}]`).toBeCloseTo(x * 0.5 ** (nth - 1), 6)
  })

  it('must fade, and not to nothing', () => {
    for (const decay of [0, -1, 1.1, Number.NaN])
      expect(() => decayingLoss(decay, deepSupervision({ segments: 2 }))).toThrow('(0, 1]')
  })
})
