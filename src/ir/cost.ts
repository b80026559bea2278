/**
 * What a graph costs, counted from its nodes: floating-point operations (a multiply-add is two) and bytes. Dims must be
 * numbers (`bindDims`). Says nothing of time: that is a device's business.
 */
import { elements } from '../shape/index.js'
import { type Graph, graphRoots, type Tensor, topological } from './tensor.js'

const size = (t: Tensor): number => {
  const n = elements(t.shape)
  if (typeof n !== 'number') throw new Error(`cost needs numbers for all dims, not ${n}`)
  return n
}

/** Multiplications of every query with every key, [B, T, 3, H, d]: 2·B·H·T²·d. */
const scores = (qkv: Tensor): number => 2 * size(qkv) * (1 / 3) * (qkv.shape[1] as number)

/** FLOPs of one node. */
export const nodeFlops = (node: Tensor): number => {
  const [first] = node.inputs
  switch (node.op.kind) {
    case 'dot':
      return 2 * size(node) * node.op.contract[0].reduce((k, axis) => k * (first!.shape[axis] as number), 1)
    // q·kᵀ and its product with v.
    case 'attention':
      return 2 * scores(first!)
    case 'attentionStatistics':
      return scores(first!)
    // The scores again, then the gradients of v, of the scores, of q and of k.
    case 'attentionBackward':
      return 5 * scores(first!)
    case 'unary':
    case 'binary':
    case 'select':
      return size(node)
    case 'reduce':
    case 'scatterAdd':
      return node.inputs.reduce((n, t) => n + (t.dtype === 'f32' ? size(t) : 0), 0)
    case 'input':
    case 'constant':
    case 'literal':
    case 'iota':
    case 'logical':
    case 'not':
    case 'cast':
    case 'stopGradient':
    case 'broadcast':
    case 'reshape':
    case 'transpose':
    case 'slice':
    case 'pad':
    case 'gather':
    case 'scatterRows':
    case 'pack':
      return 0
  }
}

/** FLOPs of everything the graph computes, each node once. */
export const graphFlops = (graph: Graph): number =>
  topological(graphRoots(graph)).reduce((n, node) => n + nodeFlops(node), 0)

/** The tensor whose numbers a view shows. */
const viewed = (t: Tensor): Tensor =>
  ['broadcast', 'reshape', 'transpose', 'slice', 'stopGradient'].includes(t.op.kind) ? viewed(t.inputs[0]!) : t

/**
 * Bytes of what `forward` computes and the rest of the graph (its backward pass) reads again: what must be kept between
 * the two, were nothing computed twice.
 */
export const keptBytes = (graph: Graph, forward: readonly Tensor[]): number => {
  const made = new Set(topological(forward))
  const kept = new Set<Tensor>()
  for (const node of topological(graphRoots(graph)))
    if (!made.has(node)) for (const t of node.inputs) if (made.has(t)) kept.add(viewed(t))
  return [...kept]
    .filter((t) => !['input', 'constant', 'literal', 'iota'].includes(t.op.kind))
    .reduce((bytes, t) => bytes + 4 * size(t), 0)
}
