/**
 * The Tiny Recursive Model (arXiv 2510.04871, §4): HRM with one set of blocks for both roles, the gradient through a
 * whole cycle, and no q_continue:
 *
 *     cycles × (steps × z_L ← net(z_L, z_H + x̃);  z_H ← net(z_H, z_L))     the last cycle with gradient
 *
 * With `mixing: 'mlp'` a SwiGLU over the positions stands in for attention (`mlp_t` in the published code).
 */
import { add } from '../../nn/index.js'
import { reasoner } from '../define.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchicalConvergence } from '../recurrence.js'
import type { Trm, TrmSizes } from './sizes.js'
import { trmParts } from './trm-parts.js'

const trmOf = (sizes: TrmSizes): Reasoner => {
  const { net, convergence, ends } = trmParts(sizes)
  return reasoner({
    name: 'trm',
    ...ends,
    blocks: { L_level: net },
    state: { z_H: 'H_init', z_L: 'L_init' },
    think: ({ L_level }, x) =>
      hierarchicalConvergence(convergence)(
        call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
        call('H', (z) => ({ ...z, z_H: L_level(z.z_H, z.z_L) })),
      ),
    answer: 'z_H',
  })
}

/** A TRM of these sizes; what is left out is the paper's for Sudoku. */
export const trm = trmOf as Trm
