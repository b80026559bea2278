/**
 * The Hierarchical Reasoning Model (arXiv 2506.21734, figure 1 and §2):
 *
 *     tokens ─ InputNet ─ x̃ ─┐
 *                            ▼ add
 *     z_L ─► L ─► L ─► … ─► L ─┐ cycles × steps
 *     z_H ────────────────────►H ─► OutputNet ─ logits
 *                              └──► QHead ──── halt?
 */
import { add, stack } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { oneStepGradient } from '../gradient-rules.js'
import { adaptiveHalting } from '../halting.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchicalConvergence } from '../recurrence.js'
import { blockOf, endsOf } from './ends.js'
import type { Hrm, HrmSizes } from './sizes.js'

const hrmOf = (sizes: HrmSizes): Reasoner => {
  const { layers = { high: 4, low: 4 }, cycles = 2, steps = 2, gradient = oneStepGradient } = sizes
  const { maxSegments = 16, exploration = 0.1 } = sizes
  const block = blockOf(sizes)
  return reasoner({
    name: 'hrm',
    ...endsOf(sizes),
    blocks: { H_level: stack(layers.high, block), L_level: stack(layers.low, block) },
    state: { z_H: 'H_init', z_L: 'L_init' },
    think: ({ L_level, H_level }, x) =>
      hierarchicalConvergence({ cycles, steps, gradient })(
        call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
        call('H', (z) => ({ ...z, z_H: H_level(z.z_H, z.z_L) })),
      ),
    answer: 'z_H',
    halting: adaptiveHalting({ maxSegments, exploration }),
  })
}

/** An HRM of these sizes; what is left out is the paper's. Sizes that do not fit are refused by the compiler. */
export const hrm = hrmOf as Hrm
