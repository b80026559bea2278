/** The graph as text, one node a line, in the order of evaluation: `thetagrad check --show graph`. */
import { showShape } from '../shape/index.js'
import { type Graph, graphRoots, type Op, type Tensor, topological } from './tensor.js'

const attributes = (op: Op): string => {
  const shown = Object.entries(op)
    .filter(([key]) => !['kind', 'shape', 'dtype', 'data', 'name'].includes(key))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return shown.length === 0 ? '' : ` {${shown.join(', ')}}`
}

export const opName = (op: Op): string =>
  'name' in op ? (op.kind === 'input' ? `input ${op.name}` : op.name) : op.kind

export const printGraph = (graph: Graph): string => {
  const order = topological(graphRoots(graph))
  const number = new Map<Tensor, number>(order.map((n, i) => [n, i]))
  const reference = (t: Tensor) => `%${number.get(t)}`
  const lines = order.map(
    (n) =>
      `${reference(n)}: ${n.dtype}${showShape(n.shape)} = ${opName(n.op)}(${n.inputs.map(reference).join(', ')})${attributes(n.op)}`,
  )
  const outputs = Object.entries(graph.outputs).map(([name, t]) => `output ${name} = ${reference(t)}`)
  const updates = graph.updates.map((u) => `update ${opName(u.target.op)} ← ${reference(u.value)}`)
  return [...lines, ...outputs, ...updates].join('\n')
}
