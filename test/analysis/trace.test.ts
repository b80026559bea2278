/**
 * The traced reductions against the same figures computed here from whole states, in float64, of the reference interpreter:
 * the states come from the published wiring written out call by call, without the tracing graph.
 */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { analyse, principalPlane } from '../../src/analysis/index.js'
import { hrm, type Reasoner, trm } from '../../src/hrm/index.js'
import { type Backend, bindDims, graphRoots, input } from '../../src/ir/index.js'
import { bindParameters, init } from '../../src/nn/index.js'
import { evaluate, type Values } from '../../src/reference/index.js'
import { type HostBatch, toResidents } from '../../src/train/index.js'
import { backendsForTests } from '../support/backends.js'

const [S, D, P] = [4, 8, 1] as const
const T = S + P
const sizes = { vocabulary: 5, sequence: S, hidden: D, heads: 2, expansion: 1, cycles: 2, steps: 2 } as const
const models: readonly Reasoner[] = [
  hrm({ ...sizes, layers: { high: 1, low: 1 }, positions: 'rope' }),
  trm({ ...sizes, layers: 1, puzzleTokens: P }),
]
const tokens = [
  [1, 2, 3, 4],
  [4, 4, 1, 0],
  [2, 0, 3, 3],
]
const labels = [
  [1, 1, 2, 2],
  [3, 3, 3, -100],
  [1, 4, 1, 4],
]
const M = 3

const batches = function* (size: number): Generator<HostBatch> {
  for (let at = 0; at < tokens.length; at += size) {
    const inputs = new Int32Array(size * S)
    const wanted = new Int32Array(size * S).fill(-100)
    tokens.slice(at, at + size).forEach((row, b) => {
      inputs.set(row, b * S)
      wanted.set(labels[at + b]!, b * S)
    })
    yield { inputs, labels: wanted, puzzleIdentifiers: new Int32Array(size) }
  }
}

/** Every value a state takes, for each example: L L H L L H, M times, in float64. */
const statesByHand = (model: Reasoner) => {
  const values = init(model.parameters, 5)
  const parameters = bindParameters(model.parameters, ({ path, spec }) => input(path, spec.shape, 'f32', 'resident'))
  const start = model.initialState(parameters)
  const names = Object.keys(start)
  const state = Object.fromEntries(names.map((name) => [name, input(name, ['batch', T, D], 'f32', 'resident')]))
  const puzzle = input('puzzle', ['batch', D], 'f32', 'streamed')
  const segment = model.segment(parameters, state, {
    tokens: input('tokens', ['batch', S], 'i32', 'streamed'),
    ...(model.puzzleTable !== undefined && { puzzle }),
  })
  const outputs = {
    ...Object.fromEntries(names.map((name) => [`start.${name}`, start[name]!])),
    ...Object.fromEntries(segment.calls.map((call, i) => [`${i}`, call.state])),
    ...segment.state,
  }
  const graph = bindDims({ outputs, updates: [] }, { batch: 1 })
  const written = model.name === 'hrm' || model.name === 'trm' ? ['z_L', 'z_L', 'z_H', 'z_L', 'z_L', 'z_H'] : []
  return tokens.map((row) => {
    const leaves: Record<string, Values> = Object.fromEntries(
      Object.entries(values).map(([name, v]) => [name, Float64Array.from(v)]),
    )
    leaves.tokens = Float64Array.from(row)
    leaves.puzzle = new Float64Array(D)
    for (const name of names) leaves[name] = new Float64Array(T * D)
    const run = () => {
      const all = evaluate(graphRoots(graph), (name) => leaves[name])
      return Object.fromEntries(Object.keys(graph.outputs).map((name, i) => [name, all[i]!]))
    }
    const first = run()
    const way: Record<string, Float64Array[]> = {}
    for (const name of names) {
      leaves[name] = first[`start.${name}`]!
      way[name] = [Float64Array.from(first[`start.${name}`]!)]
    }
    for (let s = 0; s < M; s++) {
      const out = run()
      written.forEach((name, i) => {
        way[name]!.push(Float64Array.from(out[`${i}`]!))
      })
      for (const name of names) leaves[name] = out[name]!
    }
    return way
  })
}

/** (tr C)² / tr C² of all vectors, straight from the definition. */
const ratio = (vectors: readonly Float64Array[]): number => {
  const mean = vectors[0]!.map((_, i) => vectors.reduce((sum, v) => sum + v[i]!, 0) / vectors.length)
  const c = mean.map((_, i) => i)
  const covariance = Array.from(c, (i) =>
    Array.from(c, (j) => vectors.reduce((sum, v) => sum + (v[i]! - mean[i]!) * (v[j]! - mean[j]!), 0)),
  )
  const trace = covariance.reduce((sum, row, i) => sum + row[i]!, 0)
  return trace ** 2 / covariance.flat().reduce((sum, x) => sum + x * x, 0)
}
const positions = (z: Float64Array) => Array.from({ length: T }, (_, t) => z.subarray(t * D, (t + 1) * D))
const distance = (a: Float64Array, b: Float64Array) => Math.hypot(...a.map((x, i) => x - b[i]!))

const analysed = async (backend: Backend, model: Reasoner, batch: number) => {
  for (const [name, data] of Object.entries(toResidents(model.parameters, init(model.parameters, 5))))
    backend.write(name, data)
  const result = await analyse({ backend, model, count: tokens.length, batches, batch, segments: M, shown: 2 })
  if (E.isLeft(result)) throw new Error(result.left.what)
  return result.right
}

for (const { name: device, open } of backendsForTests())
  describe(`the analysis on ${device}`, () => {
    test.each(models.map((m) => [m.name, m] as const))('of %s says what its whole states say', async (name, model) => {
      const backend = await open()
      if (backend === undefined) return console.warn(`SKIPPED: ${name} on ${device}, which is not there`)
      const ways = statesByHand(model)
      // Two batches, the second one padded.
      const analysis = await analysed(backend, model, 2)
      expect(analysis.examples).toBe(3)
      expect(analysis.calls).toEqual(['L', 'L', 'H', 'L', 'L', 'H'])
      for (const state of ['z_L', 'z_H']) {
        const { steps } = analysis.residuals.find((r) => r.state === state)!
        steps.forEach(({ mean, median }, i) => {
          const norms = ways.map((way) => distance(way[state]![i + 1]!, way[state]![i]!)).sort((a, b) => a - b)
          expect(mean).toBeCloseTo(norms.reduce((a, b) => a + b, 0) / 3, 4)
          expect(median).toBeCloseTo(norms[1]!, 4)
        })
        expect(steps.map(({ step }) => step).slice(0, 2)).toEqual(state === 'z_L' ? [1, 2] : [3, 6])

        const participation = analysis.participation.find((p) => p.state === state)!
        expect(participation.final).toBeCloseTo(ratio(ways.flatMap((way) => positions(way[state]!.at(-1)!))), 4)
        const everywhere = (some: typeof ways) => some.flatMap((way) => way[state]!.slice(1).flatMap(positions))
        expect(participation.trajectory).toBeCloseTo(ratio(everywhere(ways)), 4)
        expect(participation.byExamples.map(({ examples }) => examples)).toEqual([2, 3])
        expect(participation.byExamples[0]!.trajectory).toBeCloseTo(ratio(everywhere(ways.slice(0, 2))), 4)

        const way = analysis.trajectories.find((t) => t.example === 1 && t.state === state)!
        const plane = principalPlane(ways[1]![state]!)
        expect(way.points[0]!.step).toBe(0)
        expect(way.points.map(({ x }) => x)).toEqual(plane.coordinates.map(([x]) => expect.closeTo(x, 2)))
        expect(way.explained[0]).toBeCloseTo(plane.explained[0], 4)
      }
    })

    test('does not depend on how the examples are batched', async () => {
      const all = []
      for (const batch of [1, 2, 4]) {
        const backend = await open()
        if (backend === undefined) return console.warn(`SKIPPED: ${device} is not there`)
        all.push(await analysed(backend, models[0]!, batch))
      }
      const [one, ...others] = all
      for (const other of others) {
        expect(other.predictions).toEqual(
          one!.predictions.map((p) => ({
            ...p,
            segments: p.segments.map((s) => ({ ...s, qHalt: expect.closeTo(s.qHalt, 4) })),
          })),
        )
        expect(other.accuracy).toEqual(one!.accuracy)
        expect(other.participation[0]!.final).toBeCloseTo(one!.participation[0]!.final!, 4)
      }
    })
  })

test('predictions say what changed and how many labelled tokens are right', async () => {
  const backend = (await backendsForTests()[0]!.open())!
  const { predictions } = await analysed(backend, models[0]!, 4)
  expect(predictions.map(({ example }) => example)).toEqual([0, 1])
  for (const { example, inputs, segments } of predictions) {
    expect(inputs).toEqual(tokens[example])
    segments.forEach(({ tokens: guess, changed, right }, s) => {
      const before = s === 0 ? inputs : segments[s - 1]!.tokens
      expect(changed).toBe(guess.filter((t, i) => t !== before[i]).length)
      expect(right).toBe(guess.filter((t, i) => t === labels[example]![i]).length)
    })
  }
})
