/**
 * Products that sum over very long rows into a small matrix, as weight gradients do: one workgroup a tile would leave most
 * of a GPU's processors idle. Cut along the rows into products of their own, of which the sum is taken:
 *
 *      Aᵀ·B with A [K, m], B [K, n]   →   Σ_s A_sᵀ·B_s with A_s [K/S, m], B_s [K/S, n]
 *
 * Sums of many rows by few ids are such products too: of the ids, a one for each and zeros else, with the rows.
 */
import type { Target } from '../../kernels/kernel.js'
import { BUSY } from '../../kernels/matmul/index.js'
import {
  cast,
  dot,
  equal,
  type Graph,
  iota,
  type OpOf,
  rebuilt,
  reshape,
  rewrite,
  sum,
  type Tensor,
} from '../ir/index.js'
import { contractionOf } from './operands.js'
import { elementCount, sizes } from './storage.js'

/** Elements of C that a workgroup has, and how many workgroups there shall be at most: half as many again as keep a GPU busy. */
const TILE = 128 ** 2
const MOST = 400
/** Steps of k that a part should have at least: its tile of C is stored once more. */
const LEAST_STEPS = 1024

/** On GPUs; software adapters have few processors. */
export const splitLong = (graph: Graph, { adapterClass }: Pick<Target, 'adapterClass'>): Graph =>
  adapterClass !== 'gpu'
    ? graph
    : rewrite(graph, (n, inputs) => {
        const same = rebuilt(n, inputs)
        if (n.op.kind === 'dot') return splitDot(same)
        return n.op.kind === 'scatterAdd' ? splitScatter(same, n.op.rows) : same
      })

/** Where both operands have the rows as their first axes: then a part of them is a part of memory. */
const splitDot = (n: Tensor): Tensor => {
  const { contract, batch, precision } = n.op as OpOf<'dot'>
  const [left, right] = n.inputs as readonly [Tensor, Tensor]
  const isFirst = contract.every((axes) => axes.length > 0 && axes.every((axis, i) => axis === i))
  if (!isFirst || batch[0].length > 0) return n
  const { m, n: columns, k } = contractionOf(n)
  const tiles = Math.ceil((m * columns) / TILE)
  const rows = sizes(left)[0]!
  const most = Math.min(MOST / tiles, k / LEAST_STEPS)
  const parts = tiles >= BUSY ? 1 : largestDivisor(rows, most)
  if (parts === 1) return n
  const cut = (t: Tensor) => reshape(t, [parts, rows / parts, ...sizes(t).slice(1)])
  const shifted = contract[0].map((axis) => axis + 1)
  return sum(dot(cut(left), cut(right), [shifted, shifted], [[0], [0]], precision), [0])
}

/** Rows that one invocation may look through for an element; and ids, each of which would look through all rows. */
const FEW_ROWS = 4096
const FEW_IDS = 64

const splitScatter = (n: Tensor, rows: number): Tensor => {
  const [ids, values] = n.inputs as readonly [Tensor, Tensor]
  const count = elementCount(ids)
  if (count < FEW_ROWS || rows > FEW_IDS) return n
  const isOf = equal(reshape(ids, [count, 1]), iota([count, rows], 1))
  const flat = reshape(values, [count, elementCount(values) / count])
  return reshape(splitDot(dot(cast(isOf, 'f32'), flat, [[0], [0]])), n.shape)
}

const largestDivisor = (n: number, most: number): number => {
  for (let d = Math.min(n, Math.floor(most)); d > 1; d--) if (n % d === 0) return d
  return 1
}
