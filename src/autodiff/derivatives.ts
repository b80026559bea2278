/**
 * The derivative of every op, written with ops: given a node and the cotangent of its output, the cotangents of its
 * inputs (`undefined` where none flows). A table over all kinds: an op without a row does not compile.
 * At kinks: `abs` and `sign` have derivative sign(0) = 0 and 0; `max` and `min` give the cotangent to the left operand
 * when both are equal; a reduction gives it in equal parts to all extreme elements.
 */
import {
  add,
  attentionBackward,
  attentionStatistics,
  type BinaryName,
  broadcast,
  constant,
  div,
  dot,
  equal,
  exp,
  gather,
  lessEqual,
  mul,
  neg,
  type OpKind,
  type OpOf,
  pad,
  reciprocal,
  reshape,
  scatterAdd,
  select,
  sigmoid,
  sign,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  type UnaryName,
} from '../ir/index.js'
import { elements } from '../shape/index.js'

export type Cotangents = readonly (Tensor | undefined)[]
type Derivative<K extends OpKind> = (node: Tensor, op: OpOf<K>, g: Tensor) => Cotangents

const at = (node: Tensor, i: number): Tensor => node.inputs[i]!

/** f'(x)·g from the node (its output is f(x)), x and g. */
const unaryDerivatives: { readonly [N in UnaryName]: (y: Tensor, x: Tensor, g: Tensor) => Tensor | undefined } = {
  neg: (_y, _x, g) => neg(g),
  abs: (_y, x, g) => mul(g, sign(x)),
  sign: () => undefined,
  exp: (y, _x, g) => mul(g, y),
  log: (_y, x, g) => div(g, x),
  log1p: (_y, x, g) => div(g, add(x, 1)),
  sqrt: (y, _x, g) => div(mul(g, 0.5), y),
  rsqrt: (y, _x, g) => mul(mul(g, -0.5), mul(y, square(y))),
  reciprocal: (y, _x, g) => neg(mul(g, square(y))),
  sigmoid: (y, _x, g) => mul(g, mul(y, sub(1, y))),
  softplus: (_y, x, g) => mul(g, sigmoid(x)),
  erfinv: (y, _x, g) => mul(mul(g, Math.sqrt(Math.PI) / 2), exp(square(y))),
}

const binaryDerivatives: { readonly [N in BinaryName]: (x: Tensor, y: Tensor, g: Tensor, out: Tensor) => Cotangents } =
  {
    add: (_x, _y, g) => [g, g],
    sub: (_x, _y, g) => [g, neg(g)],
    mul: (x, y, g) => [mul(g, y), mul(g, x)],
    div: (_x, y, g, out) => {
      const scaled = mul(g, reciprocal(y))
      return [scaled, neg(mul(scaled, out))]
    },
    max: (x, y, g) => [select(lessEqual(y, x), g, 0), select(lessEqual(y, x), 0, g)],
    min: (x, y, g) => [select(lessEqual(x, y), g, 0), select(lessEqual(x, y), 0, g)],
    atan2: (y, x, g) => {
      const scaled = div(g, add(square(x), square(y)))
      return [mul(scaled, x), neg(mul(scaled, y))]
    },
    uniform: () => [],
    less: () => [],
    lessEqual: () => [],
    equal: () => [],
  }

const twice = (kind: string): never => {
  throw new Error(`${kind} is not differentiable: second derivatives through attention or updates are not supported`)
}

/** Where the axes of a reduction (or of a broadcast) go back to. */
const keptAxes = (rank: number, gone: readonly number[]) =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => !gone.includes(i))

export const derivatives: { readonly [K in OpKind]: Derivative<K> } = {
  input: () => [],
  constant: () => [],
  literal: () => [],
  iota: () => [],
  unary: (node, op, g) => [unaryDerivatives[op.name](node, at(node, 0), g)],
  binary: (node, op, g) => binaryDerivatives[op.name](at(node, 0), at(node, 1), g, node),
  logical: () => [],
  not: () => [],
  // From or to whole numbers: from f32 to f32 nothing is cast.
  cast: () => [],
  select: (node, _op, g) => [undefined, select(at(node, 0), g, 0), select(at(node, 0), 0, g)],
  stopGradient: () => [],
  broadcast: (node, op, g) => {
    const { shape } = at(node, 0)
    const grown = op.shape
      .map((_, i) => i)
      .filter((i) => {
        const from = op.axes.indexOf(i)
        return from < 0 || shape[from] !== op.shape[i]
      })
    return [reshape(sum(g, grown), shape)]
  },
  reshape: (node, _op, g) => [reshape(g, at(node, 0).shape)],
  transpose: (_node, op, g) => [
    transpose(
      g,
      op.permutation.map((_, i) => op.permutation.indexOf(i)),
    ),
  ],
  slice: (node, op, g) => [
    pad(
      g,
      op.start,
      at(node, 0).shape.map((d, i) => (d === op.shape[i] ? 0 : (d as number) - op.start[i]! - (op.shape[i] as number))),
    ),
  ],
  pad: (node, op, g) => [slice(g, op.low, at(node, 0).shape)],
  reduce: (node, op, g) => {
    const x = at(node, 0)
    const axes = keptAxes(x.shape.length, op.axes)
    const spread = (t: Tensor) => broadcast(t, x.shape, axes)
    if (op.reducer === 'sum') return [spread(g)]
    const extreme = equal(x, spread(node))
    const count = sum(select(extreme, constant(1), constant(0)), op.axes)
    return [select(extreme, spread(div(g, count)), 0)]
  },
  dot: (node, op, g) => dotCotangents(node, op, g),
  gather: (node, _op, g) => {
    const [table, ids] = [at(node, 0), at(node, 1)]
    return [scatterAdd(ids, g, table.shape[0] as number), undefined]
  },
  scatterAdd: (node, _op, g) => [undefined, gather(g, at(node, 0))],
  scatterRows: () => twice('scatterRows'),
  pack: (node, op, g) =>
    node.inputs.map((part, i) => reshape(slice(g, [op.offsets[i]!], [elements(part.shape)]), part.shape)),
  attention: (node, _op, g) => {
    const qkv = at(node, 0)
    const delta = transpose(sum(mul(g, node), [3]), [0, 2, 1])
    return [attentionBackward(qkv, g, attentionStatistics(qkv), delta)]
  },
  attentionStatistics: () => twice('attentionStatistics'),
  attentionBackward: () => twice('attentionBackward'),
}

/**
 * out[b, l, r] = Σ_c left·right, so d left = Σ_r g·right and d right = Σ_l g·left. Of the two orders of a product the one
 * is taken whose result already has its axes in place, so that a linear layer needs no transpose.
 */
const dotCotangents = (node: Tensor, op: OpOf<'dot'>, g: Tensor): Cotangents => {
  const free = [0, 1].map((s) =>
    keptAxes(at(node, s).shape.length, [...op.contract[s as 0 | 1], ...op.batch[s as 0 | 1]]),
  ) as [number[], number[]]
  const batches = op.batch[0].length
  const freeInG = [free[0].map((_, i) => batches + i), free[1].map((_, i) => batches + free[0].length + i)] as const
  const batchInG = op.batch[0].map((_, i) => i)
  const towards = (side: 0 | 1): Tensor => {
    const other = (1 - side) as 0 | 1
    const partner = at(node, other)
    const mine = { batch: op.batch[side], free: free[side], contract: op.contract[side] }
    // Contracted axes of the partner come out in increasing order; name the axis of mine each belongs to.
    const partnerOrder = [...op.contract[other]].sort((a, b) => a - b)
    const contracted = partnerOrder.map((axis) => mine.contract[op.contract[other].indexOf(axis)]!)
    const gFirst = [...mine.batch, ...mine.free, ...contracted]
    const partnerFirst = [...mine.batch, ...contracted, ...mine.free]
    const isInPlace = (order: readonly number[]) => order.every((axis, i) => axis === i)
    const usePartnerFirst = !isInPlace(gFirst) && isInPlace(partnerFirst)
    const product = usePartnerFirst
      ? dot(partner, g, [free[other], freeInG[other]], [op.batch[other], batchInG], op.precision)
      : dot(g, partner, [freeInG[other], free[other]], [batchInG, op.batch[other]], op.precision)
    const order = usePartnerFirst ? partnerFirst : gFirst
    return transpose(
      product,
      at(node, side).shape.map((_, axis) => order.indexOf(axis)),
    )
  }
  return [towards(0), towards(1)]
}
