/**
 * What a matmul finishes itself, against the interpreter; and where it must not, because someone else wants the product, or
 * because a binding would be there twice.
 */
import { describe, expect, it } from 'vitest'
import type { Target } from '../../kernels/kernel.js'
import { matmulVariants } from '../../kernels/matmul/index.js'
import { compile } from '../../src/compile/index.js'
import { add, dot, type Graph, mul, reshape, sliceAxis, sum } from '../../src/ir/index.js'
import { rotary } from '../../src/nn/rotary.js'
import { computedTwice, gated, linear, resident } from '../support/graph-parts.js'
import { relativeError } from '../support/numbers.js'
import { withDevice } from '../support/run-kernel.js'

const x = resident('x', 3, 5, 12)
const turned = (positions: number, heads: number, d: number) => {
  const qkv = linear(resident('x', 3, positions, 12), 3 * heads * d, 'w')
  return rotary(positions, d)(reshape(qkv, [3, positions, 3, heads, d]))
}
const both = linear(x, 24, 'w')

/** How many products of a graph are finished by their matmul. */
const graphs: Readonly<Record<string, { readonly graph: Graph; readonly finished: number }>> = {
  'SwiGLU after the product of gate and up': { graph: { outputs: { y: gated(both) }, updates: [] }, finished: 1 },
  'the same for columns that no tile divides': {
    graph: { outputs: { y: gated(linear(x, 74, 'w')) }, updates: [] },
    finished: 1,
  },
  'of a single column': { graph: { outputs: { y: gated(linear(x, 2, 'w')) }, updates: [] }, finished: 1 },
  'SwiGLU between two products': { graph: { outputs: { y: linear(gated(both), 7, 'v') }, updates: [] }, finished: 1 },
  'q and k turned by their positions': { graph: { outputs: { y: turned(5, 2, 8) }, updates: [] }, finished: 1 },
  'heads of another size': { graph: { outputs: { y: turned(7, 3, 6) }, updates: [] }, finished: 1 },
  'SwiGLU that becomes the new value of a resident tensor': {
    graph: { outputs: {}, updates: [{ target: resident('kept', 3, 5, 12), value: gated(both) }] },
    finished: 1,
  },
  'with a tensor that is no operand': {
    graph: { outputs: { y: add(gated(both), resident('z', 3, 5, 12)) }, updates: [] },
    finished: 1,
  },
  'with an operand of the product itself': { graph: { outputs: { y: add(gated(both), x) }, updates: [] }, finished: 0 },
  'where the product is asked for too': { graph: { outputs: { y: gated(both), both }, updates: [] }, finished: 0 },
  'where a sum reads the product too': {
    graph: { outputs: { y: gated(both), all: sum(both, [0, 1]) }, updates: [] },
    finished: 0,
  },
  'pairs that are no halves': {
    graph: { outputs: { y: mul(sliceAxis(both, 2, 0, 12), sliceAxis(both, 2, 6, 12)) }, updates: [] },
    finished: 0,
  },
  'two products, one for each half': {
    graph: { outputs: { y: mul(gated(both), gated(linear(x, 24, 'v'))) }, updates: [] },
    finished: 1,
  },
}

const finishedIn = (graph: Graph, target: Target): number =>
  compile(graph, {}, target).kernels.filter(({ name }) => /^matmul.* \+/.test(name)).length

for (const adapterClass of ['software', 'gpu'] as const)
  describe(`what a matmul makes of its product, with the ${adapterClass} schedules`, () => {
    for (const [name, { graph, finished }] of Object.entries(graphs))
      it(
        name,
        withDevice(async (device) => {
          const target = { ...device.target, adapterClass }
          expect(finishedIn(graph, target)).toBe(finished)
          const { found, expected } = await computedTwice({ ...device, target }, graph)
          expect(found).toHaveLength(expected.length)
          for (const [i, e] of expected.entries()) expect(relativeError(found[i]!, e)).toBeLessThan(1e-5)
        }),
        60_000,
      )
  })

it('on matrix units by a variant that keeps pairs together, whatever was tuned', () => {
  const target: Target = {
    adapterClass: 'gpu',
    subgroupSize: 32,
    maxBindingBytes: 2 ** 27,
    maxStorageBuffers: 16,
    maxWorkgroupsPerDimension: 65535,
    maxWorkgroupInvocations: 1024,
    maxWorkgroupMemoryBytes: 49152,
    hasF16: true,
    matrix: { m: 16, n: 16, k: 16, subgroupSize: 32, asksForSize: false },
  }
  const half = dot(x, resident('w', 24, 12), [[2], [1]], [[], []], 'f16')
  const graph: Graph = { outputs: { y: gated(half) }, updates: [] }
  const single = matmulVariants(target, 'f16').find((v) => v.family === 'matrix' && v.columns === 1)!
  for (const tuning of [new Map(), new Map([['nt 1×15×24×12, f16', single]])]) {
    const [kernel, ...others] = compile(graph, {}, target, tuning).kernels
    expect(others).toEqual([])
    expect(kernel!.name).toMatch(/matrix 2·2×2·2.* \+mul$/)
  }
})
