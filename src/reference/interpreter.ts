/** Evaluates graphs in float64, node by node. */
import { type Tensor, topological } from '../ir/index.js'
import { semantics, type Values } from './semantics.js'

type AnyMeaning = (op: Tensor['op'], inputs: readonly Values[], node: Tensor) => Values

/** Values of the outputs; dims must be numbers. `leaf` gives the value of an input by name. */
export const evaluate = (outputs: readonly Tensor[], leaf: (name: string) => Values | undefined): readonly Values[] => {
  const order = topological(outputs)
  const lastUse = new Map<Tensor, number>()
  order.forEach((n, i) => {
    for (const input of n.inputs) lastUse.set(input, i)
  })
  for (const o of outputs) lastUse.set(o, order.length)
  const values = new Map<Tensor, Values>()
  order.forEach((n, i) => {
    const given = n.op.kind === 'input' ? leaf(n.op.name) : undefined
    const inputs = n.inputs.map((input) => values.get(input)!)
    values.set(n, given ?? (semantics[n.op.kind] as AnyMeaning)(n.op, inputs, n))
    for (const input of n.inputs) if (lastUse.get(input) === i) values.delete(input)
  })
  return outputs.map((o) => values.get(o)!)
}
