/**
 * EqR (arXiv 2605.21488): TRM that learns to come to rest wherever it starts. Its states begin at random for every example,
 * a call moves them most of the way, and a little noise disturbs every move; there is no puzzle token. So more segments and
 * more starts at test time find what one attempt misses.
 *
 *     z ← (1 − λ)·z + λ·net(z + …) + β·ε,  ε ~ N(0, 1)     in the place of TRM's  z ← net(z + …)
 */
import { add } from '../../nn/index.js'
import { reasoner } from '../define.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchicalConvergence } from '../recurrence.js'
import { fromNoise } from '../states.js'
import { damped } from '../update-rules.js'
import type { Eqr, EqrSizes } from './sizes.js'
import { trmParts } from './trm-parts.js'

const eqrOf = (sizes: EqrSizes): Reasoner => {
  const { net, convergence, ends } = trmParts({ ...sizes, puzzleEmbedding: 0, puzzleTokens: 0 })
  return reasoner({
    name: 'eqr',
    ...ends,
    blocks: { L_level: net },
    state: { z_H: fromNoise(), z_L: fromNoise() },
    think: ({ L_level }, x) =>
      damped({ step: sizes.step ?? 0.95, noise: sizes.noise ?? 0.01 })(
        hierarchicalConvergence(convergence)(
          call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
          call('H', (z) => ({ ...z, z_H: L_level(z.z_H, z.z_L) })),
        ),
      ),
    answer: 'z_H',
  })
}

/** An EqR of these sizes; what is left out is that of the published code. */
export const eqr = eqrOf as Eqr
