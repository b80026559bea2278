/** Products over very long rows, cut into parts on GPUs: the sum is the same, and no more work is done. */
import { describe, expect, it } from 'vitest'
import { compile, splitLong } from '../../src/compile/index.js'
import { dot, type Graph, literal, mul, nodeFlops, scatterAdd, type Tensor } from '../../src/ir/index.js'
import { computedTwice, resident } from '../support/graph-parts.js'
import { relativeError } from '../support/numbers.js'
import { withDevice } from '../support/run-kernel.js'

const gradient = (left: Tensor, right: Tensor): Tensor => {
  const rows = left.shape.slice(0, -1).map((_, axis) => axis)
  return dot(left, right, [rows, rows])
}
const tall = (name: string, columns: number, ...rows: number[]) => resident(name, ...rows, columns)

/** Sums of what the ids 0, 1, …, and some beyond the last, name. */
const byId = (ids: number, count: number, ...row: number[]) => {
  const named = Int32Array.from({ length: count }, (_, i) => ((i * 7) % (ids + 2)) - 1)
  return scatterAdd(literal(named, [8, count / 8]), resident('rows', 8, count / 8, ...row), ids)
}

/** With the part number of their products; 1: they are left whole. */
const graphs: Readonly<Record<string, { readonly product: Tensor; readonly parts: number }>> = {
  'two axes of rows': { product: gradient(tall('x', 5, 12, 512), tall('y', 3, 12, 512)), parts: 6 },
  'one axis of rows': { product: gradient(tall('x', 5, 4096), tall('y', 8, 4096)), parts: 4 },
  'rows of what is computed': {
    product: gradient(mul(tall('x', 5, 8, 512), 2), tall('y', 3, 8, 512)),
    parts: 4,
  },
  'rows with themselves': { product: gradient(tall('x', 6, 8, 512), tall('x', 6, 8, 512)), parts: 4 },
  'a prime number of rows': { product: gradient(tall('x', 5, 4099), tall('y', 3, 4099)), parts: 1 },
  'few rows': { product: gradient(tall('x', 5, 2000), tall('y', 3, 2000)), parts: 1 },
  'tiles enough': { product: gradient(tall('x', 2048, 4096), tall('y', 2048, 4096)), parts: 1 },
  'many rows by few ids': { product: byId(9, 4096, 3), parts: 4 },
  'the same, a row of several axes': { product: byId(3, 4096, 2, 2), parts: 4 },
  'few rows by few ids': { product: byId(9, 2000, 3), parts: 1 },
  'many ids': { product: byId(65, 4096, 3), parts: 1 },
  'long rows that do not come first': {
    product: dot(resident('x', 3, 4096), resident('y', 5, 4096), [[1], [1]]),
    parts: 1,
  },
}

describe('a product over', () => {
  for (const [name, { product, parts }] of Object.entries(graphs)) {
    const graph: Graph = { outputs: { product }, updates: [] }
    it(`${name} has ${parts} part(s)`, () => {
      const split = splitLong(graph, { adapterClass: 'gpu' }).outputs.product!
      const reduced = [split, split.inputs[0]!].find(({ op }) => op.kind === 'reduce')
      const partial = reduced?.inputs[0]
      expect(partial === undefined ? 1 : partial.shape[0]).toBe(parts)
      if (product.op.kind === 'dot') expect(nodeFlops(partial ?? split)).toBe(nodeFlops(product))
      expect(splitLong(graph, { adapterClass: 'software' }).outputs.product).toBe(product)
    })
    if (parts > 1)
      it(
        `${name} is the same`,
        withDevice(async (device) => {
          const target = { ...device.target, adapterClass: 'gpu' } as const
          const names = compile(graph, {}, target).kernels.map((kernel) => kernel.name)
          expect(names.some((kernel) => kernel.startsWith(`matmul.tn ${parts}×`))).toBe(true)
          const { found, expected } = await computedTwice({ ...device, target }, graph)
          expect(relativeError(found[0]!, expected[0]!)).toBeLessThan(1e-6)
        }),
      )
  }
})
