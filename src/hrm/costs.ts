/**
 * The table of a model's parts: shapes, parameters, and what one example costs, counted from the graphs. One segment is
 * several calls of the blocks, of which the gradient rule differentiates some.
 */
import { gradients } from '../autodiff/index.js'
import { add, bindDims, type Graph, graphFlops, input, keptBytes, mul, sum, type Tensor } from '../ir/index.js'
import { bindParameters, countParameters, type ParameterTree } from '../nn/index.js'
import { type Shape, showShape } from '../shape/index.js'
import type { Part, Reasoner } from './reasoner.js'

export interface PartCost {
  readonly part: string
  /** E.g. `[batch, 82, 512] × [batch, 82, 512]`. */
  readonly input: string
  readonly output: string
  /** Trained ones, a row-wise trained table included. */
  readonly parameters: number
  /** FLOPs of one call for one example. */
  readonly forward: number
  readonly backward: number
  /** Bytes kept for the backward pass of one call, one example. */
  readonly activationBytes: number
}

export interface Costs {
  readonly parts: readonly PartCost[]
  /** `L L H L L H`: the calls of a segment in order. */
  readonly calls: string
  /** One segment of one example, with its backward pass. */
  readonly total: {
    readonly parameters: number
    readonly forward: number
    readonly backward: number
    readonly activationBytes: number
  }
}

const leaf = (name: string, shape: Shape, dtype: 'f32' | 'i32' = 'f32') => input(name, shape, dtype, 'streamed')

const leavesOf = (tree: ParameterTree) => {
  const trained: Tensor[] = []
  const bound = bindParameters(tree, ({ path, spec }) => {
    const t = input(path, spec.shape, 'f32', 'resident')
    // Rows of a table reach the graph as an input of their own.
    if (spec.training === 'dense') trained.push(t)
    return t
  })
  return { bound, trained }
}

/** FLOPs of the outputs, of their gradients by `wrt`, and the bytes kept in between; for one example. */
const costOf = (outputs: readonly Tensor[], wrt: readonly Tensor[]) => {
  // Any loss: every output meets a cotangent of its own, so that nothing cancels or is left out.
  const loss = outputs.map((t, i) => sum(mul(t, leaf(`cotangent ${i}`, t.shape)))).reduce((a, b) => add(a, b))
  const named = (prefix: string, ts: readonly Tensor[]) => ts.map((t, i) => [`${prefix}${i}`, t] as const)
  const graph: Graph = {
    outputs: Object.fromEntries([...named('out', outputs), ...named('gradient', gradients(loss, wrt))]),
    updates: [],
  }
  const one = bindDims(graph, { batch: 1 })
  const made = outputs.map((_, i) => one.outputs[`out${i}`]!)
  const forward = graphFlops({ outputs: Object.fromEntries(named('out', made)), updates: [] })
  return { forward, backward: graphFlops(one) - forward, activationBytes: keptBytes(one, made) }
}

const costOfPart = (part: Part): PartCost => {
  const { bound, trained } = leavesOf(part.parameters)
  const inputs = part.inputs.map(({ name, shape, dtype }) => leaf(name, shape, dtype as 'f32' | 'i32'))
  const output = part.build(bound as never, inputs)
  const { dense, rows } = countParameters(part.parameters)
  return {
    part: part.name,
    input: part.inputs.map(({ shape }) => showShape(shape)).join(' × '),
    output: showShape(output.shape),
    parameters: dense + rows,
    ...costOf([output], [...trained, ...inputs.filter((t) => t.dtype === 'f32')]),
  }
}

export interface SegmentGraph {
  readonly graph: Graph
  /** The leaves that are trained. */
  readonly trained: readonly Tensor[]
  /** The calls of blocks, in order. */
  readonly calls: readonly string[]
}

/** One segment as a graph with its inputs as leaves, for printing and counting. */
export const segmentGraph = (model: Reasoner): SegmentGraph => {
  const { bound, trained } = leavesOf(model.parameters)
  const state = Object.fromEntries(
    Object.keys(model.carried).map((name) => [name, input(name, model.stateShape, 'f32', 'resident')]),
  )
  const { sequence, puzzleEmbedding } = model.sizes
  const puzzle = puzzleEmbedding > 0 ? leaf('puzzle', ['batch', puzzleEmbedding]) : undefined
  const segment = model.segment(bound, state, {
    tokens: leaf('tokens', ['batch', sequence], 'i32'),
    ...(puzzle !== undefined && { puzzle }),
  })
  const outputs = {
    logits: segment.logits,
    qHalt: segment.qHalt,
    ...(segment.qContinue !== undefined && { qContinue: segment.qContinue }),
  }
  const updates = Object.entries(state).map(([name, target]) => ({ target, value: segment.state[name]! }))
  return {
    graph: { outputs, updates },
    trained: puzzle === undefined ? trained : [...trained, puzzle],
    calls: segment.calls.map(({ level }) => level),
  }
}

/** Builds every graph of the model and counts. Throws `ShapeError` when the model's shapes do not fit. */
export const costs = (model: Reasoner): Costs => {
  const { graph, trained, calls } = segmentGraph(model)
  const { dense, rows } = countParameters(model.parameters)
  return {
    parts: model.parts.map(costOfPart),
    calls: calls.join(' '),
    total: { parameters: dense + rows, ...costOf(Object.values(graph.outputs), trained) },
  }
}
