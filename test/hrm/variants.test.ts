/**
 * Every variant of the catalogue at a tiny size: it learns, and where the gradient flows through everything it is the
 * slope that finite differences of the float64 interpreter find.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { gradients } from '../../src/autodiff/index.js'
import {
  adaptiveHalting,
  costs,
  gradientNamed,
  type Reasoner,
  sizesLike,
  variantNames,
  variantOf,
} from '../../src/hrm/index.js'
import { add, bindDims, graphRoots, input, square, sum, type Tensor } from '../../src/ir/index.js'
import { bindParameters, countParameters, init } from '../../src/nn/index.js'
import { evaluate, referenceBackend, type Values } from '../../src/reference/index.js'
import {
  defaultSettings,
  emptyCarry,
  metricNames,
  stateNames,
  streamedRates,
  toResidents,
  trainingStep,
} from '../../src/train/index.js'
import { randomNumbers } from '../support/numbers.js'

const [B, S] = [2, 4] as const
const recipe = {
  vocabulary: 5,
  sequence: S,
  hidden: 8,
  heads: 2,
  expansion: 1,
  layers: { high: 1, low: 1 },
  positions: 'learned',
  puzzleEmbedding: 8,
  cycles: 2,
  steps: 2,
  maxSegments: 3,
  exploration: 0.1,
} as const
const names = variantNames.map(({ name }) => name)
const tiny = (name: string, changes: Readonly<Record<string, unknown>> = {}): Reasoner => {
  const sizes = sizesLike(name, recipe)
  const fewer = 'cycles' in sizes ? { cycles: 2, steps: 2 } : {}
  return variantOf(name, { ...sizes, ...fewer, ...changes })
}

/** Mean loss of the tokens in each step of training on one batch. */
const lossesOf = async (model: Reasoner, steps: number): Promise<readonly number[]> => {
  const backend = referenceBackend()
  const settings = { ...defaultSettings, window: 1 }
  for (const [name, data] of Object.entries(toResidents(model.parameters, init(model.parameters, 1))))
    backend.write(name, data)
  for (const [name, data] of Object.entries(emptyCarry(model, stateNames(model), B))) backend.write(name, data)
  const executable = await backend.load(trainingStep(model, settings), { batch: B })
  const losses: number[] = []
  for (let t = 1; t <= steps; t++) {
    await executable.run({
      'batch.inputs': Int32Array.of(1, 2, 0, 0, 4, 0, 0, 3),
      'batch.labels': Int32Array.of(1, 2, 3, 4, 4, 1, 2, 3),
      'batch.puzzle_identifiers': new Int32Array(B),
      'draws.keys': Int32Array.of(t, -t),
      'explore.uniform': new Float32Array(B).fill(1),
      'explore.min_steps': new Int32Array(B).fill(2),
      ...streamedRates(settings, { t, lr: 1e-2, puzzleLr: 1e-2, globalBatch: B }),
    })
    const { metrics } = await executable.read(['metrics'])
    losses.push(metrics![metricNames.indexOf('lm_loss')]! / B)
  }
  return losses
}

/** Some loss of everything that comes out of a segment, with its gradient, in float64. */
const slopes = (model: Reasoner) => {
  const leaves = new Map<string, Tensor>()
  const leaf = (name: string, shape: Tensor['shape'], dtype: 'f32' | 'i32' = 'f32') => {
    const t = input(name, shape, dtype, 'streamed')
    if (dtype === 'f32') leaves.set(name, t)
    return t
  }
  const bound = bindParameters(model.parameters, ({ path, spec }) => leaf(path, spec.shape))
  const state = Object.fromEntries(stateNames(model).map((name) => [name, leaf(`state ${name}`, model.stateShape)]))
  const { puzzleEmbedding } = model.sizes
  const segment = model.segment(bound, state, {
    tokens: leaf('tokens', ['batch', S], 'i32'),
    ...(puzzleEmbedding > 0 && { puzzle: leaf('puzzle', ['batch', puzzleEmbedding]) }),
  })
  const answered = sum(square(segment.logits))
  // Nothing is learnt of a confidence that is read off the logits.
  const learns = 'q_head' in model.parameters
  const loss = learns ? add(answered, sum(square(segment.qHalt))) : answered
  const wrt = [...leaves.values()]
  const outputs = { loss, ...Object.fromEntries(gradients(loss, wrt).map((g, i) => [`gradient ${i}`, g])) }
  const graph = bindDims({ outputs, updates: [] }, { batch: B })
  const at = new Map<string, Values>(
    [...leaves].map(([name, t], i) => {
      const size = t.shape.reduce<number>((n, d) => n * (d === 'batch' ? B : (d as number)), 1)
      return [name, Float64Array.from(randomNumbers(size, i + 1))]
    }),
  )
  at.set('tokens', Float64Array.of(1, 2, 0, 0, 4, 0, 0, 3))
  const run = (values: ReadonlyMap<string, Values>) => evaluate(graphRoots(graph), (name) => values.get(name))
  const lossAt = (name: string, direction: Values, by: number): number => {
    const moved = Float64Array.from(at.get(name)!, (x, i) => x + by * direction[i]!)
    return evaluate([graph.outputs.loss!], (other) => (other === name ? moved : at.get(other)))[0]![0]!
  }
  const [, ...found] = run(at)
  return [...leaves.keys()].map((name, i) => {
    const direction = Float64Array.from(randomNumbers(found[i]!.length, 100 + i))
    const epsilon = 1e-6
    return {
      name,
      claimed: found[i]!.reduce((total, g, j) => total + g * direction[j]!, 0),
      measured: (lossAt(name, direction, epsilon) - lossAt(name, direction, -epsilon)) / (2 * epsilon),
    }
  })
}

describe.each(names)('%s', (name) => {
  test('learns a batch by heart', async () => {
    const losses = await lossesOf(tiny(name), 12)
    expect(losses.every(Number.isFinite)).toBe(true)
    expect(Math.max(...losses.slice(-3))).toBeLessThan(0.85 * losses[0]!)
  })

  test('has the gradient that finite differences find, where it flows through everything', () => {
    const model = tiny(name, 'gradient' in sizesLike(name, recipe) ? { gradient: 'full' } : {})
    for (const { name: leaf, claimed, measured } of slopes(model))
      expect(Math.abs(claimed - measured), leaf).toBeLessThan(1e-5 * (1 + Math.abs(measured)))
  })
})

test.each(['eqr', 'se-rrm'])(
  '%s goes with every gradient rule: the further back, the more is computed',
  async (name) => {
    // Two cycles of two steps.
    const rules = ['oneStep', 'last2', 'wholeCycle', 'allBut1', 'full']
    const backward = rules.map((gradient) => costs(tiny(name, { gradient })).total.backward)
    expect(backward).toEqual([...backward].sort((a, b) => a - b))
    expect(new Set(backward).size).toBe(4)
    for (const gradient of rules)
      expect((await lossesOf(tiny(name, { gradient }), 2)).every(Number.isFinite), gradient).toBe(true)
  },
)

describe('docs/family.md', () => {
  /** Model, parameters and GFLOP of each row of its table. */
  const rows = readFileSync('docs/family.md', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const cells = line.split('|').map((cell) => cell.trim())
      const name = /^`([a-z]+)`/i.exec(cells[1] ?? '')?.[1]
      return name === undefined || cells.length < 10 ? [] : [{ name, mlp: cells[1]!.includes('mlp'), cells }]
    })

  test('has a row for every variant', () => {
    const called = (name: string) => name.replace(/-(.)/, (_, letter: string) => letter.toUpperCase())
    expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(names.map(called)))
  })

  test.each(rows)('says of $cells.1 what is built', ({ name, mlp, cells }) => {
    const named = name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)
    const model = variantOf(named, { vocabulary: 11, sequence: 81, ...(mlp && { mixing: 'mlp' }) })
    const { total } = costs(model)
    const giga = (n: number) => (n / 1e9).toFixed(1)
    const linesOf = (page: string) =>
      readFileSync(`src/hrm/variants/${page}.ts`, 'utf8')
        .split('\n')
        .filter((l) => l !== '')
    const ofHrm = new Set(linesOf('hrm'))
    const own = linesOf(named).filter((l) => !ofHrm.has(l)).length
    expect(cells.slice(6, 10)).toEqual([
      countParameters(model.parameters).dense.toLocaleString('en-GB').replaceAll(',', ' '),
      `${giga(total.forward)} + ${giga(total.backward)}`,
      `${Math.round(total.activationBytes / 2 ** 20)}`,
      own === 0 ? '' : `${own}`,
    ])
  })
})

describe('a variant by name', () => {
  test('takes any gradient rule by its name', () => {
    const differentiated = (gradient: string) => costs(tiny('universal', { loops: 6, gradient })).total.backward
    const [one, two, four, full] = ['oneStep', 'last2', 'allBut2', 'full'].map(differentiated) as [
      number,
      number,
      number,
      number,
    ]
    expect(differentiated('last1')).toBe(one)
    expect(four - two).toBe(2 * (two - one))
    expect(full - four).toBe(2 * (two - one))
    for (const name of ['last0', 'fully', 'allBut']) expect(gradientNamed(name)).toBeUndefined()
    expect(() => tiny('universal', { gradient: 'fully' })).toThrow('no gradient rule "fully"')
  })

  test('of a plain transformer has as many parameters as the HRM it stands beside', () => {
    const like = sizesLike('transformer', { vocabulary: 11, sequence: 81, puzzleEmbedding: 512, hidden: 512 })
    expect(countParameters(variantOf('transformer', like).parameters).dense).toBe(27_275_266)
  })

  test('that does not exist is a sentence with those that do', () => {
    expect(() => variantOf('hmr', {})).toThrow('there is no variant "hmr": there are hrm, trm')
  })

  test('without memory between segments carries nothing', () => {
    expect(stateNames(tiny('transformer'))).toEqual([])
    expect(stateNames(tiny('recurrent'))).toEqual(['z'])
    expect(tiny('universal').halting).toEqual(adaptiveHalting({ maxSegments: 3, continuation: false }))
  })
})
