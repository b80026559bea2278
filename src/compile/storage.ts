/**
 * Which nodes are memory: leaves and roots are; a reshape of memory, or a contiguous slice of it, is the same memory at an
 * offset. Everything else is computed where it is needed.
 */
import type { Graph, Tensor } from '../ir/index.js'

/** `elements` values of `base` from element `offset` on, row-major in the shape of the node asked about. */
export interface Place {
  readonly base: Tensor
  readonly offset: number
  readonly elements: number
}

export const sizes = (node: Tensor): readonly number[] => node.shape as readonly number[]
export const elementCount = (node: Tensor): number => sizes(node).reduce((a, b) => a * b, 1)

export const isLeaf = (node: Tensor): boolean => node.op.kind === 'input' || node.op.kind === 'literal'

/** The memory that outlasts the program's steps as it is: of outputs, of new values of residents, of parts of what is packed. */
export const askedOf = (graph: Graph, roots: ReadonlySet<Tensor>): ReadonlySet<Tensor> => {
  const packed = [...roots].filter((n) => n.op.kind === 'pack').flatMap((n) => n.inputs)
  const asked = [...Object.values(graph.outputs), ...graph.updates.map(({ value }) => value), ...packed]
  return new Set(asked.map((n) => placeOf(n, (m) => roots.has(m))?.base ?? n))
}

/** Where the node lies in memory as it is; `undefined` when it must be computed. `isRoot` says which nodes are stored. */
export const placeOf = (node: Tensor, isRoot: (node: Tensor) => boolean): Place | undefined => {
  const here = elementCount(node)
  if (isLeaf(node) || isRoot(node)) return { base: node, offset: 0, elements: here }
  const [input] = node.inputs
  if (input === undefined) return undefined
  const { op } = node
  if (op.kind === 'reshape' || (op.kind === 'broadcast' && elementCount(input) === here)) {
    const place = placeOf(input, isRoot)
    return place && { ...place, elements: here }
  }
  if (op.kind === 'slice') {
    const offset = contiguousOffset(sizes(input), sizes(node), op.start)
    const place = offset === undefined ? undefined : placeOf(input, isRoot)
    return place && { base: place.base, offset: place.offset + (offset ?? 0), elements: here }
  }
  return undefined
}

/** Element offset of a slice that is one run of memory: every dim before the cut one has size 1, every later one is whole. */
const contiguousOffset = (
  from: readonly number[],
  to: readonly number[],
  start: readonly number[],
): number | undefined => {
  const cut = to.findIndex((d) => d !== 1)
  const axis = cut < 0 ? to.length : cut
  for (let i = axis + 1; i < to.length; i++) if (to[i] !== from[i]) return undefined
  let offset = 0
  for (let i = 0; i < from.length; i++) offset = offset * from[i]! + start[i]!
  return offset
}
