/**
 * SE-RRM: what makes it what it is. Relabelled puzzles get relabelled answers, on every device; its ends are worked out by
 * hand, its parameters counted from the published sizes.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  confidenceOf,
  costs,
  fullGradient,
  oneStepGradient,
  type Reasoner,
  randomHalting,
  seRrm,
} from '../../src/hrm/index.js'
import { type Backend, type Graph, type HostArray, input, literal } from '../../src/ir/index.js'
import { bindParameters, countParameters, flattenParameters, init } from '../../src/nn/index.js'
import { referenceBackend } from '../../src/reference/index.js'
import {
  defaultSettings,
  emptyCarry,
  evaluator,
  freshResidents,
  stateNames,
  stepper,
  streamedRates,
  type TrainingSettings,
  toResidents,
  trainingStep,
} from '../../src/train/index.js'
import { backendsForTests } from '../support/backends.js'
import { compute } from '../support/compute.js'
import { relativeError } from '../support/numbers.js'

const [vocabulary, sequence, hidden, batch] = [6, 16, 8, 2]
const sizes = { vocabulary, sequence, hidden, heads: 2, layers: 1, expansion: 1, cycles: 2, steps: 1 } as const
const model = seRrm({ ...sizes, maxSegments: 3 })
/** Where tokens go: 0 pad and 1 blank stay, the digits 2…5 are relabelled. */
const relabelling = fc.shuffledSubarray([2, 3, 4, 5], { minLength: 4, maxLength: 4 }).map((digits) => [0, 1, ...digits])
const puzzle = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: batch * sequence, maxLength: batch * sequence })

/** One segment from the start, as a function of the tokens. */
const segmentOn = async (backend: Backend, of: Reasoner = model) => {
  const parameters = bindParameters(of.parameters, ({ path, spec }) => input(path, spec.shape, 'f32', 'resident'))
  const tokens = input('tokens', ['batch', sequence], 'i32', 'streamed')
  const { logits, qHalt, embedded } = of.segment(parameters, of.initialState(parameters), { tokens })
  const graph: Graph = { outputs: { logits, qHalt, embedded }, updates: [] }
  for (const [path, data] of Object.entries(init(of.parameters, 1))) backend.write(path, data)
  const executable = await backend.load(graph, { batch })
  return async (of: readonly number[]): Promise<Readonly<Record<string, HostArray>>> => {
    await executable.run({ tokens: Int32Array.from(of) })
    return executable.read(['logits', 'qHalt', 'embedded'])
  }
}
const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)))
/** Logits with the columns of the symbols where a relabelling puts them. */
const relabelled = (logits: HostArray, to: readonly number[]): number[] => {
  const moved = new Array<number>(logits.length)
  for (let row = 0; row < logits.length; row += vocabulary)
    to.forEach((label, token) => {
      moved[row + label] = logits[row + token]!
    })
  return moved
}

const tokens = Int32Array.from({ length: batch * sequence }, (_, i) => (i * 7) % vocabulary)
const puzzleIdentifiers = new Int32Array(batch)
/** Some steps on one batch; weights, moments and carry after them. */
const trained = async (backend: Backend, steps: number) => {
  const settings: TrainingSettings = { ...defaultSettings, batch, steps, logEvery: 1, lr: 1e-2, warmup: 0 }
  const residents = freshResidents(model, settings)
  for (const [name, data] of Object.entries(residents)) backend.write(name, data)
  const step = await stepper(backend, model, settings)
  const labels = tokens.map((token) => (token + 1) % vocabulary)
  for (let t = 1; t <= steps; t++) await step(t, { inputs: tokens, labels, puzzleIdentifiers })
  return backend.read(Object.keys(residents))
}

describe('relabelling the symbols of a puzzle', () => {
  test.each(backendsForTests())('relabels the answer and changes nothing else: $name', async ({ name, open }) => {
    const backend = await open()
    if (backend === undefined) return console.warn(`SKIPPED: no ${name} here`)
    const segment = await segmentOn(backend)
    await fc.assert(
      fc.asyncProperty(puzzle, relabelling, async (tokens, to) => {
        const plain = await segment(tokens)
        const other = await segment(tokens.map((token) => to[token]!))
        expect(largest(other.logits!, relabelled(plain.logits!, to))).toBeLessThan(2e-5)
        expect(largest(other.qHalt!, plain.qHalt!)).toBeLessThan(2e-5)
      }),
      { numRuns: 12 },
    )
  })

  test('does change the answer where a token that is no symbol is touched, or no token is a symbol', async () => {
    const tokens = Array.from({ length: batch * sequence }, (_, i) => i % vocabulary)
    const difference = async (of: Reasoner, to: readonly number[]) => {
      const segment = await segmentOn(referenceBackend(), of)
      const [plain, other] = [await segment(tokens), await segment(tokens.map((token) => to[token]!))]
      return largest(other.logits!, relabelled(plain.logits!, to))
    }
    expect(await difference(model, [0, 1, 3, 2, 4, 5])).toBeLessThan(1e-6)
    expect(await difference(model, [0, 2, 1, 3, 4, 5])).toBeGreaterThan(0.01)
    expect(await difference(seRrm({ ...sizes, specials: 6 }), [0, 1, 3, 2, 4, 5])).toBeGreaterThan(0.01)
  })

  test('relabels the answers of trained weights after several segments', async () => {
    const backend = referenceBackend()
    await trained(backend, 3)
    const to = [0, 1, 4, 2, 5, 3]
    const evaluate = await evaluator(backend, model, batch)
    const plain = await evaluate.evaluate({ inputs: tokens, labels: tokens, puzzleIdentifiers }, 3)
    const moved = tokens.map((token) => to[token]!)
    const other = await evaluate.evaluate({ inputs: moved, labels: moved, puzzleIdentifiers }, 3)
    other.forEach(({ predictions }, s) => {
      expect(Array.from(predictions)).toEqual(Array.from(plain[s]!.predictions, (token) => to[token]!))
    })
  })
})

test('training is the same on WebGPU and in the interpreter', async () => {
  const results = []
  for (const { open } of backendsForTests()) {
    const backend = await open()
    if (backend !== undefined) results.push(await trained(backend, 2))
  }
  const [reference, ...others] = results
  if (others.length === 0) console.warn('SKIPPED: no WebGPU adapter here')
  for (const other of others)
    for (const name of Object.keys(reference!))
      expect(relativeError(other[name]!, reference![name]!), name).toBeLessThan(1e-4)
})

describe('the ends of SE-RRM', () => {
  test('put the embedding of a token at its place on the axis of symbols, times √V', async () => {
    const values = init(model.parameters, 1)
    const segment = await segmentOn(referenceBackend())
    const tokens = Array.from({ length: batch * sequence }, (_, i) => [0, 1, 2, 5, 3][i] ?? 4)
    const { embedded: x } = await segment(tokens)
    expect(x).toHaveLength(batch * vocabulary * sequence * hidden)
    const own = values.embed_special_tokens!
    const shared = Array.from(values.embed_symbol_tokens!)
    const rows = [Array.from(own.slice(0, hidden)), Array.from(own.slice(hidden)), shared, shared, shared, shared]
    const at = (c: number, s: number) =>
      Array.from(x!.slice((c * sequence + s) * hidden, (c * sequence + s + 1) * hidden))
    for (const [s, token] of tokens.slice(0, sequence).entries())
      for (let c = 0; c < vocabulary; c++) {
        const expected = c === token ? rows[c]!.map((e) => e * Math.sqrt(6)) : new Array<number>(hidden).fill(0)
        expect(largest(at(c, s), expected)).toBeLessThan(1e-6)
      }
  })

  test('are as sure as of the least certain token', async () => {
    // Softmax of (log 3, 0) is (3/4, 1/4); of (0, log 4) it is (1/5, 4/5); of (50, 0) as good as certain.
    const rows = [Math.log(3), 0, 0, Math.log(4), 50, 0, 60, 0]
    const { q } = await compute({ q: confidenceOf(literal(Float32Array.from(rows), [2, 2, 2])) })
    expect(q[0]).toBeCloseTo(Math.log(3), 6)
    expect(q[1]).toBeCloseTo(-Math.log(1e-6), 4)
  })

  test('leave an example whose draw is below the probability; the others go on to their last segment', async () => {
    expect(model.halting).toEqual(randomHalting({ maxSegments: 3, probability: 0.05 }))
    const backend = referenceBackend()
    const settings = { ...defaultSettings, window: 1, expose: true }
    for (const [name, data] of Object.entries(toResidents(model.parameters, init(model.parameters, 3))))
      backend.write(name, data)
    for (const [name, data] of Object.entries(emptyCarry(model, stateNames(model), batch))) backend.write(name, data)
    const step = await backend.load(trainingStep(model, settings), { batch })
    const halted: number[][] = []
    for (const draws of [
      [0.04, 0.06],
      [0.5, 0.5],
      [0.5, 0.5],
    ]) {
      await step.run({
        'batch.inputs': new Int32Array(batch * sequence),
        'batch.labels': new Int32Array(batch * sequence),
        'batch.puzzle_identifiers': new Int32Array(batch),
        'explore.uniform': Float32Array.from(draws),
        ...streamedRates(settings, { t: 1, lr: 0, puzzleLr: 0, globalBatch: batch }),
      })
      halted.push(Array.from((await step.read(['halted'])).halted!))
    }
    expect(halted).toEqual([
      [1, 0],
      [0, 0],
      [0, 1],
    ])
  })
})

describe('the parameters of SE-RRM', () => {
  test('number as many as its published sizes make: about 2 million', () => {
    // Per layer: attention over positions, over symbols (2 heads of 64), SwiGLU 768 wide; then embeddings and head.
    const layer = 4 * 256 * 256 + 4 * 256 * 128 + 3 * 256 * 768
    const published = seRrm({ vocabulary: 11, sequence: 81 })
    expect(countParameters(published.parameters).dense).toBe(2 * layer + 3 * 256 + 256)
    expect(countParameters(published.parameters).dense).toBe(1_967_104)
    // The same for any size of board and any number of digits.
    expect(countParameters(seRrm({ vocabulary: 27, sequence: 625 }).parameters).dense).toBe(1_967_104)
  })

  test('have the published names and shapes', () => {
    const paths = flattenParameters(model.parameters).map(({ path, spec }) => `${path} [${spec.shape}]`)
    expect(paths).toEqual([
      'embed_special_tokens [1,2,1,8]',
      'embed_symbol_tokens [1,1,1,8]',
      'L_level.layers.0.attn.qkv_proj.weight [24,8]',
      'L_level.layers.0.attn.o_proj.weight [8,8]',
      'L_level.layers.0.attn_t.qkv_proj.weight [12,8]',
      'L_level.layers.0.attn_t.o_proj.weight [8,4]',
      'L_level.layers.0.mlp.gate_up_proj.weight [512,8]',
      'L_level.layers.0.mlp.down_proj.weight [8,256]',
      'Z_init [8]',
      'lm_head.weight [1,8]',
    ])
  })

  test('are trained in the last cycle alone, unless told otherwise', () => {
    const backward = (more: object) => costs(seRrm({ ...sizes, steps: 2, ...more })).total.backward
    expect(backward({ cycles: 2 })).toBe(backward({ cycles: 3 }))
    expect(backward({ gradient: oneStepGradient })).toBeLessThan(backward({}))
    expect(backward({ gradient: fullGradient })).toBeGreaterThan(backward({}))
  })
})
