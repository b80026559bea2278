/**
 * TRM with a single state (arXiv 2510.04871, table 2; `trm_singlez` in the published code), which is answer and latent at
 * once: it sees the input in the steps of a cycle, and not in its last.
 *
 *     cycles × (steps × z ← net(z + x̃);  z ← net(z))     the last cycle with gradient
 */
import { reasoner } from '../define.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchicalConvergence } from '../recurrence.js'
import type { TrmSingle, TrmSizes } from './sizes.js'
import { trmParts } from './trm-parts.js'

const trmSingleOf = (sizes: TrmSizes): Reasoner => {
  const { net, convergence, ends } = trmParts(sizes)
  return reasoner({
    name: 'trm-single',
    ...ends,
    blocks: { L_level: net },
    state: { z: 'L_init' },
    think: ({ L_level }, x) =>
      hierarchicalConvergence(convergence)(
        call('L', ({ z }) => ({ z: L_level(z, x) })),
        call('H', ({ z }) => ({ z: L_level(z) })),
      ),
    answer: 'z',
  })
}

/** A TRM of one state; sizes and defaults are those of `trm`. */
export const trmSingle = trmSingleOf as TrmSingle
