/** Reductions of every length, by one lane, by a subgroup, by a workgroup: the same. */
import { describe, expect, it } from 'vitest'
import { compile } from '../../src/compile/index.js'
import { add, type Graph, max, min, mul, sum } from '../../src/ir/index.js'
import { normalise } from '../../src/nn/norm.js'
import { computedTwice, resident } from '../support/graph-parts.js'
import { relativeError } from '../support/numbers.js'
import { withDevice } from '../support/run-kernel.js'

const LENGTHS = [1, 7, 47, 48, 100, 129, 512, 513, 1000, 2048]
const classes = {
  'software adapters': { adapterClass: 'software' },
  'software adapters without subgroups': { adapterClass: 'software', subgroupSize: 0 },
  GPUs: { adapterClass: 'gpu' },
  'GPUs without subgroups': { adapterClass: 'gpu', subgroupSize: 0 },
} as const

describe.each(Object.entries(classes))('reductions on %s', (name, limits) => {
  it(
    'are what the interpreter has',
    withDevice(async (device) => {
      const target = { ...device.target, ...limits }
      for (const length of LENGTHS) {
        const x = resident(`x${length}`, 3, length)
        const outputs = {
          sum: sum(mul(x, x), [1]),
          max: max(x, [1]),
          min: min(add(x, 1), [1]),
          normalised: normalise(x),
          all: sum(mul(x, x), [0, 1]),
        }
        const { found, expected } = await computedTwice({ ...device, target }, { outputs, updates: [] })
        for (const [i, e] of expected.entries())
          expect(relativeError(found[i]!, e), `${length}: ${Object.keys(outputs)[i]}`).toBeLessThan(1e-5)
      }
    }),
    180_000,
  )

  it(
    'meet in workgroup memory only where one subgroup will not do',
    withDevice(async (device) => {
      const target = { ...device.target, ...limits }
      const texts = (length: number) => {
        const graph: Graph = { outputs: { y: normalise(resident('x', 3, length)) }, updates: [] }
        return compile(graph, {}, target).kernels.map(({ wgsl }) => wgsl)
      }
      const isGpu = name.startsWith('GPU')
      const [some, many] = [texts(128), texts(64 * device.target.subgroupSize + 1)]
      const without = name.endsWith('without subgroups')
      expect(some.some((wgsl) => wgsl.includes('var<workgroup>'))).toBe(isGpu && without)
      expect(many.some((wgsl) => wgsl.includes('var<workgroup>'))).toBe(isGpu)
      expect(some.some((wgsl) => wgsl.includes('subgroupAdd'))).toBe(!without)
    }),
  )
})
