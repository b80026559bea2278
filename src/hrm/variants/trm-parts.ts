/** What the members of the TRM family share: everything but their states and who is called when. */
import {
  type AnyModule,
  attention,
  type Module,
  named,
  overPositions,
  postNorm,
  residual,
  seq,
  stack,
  swiglu,
} from '../../nn/index.js'
import type { AttentionRule } from '../../shape/index.js'
import { wholeCycleGradient } from '../gradient-rules.js'
import { adaptiveHalting } from '../halting.js'
import { endsOf } from './ends.js'
import type { TrmSizes } from './sizes.js'

/**
 * `net` is the one set of blocks for all roles, of [B, T, D] either way positions are mixed: by attention, or by a SwiGLU
 * over them (`mlp_t` in the published code). `convergence` is the argument of `hierarchicalConvergence`.
 */
export const trmParts = (sizes: TrmSizes) => {
  const { sequence, hidden = 512, heads = 8, expansion = 4, layers = 2, mixing = 'attention' } = sizes
  const { cycles = 3, steps = 6, gradient = wholeCycleGradient } = sizes
  const { puzzleTokens = sizes.puzzleEmbedding === 0 ? 0 : 16, positions = mixing === 'attention' ? 'rope' : 'none' } =
    sizes
  const { maxSegments = 16, exploration = 0.1 } = sizes
  const mix =
    mixing === 'attention'
      ? named('self_attn', postNorm(residual(attention({ hidden, heads, rotary: positions === 'rope' }))))
      : named('mlp_t', overPositions(postNorm(residual(swiglu({ hidden: puzzleTokens + sequence, expansion })))))
  const block = seq(mix as AnyModule as Mixed, named('mlp', postNorm(residual(swiglu({ hidden, expansion })))))
  return {
    net: stack(layers, block),
    convergence: { cycles, steps, gradient },
    ends: {
      ...endsOf({ ...sizes, positions, puzzleTokens }),
      halting: adaptiveHalting({ maxSegments, exploration, continuation: false }),
    },
  }
}

/** Either way positions are mixed, the shapes are those of attention: [B, T, D] → the same. */
type Mixed = Module<AttentionRule<number, number>>
