/**
 * How a contraction's operands lie in memory. A matmul family wants matrices; a view chain over memory often is one (a
 * reshape, a transpose), and then nothing is copied. What is not is marked to be stored first.
 */
import { dot, type OpOf, type Tensor, transpose } from '../ir/index.js'
import { addIndex, type Index, indexKey, linearIndex, scaleIndex, unlinearIndex, variable } from './index-algebra.js'
import { ALIGNMENT } from './memory.js'
import { elementCount, isLeaf, type Place, placeOf, sizes } from './storage.js'
import { viewCoordinates } from './walk.js'

export interface Operand {
  readonly place: Place
  /** `free`: the free index is the slow one ([m, k] or [n, k]); `contract`: the contracted one is ([k, m], [k, n]). */
  readonly slow: 'free' | 'contract'
  /** The same matrix for every product of the batch. */
  readonly broadcast: boolean
}

export interface Contraction {
  readonly batch: number
  readonly m: number
  readonly n: number
  readonly k: number
}

const product = (node: Tensor, axes: readonly number[]) => axes.reduce((p, a) => p * sizes(node)[a]!, 1)
const freeAxes = (node: Tensor, contract: readonly number[], batch: readonly number[]) =>
  node.shape.map((_, i) => i).filter((i) => !contract.includes(i) && !batch.includes(i))

export const contractionOf = (node: Tensor): Contraction => {
  const op = node.op as OpOf<'dot'>
  const [l, r] = node.inputs as readonly [Tensor, Tensor]
  return {
    batch: product(l, op.batch[0]),
    m: product(l, freeAxes(l, op.contract[0], op.batch[0])),
    n: product(r, freeAxes(r, op.contract[1], op.batch[1])),
    k: product(l, op.contract[0]),
  }
}

/** The node under a chain of views, and the address in it of the coordinates given. */
const addressBelow = (
  node: Tensor,
  at: readonly Index[],
  isRoot: (n: Tensor) => boolean,
): { readonly source: Tensor; readonly address: Index } => {
  const { op } = node
  const [input] = node.inputs
  if (!isLeaf(node) && !isRoot(node) && input !== undefined) {
    if (op.kind === 'reshape' || op.kind === 'transpose' || op.kind === 'broadcast' || op.kind === 'slice')
      return addressBelow(input, viewCoordinates(node, at), isRoot)
  }
  return { source: node, address: linearIndex(at, sizes(node)) }
}

/** Binding offsets must be multiples of so many elements. */
const ALIGNED_ELEMENTS = ALIGNMENT / 4

/** The operand as a matrix over the node at the end of its view chain, if it is one. */
const matrixOver = (
  node: Tensor,
  batch: readonly number[],
  free: readonly number[],
  contract: readonly number[],
  isRoot: (n: Tensor) => boolean,
): { readonly source: Tensor; readonly operand: Operand } | undefined => {
  const shape = sizes(node)
  const count = { b: product(node, batch), f: product(node, free), k: product(node, contract) }
  const at: Index[] = []
  const spread = (axes: readonly number[], name: string, size: number) =>
    unlinearIndex(
      variable(name, size),
      axes.map((a) => shape[a]!),
    ).forEach((c, i) => {
      at[axes[i]!] = c
    })
  spread(batch, 'b', count.b)
  spread(free, 'f', count.f)
  spread(contract, 'k', count.k)
  const { source, address } = addressBelow(node, at, isRoot)
  const offset = address.constant
  if (offset % ALIGNED_ELEMENTS !== 0) return undefined
  const matrix = { terms: address.terms, constant: 0 }
  for (const slow of ['free', 'contract'] as const) {
    const [outer, inner, width] = slow === 'free' ? (['f', 'k', count.k] as const) : (['k', 'f', count.f] as const)
    const plane = addIndex(scaleIndex(variable(outer, count[outer]), width), variable(inner, count[inner]))
    const stacked = addIndex(plane, scaleIndex(variable('b', count.b), count.f * count.k))
    const isStacked = indexKey(matrix) === indexKey(stacked)
    if (!isStacked && indexKey(matrix) !== indexKey(plane)) continue
    const broadcast = !isStacked
    return {
      source,
      operand: {
        place: { base: source, offset, elements: count.f * count.k * (broadcast ? 1 : count.b) },
        slow,
        broadcast,
      },
    }
  }
  return undefined
}

const axesOf = (node: Tensor, side: 0 | 1) => {
  const op = node.op as OpOf<'dot'>
  const operand = node.inputs[side]!
  return [op.batch[side], freeAxes(operand, op.contract[side], op.batch[side]), op.contract[side]] as const
}

/** Operand `side` of a legal dot. */
export const operandOf = (node: Tensor, side: 0 | 1, isRoot: (n: Tensor) => boolean): Operand => {
  const found = matrixOver(node.inputs[side]!, ...axesOf(node, side), isRoot)
  if (found === undefined) throw new Error('operandOf: the operand is no matrix in memory; legaliseDot was not applied')
  return found.operand
}

/**
 * A dot whose operands are matrices in memory, in one of the layouts nn, nt, tn; `keep` is told which nodes must be stored
 * for that.
 */
export const legaliseDot = (node: Tensor, isRoot: (n: Tensor) => boolean, keep: (n: Tensor) => void): Tensor => {
  const sides = ([0, 1] as const).map((side) => {
    const operand = node.inputs[side]!
    const [batch, free, contract] = axesOf(node, side)
    const found = matrixOver(operand, batch, free, contract, isRoot)
    if (found !== undefined) {
      keep(found.source)
      return { operand, contract, batch, slow: found.operand.slow }
    }
    // What is in order but for its place in memory is copied as it is.
    if ([...batch, ...contract, ...free].every((axis, i) => axis === i)) {
      keep(operand)
      return { operand, contract, batch, slow: 'contract' as const }
    }
    return { ...inOrder(operand, batch, free, contract, keep), slow: 'free' as const }
  }) as [Side, Side]
  // Both operands with the contracted index slow on the left and fast on the right is a layout no family has.
  const [l, r] = sides
  const { m, k } = contractionOf(node)
  const left =
    l.slow === 'contract' && r.slow === 'free' && m !== 1 && k !== 1
      ? inOrder(node.inputs[0]!, ...axesOf(node, 0), keep)
      : l
  const { precision } = node.op as OpOf<'dot'>
  return dot(left.operand, r.operand, [left.contract, r.contract], [left.batch, r.batch], precision)
}

interface Side {
  readonly operand: Tensor
  readonly contract: readonly number[]
  readonly batch: readonly number[]
  readonly slow: 'free' | 'contract'
}

/** Copies the operand to [batch, free, contract]. */
const inOrder = (
  operand: Tensor,
  batch: readonly number[],
  free: readonly number[],
  contract: readonly number[],
  keep: (n: Tensor) => void,
) => {
  const permuted = transpose(operand, [...batch, ...free, ...contract])
  keep(permuted)
  const first = batch.length + free.length
  return { operand: permuted, batch: batch.map((_, i) => i), contract: contract.map((_, i) => first + i) }
}

/** Whether a node can be bound as it is: contiguous memory at an aligned offset. */
export const isBindable = (node: Tensor, isRoot: (n: Tensor) => boolean): boolean => {
  const place = placeOf(node, isRoot)
  return place !== undefined && place.offset % ALIGNED_ELEMENTS === 0 && place.elements === elementCount(node)
}
