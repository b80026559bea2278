/** Graph → graph: rebuilding nodes bottom-up, giving symbolic dims their numbers. Pure. */
import { bindDim, type Dims, type Shape, ShapeError } from '../shape/index.js'
import { node } from './build.js'
import { type Graph, graphRoots, type Op, type Tensor, topological } from './tensor.js'

/** Rebuilds every node the graph needs; `visit` gets each with its rebuilt inputs and returns what replaces it. */
export const rewrite = (graph: Graph, visit: (node: Tensor, inputs: readonly Tensor[]) => Tensor): Graph => {
  const replaced = new Map<Tensor, Tensor>()
  const get = (t: Tensor): Tensor => {
    const r = replaced.get(t)
    if (r === undefined) throw new Error('rewrite: a node was visited before its inputs')
    return r
  }
  for (const n of topological([...graphRoots(graph), ...graph.updates.map((u) => u.target)]))
    replaced.set(n, visit(n, n.inputs.map(get)))
  return {
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, t]) => [name, get(t)])),
    updates: graph.updates.map((u) => ({ target: get(u.target), value: get(u.value) })),
  }
}

/** The node on these inputs: itself, where they are its own. */
export const rebuilt = (n: Tensor, inputs: readonly Tensor[]): Tensor =>
  inputs.every((x, i) => x === n.inputs[i]) ? n : node(n.op, inputs)

const withShape = (op: Op, bind: (shape: Shape) => Shape): Op => ('shape' in op ? { ...op, shape: bind(op.shape) } : op)

/** Gives every symbolic dim its number; throws `ShapeError` naming a symbol without one. */
export const bindDims = (graph: Graph, dims: Dims): Graph => {
  const bind = (shape: Shape): Shape =>
    shape.map((d) => {
      const value = bindDim(d, dims)
      if (value === undefined) throw new ShapeError(`the dim "${d}" has no value; known: ${JSON.stringify(dims)}`)
      return value
    })
  return rewrite(graph, (n, inputs) => node(withShape(n.op, bind), inputs))
}
