/** At which coordinates a node that is computed in place reads its inputs; the shape of `emit`, without the text. */
import type { Tensor } from '../ir/index.js'
import { addIndex, constantIndex, type Index, linearIndex, unlinearIndex, variable } from './index-algebra.js'
import { sizes } from './storage.js'

/** True if `visit` is true of every input at its coordinates. Data-dependent coordinates are variables of their own. */
export const walkInputs = (
  node: Tensor,
  at: readonly Index[],
  visit: (input: Tensor, at: readonly Index[]) => boolean,
): boolean => {
  const { op, inputs } = node
  const [input] = inputs
  if (input === undefined) return true
  switch (op.kind) {
    case 'gather': {
      const ids = inputs[1]!
      const rank = ids.shape.length
      return visit(ids, at.slice(0, rank)) && visit(input, [variable('gathered', sizes(input)[0]!), ...at.slice(rank)])
    }
    case 'pad':
      return visit(
        input,
        at.map((c, i) => (op.low[i] === 0 && op.high[i] === 0 ? c : variable(`padded${i}`, sizes(input)[i]!))),
      )
    case 'broadcast':
    case 'reshape':
    case 'transpose':
    case 'slice':
      return visit(input, viewCoordinates(node, at))
    default:
      return inputs.every((i) => visit(i, at))
  }
}

/** Coordinates in the input of a view (but pad, whose value depends on them) that correspond to coordinates in its output. */
export const viewCoordinates = (node: Tensor, at: readonly Index[]): readonly Index[] => {
  const { op } = node
  const from = sizes(node.inputs[0]!)
  switch (op.kind) {
    case 'broadcast':
      return op.axes.map((a, i) => (from[i] === 1 ? constantIndex(0) : at[a]!))
    case 'reshape':
      return unlinearIndex(linearIndex(at, sizes(node)), from)
    case 'transpose': {
      const to: Index[] = []
      op.permutation.forEach((axis, i) => {
        to[axis] = at[i]!
      })
      return to
    }
    case 'slice':
      return at.map((c, i) => addIndex(c, constantIndex(op.start[i]!)))
    default:
      throw new Error(`viewCoordinates: ${op.kind} is no view`)
  }
}
