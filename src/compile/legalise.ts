/**
 * Makes a graph lowerable: every operand of a kernel family lies in memory as the family wants it, and nothing that is
 * asked for is merely another name of a leaf. Returns the new graph and the nodes that must be stored for that.
 */
import { node as build, type Graph, rewrite, rules, type Tensor } from '../ir/index.js'
import { isBindable, legaliseDot } from './operands.js'
import { elementCount, isLeaf, placeOf } from './storage.js'

export interface LegalGraph {
  readonly graph: Graph
  readonly stored: ReadonlySet<Tensor>
}

/** A copy of its own: an identity that gets stored. */
const copyOf = (t: Tensor): Tensor => build({ kind: 'stopGradient' }, [t])

export const legalise = (graph: Graph): LegalGraph => {
  const stored = new Set<Tensor>()
  const keep = (t: Tensor): Tensor => {
    if (!isLeaf(t)) stored.add(t)
    return t
  }
  // While rewriting, anything that is not a view may turn out to be stored.
  const mayBeStored = (t: Tensor) => rules[t.op.kind].lowering !== 'view' || stored.has(t)
  /** Stores what lies under the operand's views, or the operand itself when its views are no plain memory. */
  const bindable = (t: Tensor): Tensor => {
    if (!isBindable(t, mayBeStored)) return keep(t)
    keep(placeOf(t, mayBeStored)!.base)
    return t
  }
  /** What a chain of views shows. */
  const shown = (t: Tensor): Tensor =>
    rules[t.op.kind].lowering === 'view' && !stored.has(t) ? shown(t.inputs[0]!) : t
  /** Whether two operands would be bound to memory in common, which WebGPU refuses in one dispatch. */
  const shareMemory = (a: Tensor, b: Tensor): boolean => {
    if (shown(a) !== shown(b)) return false
    const [p, q] = [placeOf(a, mayBeStored), placeOf(b, mayBeStored)]
    const isApart =
      p !== undefined &&
      q !== undefined &&
      p.base === q.base &&
      (p.offset + elementCount(a) <= q.offset || q.offset + elementCount(b) <= p.offset)
    return !isApart
  }
  const packed = new Set<Tensor>()
  const ownMemory = (t: Tensor): Tensor => {
    const place = placeOf(t, mayBeStored)
    const isFree =
      place !== undefined &&
      !isLeaf(place.base) &&
      place.offset === 0 &&
      elementCount(place.base) === elementCount(t) &&
      !packed.has(place.base) &&
      place.base.op.kind !== 'pack'
    const part = isFree ? t : copyOf(t)
    const base = isFree ? place.base : part
    packed.add(base)
    keep(base)
    return part
  }

  const rewritten = rewrite(graph, (n, inputs) => {
    switch (rules[n.op.kind].lowering) {
      case 'leaf':
        return n
      case 'matmul': {
        const [left, right] = inputs as readonly [Tensor, Tensor]
        const apart = shareMemory(left, right) ? keep(copyOf(right)) : right
        return legaliseDot(build(n.op, [left, apart]), mayBeStored, keep)
      }
      case 'attention':
      case 'scatter':
        return build(n.op, inputs.map(bindable))
      case 'gather': {
        const [table, ids] = inputs
        return build(n.op, [bindable(table!), ids!])
      }
      case 'pack':
        return keep(build(n.op, inputs.map(ownMemory)))
      default:
        return build(n.op, inputs)
    }
  })
  const asked = (t: Tensor): Tensor => {
    const place = placeOf(t, mayBeStored)
    return keep(place !== undefined && isLeaf(place.base) ? copyOf(t) : t)
  }
  const outputs = Object.fromEntries(Object.entries(rewritten.outputs).map(([name, t]) => [name, asked(t)]))
  const claimed = new Set<Tensor>()
  const updates = rewritten.updates.map(({ target, value }) => {
    // Two residents that take the same value each need their own.
    const own = claimed.has(value) ? copyOf(value) : asked(value)
    claimed.add(value)
    return { target, value: keep(own) }
  })
  return { graph: { outputs, updates }, stored }
}
