/**
 * Values kept in f16: those that nothing but products in f16 reads, and attention on matrix units, which round what they
 * multiply to it anyway. So no result changes by it, and memory and its traffic are half. On GPUs whose WGSL has the type;
 * elsewhere it saves nothing.
 */
import { isOnMatrixUnits } from '../../kernels/attention/index.js'
import type { Target } from '../../kernels/kernel.js'
import { type Graph, rules, type Tensor } from '../ir/index.js'
import { readBy, type Step } from './fuse.js'
import { attentionSpec } from './lower.js'
import { ALIGNMENT } from './memory.js'
import { operandOf } from './operands.js'
import { askedOf, type Place, placeOf } from './storage.js'

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
    const rounded = roundedBy(step, isRoot, target)
    const bases = new Set(rounded.map(({ base }) => base))
    for (const need of readBy(step, isRoot)) if (!bases.has(need)) wanted.add(need)
    for (const { base, offset } of rounded) ((2 * offset) % ALIGNMENT === 0 ? factors : wanted).add(base)
  }
  const made = steps.flatMap((step): readonly Tensor[] =>
    step.kind === 'fused' ? step.members : step.node.op.kind === 'attention' ? [step.node] : [],
  )
  return new Set(made.filter((n) => n.dtype === 'f32' && factors.has(n) && !wanted.has(n)))
}

/** What a step reads as f16. */
const roundedBy = (step: Step, isRoot: (n: Tensor) => boolean, target: Target): readonly Place[] => {
  if (step.kind !== 'family') return []
  const { node } = step
  if (node.op.kind === 'dot')
    return node.op.precision === 'f16' ? ([0, 1] as const).map((side) => operandOf(node, side, isRoot).place) : []
  if (!isAttention(node)) return []
  const projections = placeOf(node.inputs[0]!, isRoot)!
  return isOnMatrixUnits(
    attentionSpec(node, projections.base, () => false),
    target,
  )
    ? [projections]
    : []
}

const isAttention = ({ op }: Tensor): boolean => rules[op.kind].lowering === 'attention'
