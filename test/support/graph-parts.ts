/** Pieces of graphs that tests of the compiler are made of, and a graph's results beside the interpreter's. */

import type { Device } from '../../src/device/index.js'
import { webgpuBackend } from '../../src/device/index.js'
import {
  dot,
  type Graph,
  graphRoots,
  input,
  mul,
  sigmoid,
  sliceAxis,
  type Tensor,
  topological,
} from '../../src/ir/index.js'
import { evaluate } from '../../src/reference/index.js'
import { randomNumbers } from './numbers.js'

export const resident = (name: string, ...shape: number[]): Tensor => input(name, shape, 'f32', 'resident')

/** x·Wᵀ over the last axis, n columns. */
export const linear = (x: Tensor, n: number, name: string, precision?: 'f16'): Tensor => {
  const last = x.shape.length - 1
  return dot(x, resident(name, n, x.shape[last] as number), [[last], [1]], [[], []], precision)
}

/** SwiGLU of the two halves of the last axis. */
export const gated = (both: Tensor): Tensor => {
  const last = both.shape.length - 1
  const half = (both.shape[last] as number) / 2
  const [gate, up] = [sliceAxis(both, last, 0, half), sliceAxis(both, last, half, half)]
  return mul(mul(gate, sigmoid(gate)), up)
}

/** Outputs, then new values of residents, of a graph on random residents: as a device computes them, and the interpreter. */
export const computedTwice = async (device: Device, graph: Graph) => {
  const leaves = topological(graphRoots(graph)).flatMap(({ op, shape }) =>
    op.kind === 'input' ? [{ name: op.name, size: shape.reduce<number>((a, b) => a * (b as number), 1) }] : [],
  )
  const values = new Map(leaves.map((leaf, i) => [leaf.name, randomNumbers(leaf.size, i + 1)]))
  const backend = webgpuBackend(device)
  const executable = await backend.load(graph, {})
  for (const [leaf, data] of values) backend.write(leaf, data)
  await executable.run({})
  const outputs = await executable.read(Object.keys(graph.outputs))
  const residents = await backend.read(graph.updates.map(({ target: { op } }) => (op.kind === 'input' ? op.name : '')))
  return {
    found: [...Object.values(outputs), ...Object.values(residents)],
    expected: evaluate(graphRoots(graph), (leaf) => Float64Array.from(values.get(leaf)!)),
  }
}
