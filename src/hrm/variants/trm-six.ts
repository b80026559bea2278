/**
 * TRM with six latent states beside the answer (arXiv 2510.04871, table 2; `trm_hier6` in the published code): step k of a
 * cycle writes slot k, of the sum of all.
 *
 *     cycles × (for k in 1..6: z_k ← net(z_H + Σ z_j + x̃);  z_H ← net(z_H + Σ z_j))     the last cycle with gradient
 */
import { add, type Tensor } from '../../ir/index.js'
import { reasoner } from '../define.js'
import type { Reasoner } from '../reasoner.js'
import { call, each, hierarchicalConvergence, written } from '../recurrence.js'
import type { TrmSix, TrmSizes } from './sizes.js'
import { trmParts } from './trm-parts.js'

const slots = ['z_1', 'z_2', 'z_3', 'z_4', 'z_5', 'z_6'] as const

const trmSixOf = (sizes: TrmSizes): Reasoner => {
  const { net, convergence, ends } = trmParts(sizes)
  return reasoner({
    name: 'trm-six',
    ...ends,
    blocks: { L_level: net },
    state: {
      z_H: 'H_init',
      z_1: 'L1_init',
      z_2: 'L2_init',
      z_3: 'L3_init',
      z_4: 'L4_init',
      z_5: 'L5_init',
      z_6: 'L6_init',
    },
    // The six slots are one low step: a cycle has one of these, whatever `steps` says.
    think: ({ L_level }, x) =>
      hierarchicalConvergence({ ...convergence, steps: 1 })(
        each(slots, (slot) => call('L', (z) => written(z, slot, L_level(sumOf(z), x)))),
        call('H', (z) => ({ ...z, z_H: L_level(sumOf(z)) })),
      ),
    answer: 'z_H',
  })
}

const sumOf = <T extends Tensor>(state: { readonly [K in 'z_H' | (typeof slots)[number]]: T }): T =>
  slots.reduce<Tensor>((total, slot) => add(total, state[slot]), state.z_H) as T

/** A TRM of six latent states; sizes and defaults are those of `trm`. */
export const trmSix = trmSixOf as TrmSix
