/**
 * Values kept in f16: those that nothing but products in f16 reads, which round what they multiply to it anyway. So no result
 * changes by it, and memory and its traffic are half. On GPUs whose WGSL has the type; elsewhere it saves nothing.
 */
import type { Target } from '../../kernels/kernel.js'
import type { Graph, Tensor } from '../ir/index.js'
import { readBy, type Step } from './fuse.js'
import { ALIGNMENT } from './memory.js'
import { operandOf } from './operands.js'
import { askedOf } from './storage.js'

export const keptInHalf = (
  graph: Graph,
  steps: readonly Step[],
  roots: ReadonlySet<Tensor>,
  target: Target,
): ReadonlySet<Tensor> => {
  if (target.adapterClass !== 'gpu' || target.hasF16 !== true) return new Set()
  const isRoot = (n: Tensor) => roots.has(n)
  /** What is read, or asked for, otherwise than as a whole operand of such a product. */
  const wanted = new Set(askedOf(graph, roots))
  const factors = new Set<Tensor>()
  for (const step of steps) {
    if (!isHalfProduct(step)) {
      for (const need of readBy(step, isRoot)) wanted.add(need)
      continue
    }
    for (const side of [0, 1] as const) {
      const { base, offset } = operandOf(step.node, side, isRoot).place
      ;((2 * offset) % ALIGNMENT === 0 ? factors : wanted).add(base)
    }
  }
  const made = steps.flatMap((step): readonly Tensor[] =>
    step.kind === 'fused' ? step.members : step.node.op.kind === 'attention' ? [step.node] : [],
  )
  return new Set(made.filter((n) => n.dtype === 'f32' && factors.has(n) && !wanted.has(n)))
}

const isHalfProduct = (step: Step): step is Extract<Step, { kind: 'family' }> =>
  step.kind === 'family' && step.node.op.kind === 'dot' && step.node.op.precision === 'f16'
