/** What is kept in f16 where only products in f16 read it: nothing of a result changes, and it takes half the memory. */
import { describe, expect, it } from 'vitest'
import { compile } from '../../src/compile/index.js'
import { add, attention, dot, type Graph, mul, pack, reshape, sliceAxis, sum, type Tensor } from '../../src/ir/index.js'
import { computedTwice, gated, linear, resident } from '../support/graph-parts.js'
import { relativeError } from '../support/numbers.js'
import { withDevice } from '../support/run-kernel.js'

const x = resident('x', 2, 5, 12)
const value = gated(linear(x, 40, 'w', 'f16'))
const scaled = add(mul(x, 3), 1)
const attended = attention(reshape(linear(x, 48, 'w', 'f16'), [2, 5, 3, 2, 8]))
const joined = reshape(attended, [2, 5, 16])
const long = mul(resident('long', 16, 8), 2)
/** A weight gradient's product: contracts over the rows. */
const overRows = dot(
  scaled,
  value,
  [
    [0, 1],
    [0, 1],
  ],
  [[], []],
  'f16',
)

/** How many tensors of a graph are kept in f16. */
const graphs: Readonly<Record<string, { readonly outputs: Readonly<Record<string, Tensor>>; readonly kept: number }>> =
  {
    'what a matmul has finished': { outputs: { y: linear(value, 7, 'v', 'f16') }, kept: 1 },
    'what a fused loop computes': { outputs: { y: linear(scaled, 7, 'v', 'f16') }, kept: 1 },
    'the output of an attention': { outputs: { y: linear(joined, 7, 'v', 'f16') }, kept: 1 },
    'both operands of a product over the rows': { outputs: { y: overRows }, kept: 2 },
    'read by two products': { outputs: { y: linear(value, 7, 'v', 'f16'), z: overRows }, kept: 2 },
    'no number that a product in f32 reads too': {
      outputs: { y: linear(value, 7, 'v', 'f16'), z: linear(value, 3, 'u') },
      kept: 0,
    },
    'none that a sum reads too': { outputs: { y: linear(value, 7, 'v', 'f16'), z: sum(value, [2]) }, kept: 0 },
    'none that is asked for': { outputs: { y: linear(value, 7, 'v', 'f16'), value }, kept: 0 },
    'none that is a part of something packed': {
      outputs: { y: linear(value, 7, 'v', 'f16'), z: pack([value], [0], 256) },
      kept: 0,
    },
    'none whose part begins where no binding may': {
      outputs: {
        y: linear(sliceAxis(long, 0, 0, 8), 7, 'v', 'f16'),
        z: linear(sliceAxis(long, 0, 8, 8), 7, 'v', 'f16'),
      },
      kept: 0,
    },
  }

describe('kept in f16 on GPUs', () => {
  for (const [name, { outputs, kept }] of Object.entries(graphs))
    it(
      name,
      withDevice(async (device) => {
        const graph: Graph = { outputs, updates: [] }
        const target = { ...device.target, adapterClass: 'gpu', hasF16: true } as const
        const workspace = (hasF16: boolean) =>
          compile(graph, {}, { ...target, hasF16 }).buffers.reduce(
            (n, { kind, bytes }) => n + (kind === 'workspace' ? bytes : 0),
            0,
          )
        const { kernels } = compile(graph, {}, target)
        const stores = kernels.flatMap(({ wgsl }) => wgsl.match(/= (vec4<f16>|f16)\(x\);|vec[24]h\(o0\)/g) ?? [])
        expect(new Set(stores).size > 0).toBe(kept > 0)
        if (kept > 0) expect(workspace(true)).toBeLessThan(workspace(false))
        else expect(workspace(true)).toBe(workspace(false))
        if (kept === 0) return
        const { found, expected } = await computedTwice({ ...device, target }, graph)
        for (const [i, e] of expected.entries()) expect(relativeError(found[i]!, e)).toBeLessThan(1e-3)
      }),
      60_000,
    )

  it(
    'nothing where it would save nothing: software adapters, and WGSL without f16',
    withDevice(async (device) => {
      const graph: Graph = { outputs: graphs['what a matmul has finished']!.outputs, updates: [] }
      for (const only of [{ adapterClass: 'software' }, { adapterClass: 'gpu', hasF16: false }] as const)
        expect(
          compile(graph, {}, { ...device.target, ...only }).kernels.some(({ wgsl }) => wgsl.includes('enable f16')),
        ).toBe(false)
    }),
  )
})
