import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile } from '../../src/compile/index.js'
import { webgpuBackend } from '../../src/device/index.js'
import {
  add,
  dot,
  graphFlops,
  graphRoots,
  input,
  mul,
  narrow,
  reshape,
  simplify,
  sliceAxis,
  sum,
  type Tensor,
} from '../../src/ir/index.js'
import { normalise } from '../../src/nn/norm.js'
import { evaluate } from '../../src/reference/index.js'
import { relativeError } from '../support/numbers.js'
import { randomGraph } from '../support/random-graph.js'
import { withDevice } from '../support/run-kernel.js'

const reference = (graph: Parameters<typeof graphRoots>[0], inputs: Record<string, ArrayLike<number>>) => {
  const values = evaluate(graphRoots(graph), (name) => {
    const given = inputs[name]
    return given === undefined ? undefined : Float64Array.from(given)
  })
  return Object.fromEntries(Object.keys(graph.outputs).map((name, i) => [name, values[i]!]))
}

describe('a compiled graph computes what the interpreter does', () => {
  const schedules = [
    ['software', {}, 40],
    ['gpu', {}, 12],
    ['gpu', { subgroupSize: 0 }, 12],
  ] as const
  for (const [adapterClass, limits, numRuns] of schedules)
    it(
      `on random graphs, with the ${adapterClass} schedules${'subgroupSize' in limits ? ', without subgroups' : ''}`,
      withDevice(async (device) => {
        // The GPU schedules run on any adapter, only slowly.
        const backend = webgpuBackend({ ...device, target: { ...device.target, adapterClass, ...limits } })
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), async (seed) => {
            const { outputs, inputs } = randomGraph(seed, 12)
            const graph = { outputs, updates: [] }
            const executable = await backend.load(graph, {})
            await executable.run(inputs)
            const actual = await executable.read(Object.keys(outputs))
            const expected = reference(graph, inputs)
            for (const name of Object.keys(outputs))
              expect(relativeError(actual[name]!, expected[name]!), `seed ${seed}, ${name}`).toBeLessThan(1e-4)
          }),
          { numRuns, seed: 11 },
        )
      }),
      180_000,
    )
})

it('simplification keeps the meaning of a graph', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const { outputs, inputs } = randomGraph(seed, 20)
      const graph = { outputs, updates: [] }
      const [before, after] = [reference(graph, inputs), reference(simplify(graph), inputs)]
      for (const name of Object.keys(outputs))
        expect(relativeError(after[name]!, before[name]!), `seed ${seed}`).toBeLessThan(1e-12)
    }),
    { numRuns: 200, seed: 5 },
  )
})

describe('computing only what is asked', () => {
  it('keeps the meaning of a graph', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.double({ min: 0, max: 0.99, noNaN: true }), (seed, at) => {
        const { outputs, inputs } = randomGraph(seed, 20)
        const parts = Object.entries(outputs).map(([name, t]): [string, Tensor] => {
          const axis = Math.floor(at * t.shape.length)
          const size = t.shape[axis] as number | undefined
          if (size === undefined) return [name, t]
          const start = Math.floor(at * size)
          return [name, sliceAxis(t, axis, start, Math.max(1, Math.floor((size - start) / 3)))]
        })
        const graph = { outputs: Object.fromEntries(parts), updates: [] }
        const [before, after] = [reference(graph, inputs), reference(narrow(graph), inputs)]
        for (const name of Object.keys(outputs))
          expect(relativeError(after[name]!, before[name]!), `seed ${seed}`).toBeLessThan(1e-12)
      }),
      { numRuns: 150, seed: 5 },
    )
  })

  it('of a layer before a head that reads one token, only that token', () => {
    const [x, w, v] = [
      input('x', [4, 9, 32], 'f32', 'streamed'),
      ...['w', 'v'].map((n) => input(n, [32, 32], 'f32', 'resident')),
    ]
    const layer = (y: Tensor, by: Tensor) => normalise(add(y, dot(y, by, [[2], [1]])))
    const all = { outputs: { y: layer(layer(x!, w!), v!) }, updates: [] }
    const one = { outputs: { y: reshape(sliceAxis(all.outputs.y, 1, 3, 1), [4, 32]) }, updates: [] }
    expect(graphFlops(narrow(all))).toBe(graphFlops(all))
    expect(graphFlops(narrow(one))).toBe(graphFlops(all) / 9)
  })
})

it(
  'residents are updated simultaneously, in place where the old value is no longer read',
  withDevice(async (device) => {
    const backend = webgpuBackend(device)
    const [a, b] = ['a', 'b'].map((name) => input(name, [8], 'f32', 'resident'))
    const graph = {
      outputs: { total: sum(add(a!, b!)) },
      updates: [
        { target: a!, value: add(a!, mul(b!, 2)) },
        { target: b!, value: mul(a!, 3) },
      ],
    }
    backend.write('a', new Float32Array(8).fill(1))
    backend.write('b', new Float32Array(8).fill(10))
    const executable = await backend.load(graph, {})
    await executable.run({})
    expect((await executable.read(['total'])).total![0]).toBe(88)
    const after = await backend.read(['a', 'b'])
    expect([after.a![0], after.b![0]]).toEqual([21, 3])
    const program = compile({ outputs: {}, updates: [{ target: a!, value: mul(a!, 2) }] }, {}, device.target)
    expect(program.copies).toEqual([])
  }),
)
