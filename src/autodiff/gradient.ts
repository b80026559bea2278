/** Reverse-mode differentiation: graph in, graph out. Pure; nothing is computed. */
import { add, broadcastTo, constant, type Tensor, topological } from '../ir/index.js'
import { ShapeError, showShape } from '../shape/index.js'
import { type Cotangents, derivatives } from './derivatives.js'

/**
 * Cotangents of `wrt` when `output` has cotangent `cotangent` (of its shape): the vector-Jacobian product. A tensor that
 * the output does not depend on gets zeros.
 */
export const vjp = (output: Tensor, cotangent: Tensor, wrt: readonly Tensor[]): readonly Tensor[] => {
  const order = topological([output])
  const wanted = new Set(wrt)
  const active = new Set<Tensor>()
  for (const n of order)
    if (wanted.has(n) || (n.op.kind !== 'stopGradient' && n.inputs.some((i) => active.has(i)))) active.add(n)
  const collected = new Map<Tensor, Tensor>([[output, cotangent]])
  for (const n of [...order].reverse()) {
    const g = collected.get(n)
    // A tensor asked for that is itself computed from another one asked for passes its cotangent on.
    if (g === undefined || !active.has(n) || n.inputs.length === 0) continue
    const derivative = derivatives[n.op.kind] as (node: Tensor, op: Tensor['op'], g: Tensor) => Cotangents
    if (!n.inputs.some((i) => active.has(i))) continue
    const flows = derivative(n, n.op, g)
    n.inputs.forEach((input, i) => {
      const flow = flows[i]
      if (flow === undefined || !active.has(input)) return
      const before = collected.get(input)
      collected.set(input, before === undefined ? flow : add(before, flow))
    })
  }
  return wrt.map((w) => collected.get(w) ?? broadcastTo(constant(0), w.shape))
}

/** Gradients of a scalar. */
export const gradients = (loss: Tensor, wrt: readonly Tensor[]): readonly Tensor[] => {
  if (loss.shape.length !== 0)
    throw new ShapeError(`gradients cannot take ${showShape(loss.shape)}: the loss must be a scalar`)
  return vjp(loss, constant(1), wrt)
}
