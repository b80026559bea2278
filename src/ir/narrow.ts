/**
 * Computes of every tensor only what is asked of it. Where all users look at a part (a box: a range along every axis), the
 * part is computed from parts of the inputs: of the last layer before a head that reads one token, only that token. Meaning
 * is preserved. Dims must be numbers.
 */
import { node, slice } from './build.js'
import { type Graph, graphRoots, type Op, type Tensor, topological } from './tensor.js'

/** Start and size along every axis. */
type Box = readonly (readonly [start: number, size: number])[]

const sizes = (t: Tensor): readonly number[] => t.shape as readonly number[]
const sizeOf = (box: Box): number => box.reduce((n, [, size]) => n * size, 1)
const wholeOf = (t: Tensor): Box => sizes(t).map((size) => [0, size])
const isWhole = (box: Box, t: Tensor): boolean => box.every(([, size], i) => size === sizes(t)[i])
const union = (a: Box, b: Box): Box =>
  a.map(([start, size], i) => {
    const [otherStart, otherSize] = b[i]!
    const first = Math.min(start, otherStart)
    return [first, Math.max(start + size, otherStart + otherSize) - first]
  })

export const narrow = (graph: Graph): Graph => {
  const roots = graphRoots(graph)
  const order = topological(roots)
  const asked = new Map<Tensor, Box>(roots.map((root) => [root, wholeOf(root)]))
  const computed = new Map<Tensor, Box>()
  for (const n of [...order].reverse()) {
    const box = computable(n, asked.get(n)!)
    computed.set(n, box)
    n.inputs.forEach((input, i) => {
      const part = askedOf(n, box, i)
      const before = asked.get(input)
      asked.set(input, before === undefined ? part : union(before, part))
    })
  }
  const narrowed = new Map<Tensor, Tensor>()
  const take = (t: Tensor, box: Box): Tensor => {
    const from = computed.get(t)!
    return slice(
      narrowed.get(t)!,
      box.map(([start], i) => start - from[i]![0]),
      box.map(([, size]) => size),
    )
  }
  for (const n of order) {
    const box = computed.get(n)!
    const inputs = n.inputs.map((input, i) => take(input, askedOf(n, box, i)))
    const isSame = isWhole(box, n) && inputs.every((input, i) => input === n.inputs[i])
    narrowed.set(n, isSame ? n : n.op.kind === 'slice' ? inputs[0]! : node(ofBox(n.op, box), inputs))
  }
  return {
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, t]) => [name, narrowed.get(t)!])),
    updates: graph.updates.map(({ target, value }) => ({ target, value: narrowed.get(value)! })),
  }
}

const ofBox = (op: Op, box: Box): Op =>
  op.kind === 'broadcast' || op.kind === 'reshape' || op.kind === 'constant'
    ? { ...op, shape: box.map(([, size]) => size) }
    : op

/** A part that can be computed by itself and has at least what is asked; the whole where a part would save little. */
const computable = (n: Tensor, asked: Box): Box => {
  const whole = wholeOf(n)
  const box = separable(n, asked)
  return 2 * sizeOf(box) <= sizeOf(whole) ? box : whole
}

const separable = (n: Tensor, asked: Box): Box => {
  const { op } = n
  const whole = wholeOf(n)
  switch (op.kind) {
    case 'pad':
      return asked.map((range, i) => (op.low[i] === 0 && op.high[i] === 0 ? range : whole[i]!))
    case 'reshape': {
      const box = [...whole]
      for (const { from, to } of sharedAxes(sizes(n.inputs[0]!), sizes(n))) if (from !== undefined) box[to] = asked[to]!
      return box
    }
    case 'input':
    case 'literal':
    case 'iota':
    case 'scatterAdd':
    case 'scatterRows':
    case 'pack':
    case 'attention':
    case 'attentionStatistics':
    case 'attentionBackward':
      return whole
    default:
      return asked
  }
}

/** What a box of a node needs of its input `i`. */
const askedOf = (n: Tensor, box: Box, i: number): Box => {
  const { op } = n
  const input = n.inputs[i]!
  const part = [...wholeOf(input)]
  switch (op.kind) {
    case 'broadcast':
      return part.map((range, axis) => (sizes(input)[axis] === 1 ? range : box[op.axes[axis]!]!))
    case 'transpose':
      op.permutation.forEach((axis, to) => {
        part[axis] = box[to]!
      })
      return part
    case 'slice':
      return box.map(([start, size], axis) => [start + op.start[axis]!, size])
    case 'pad':
      return part.map((range, axis) => (op.low[axis] === 0 && op.high[axis] === 0 ? box[axis]! : range))
    case 'reshape':
      for (const { from, to } of sharedAxes(sizes(input), sizes(n))) if (from !== undefined) part[from] = box[to]!
      return part
    case 'reduce': {
      let kept = 0
      return part.map((range, axis) => (op.axes.includes(axis) ? range : box[kept++]!))
    }
    case 'dot': {
      const side = i as 0 | 1
      const isFree = (axis: number, s: 0 | 1) => !op.contract[s].includes(axis) && !op.batch[s].includes(axis)
      op.batch[side].forEach((axis, at) => {
        part[axis] = box[at]!
      })
      const left = sizes(n.inputs[0]!).filter((_, axis) => isFree(axis, 0)).length
      let at = op.batch[0].length + (side === 0 ? 0 : left)
      return part.map((range, axis) => (isFree(axis, side) ? box[at++]! : range))
    }
    case 'gather': {
      const rank = n.inputs[1]!.shape.length
      return i === 1 ? box.slice(0, rank) : [part[0]!, ...box.slice(rank)]
    }
    case 'unary':
    case 'binary':
    case 'logical':
    case 'not':
    case 'cast':
    case 'select':
    case 'stopGradient':
      return box
    default:
      return part
  }
}

/**
 * Axes that a reshape leaves alone: the elements before and after them are as many on both sides. An axis of size 1 of the
 * output that is new has no partner.
 */
const sharedAxes = (
  from: readonly number[],
  to: readonly number[],
): readonly { readonly from: number | undefined; readonly to: number }[] => {
  const before = (shape: readonly number[], axis: number) => shape.slice(0, axis).reduce((a, b) => a * b, 1)
  return to.map((size, axis) => {
    const partner = from.findIndex((d, i) => d === size && size > 1 && before(from, i) === before(to, axis))
    return { from: partner < 0 ? undefined : partner, to: axis }
  })
}
