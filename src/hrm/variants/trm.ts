/**
 * The Tiny Recursive Model (arXiv 2510.04871, §4): HRM with one set of blocks for both roles, the gradient through a
 * whole cycle, and no q_continue:
 *
 *     cycles × (steps × z_L ← net(z_L, z_H + x̃);  z_H ← net(z_H, z_L))     the last cycle with gradient
 *
 * With `mixing: 'mlp'` a SwiGLU over the positions stands in for attention (`mlp_t` in the published code).
 */
import {
  type AnyModule,
  add,
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
import { reasoner } from '../define.js'
import { wholeCycleGradient } from '../gradient-rules.js'
import { adaptiveHalting } from '../halting.js'
import { outputNet, qHead } from '../heads.js'
import { inputNet } from '../input-net.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchicalConvergence } from '../recurrence.js'
import type { Trm, TrmSizes } from './sizes.js'

const trmOf = (sizes: TrmSizes): Reasoner => {
  const { vocabulary, sequence, hidden = 512, heads = 8, expansion = 4, layers = 2, mixing = 'attention' } = sizes
  const { cycles = 3, steps = 6, gradient = wholeCycleGradient, puzzles = 1, puzzleEmbedding = hidden } = sizes
  const { puzzleTokens = 16, positions = mixing === 'attention' ? 'rope' : 'none' } = sizes
  const mix =
    mixing === 'attention'
      ? named('self_attn', postNorm(residual(attention({ hidden, heads, rotary: positions === 'rope' }))))
      : named('mlp_t', overPositions(postNorm(residual(swiglu({ hidden: puzzleTokens + sequence, expansion })))))
  const block = seq(mix as AnyModule as Mixed, named('mlp', postNorm(residual(swiglu({ hidden, expansion })))))
  return reasoner({
    name: 'trm',
    input: inputNet({
      vocabulary,
      sequence,
      hidden,
      puzzleEmbedding,
      puzzleTokens,
      puzzles,
      positions: positions === 'learned' ? 'learned' : 'none',
    }),
    blocks: { L_level: stack(layers, block) },
    state: { z_H: 'H_init', z_L: 'L_init' },
    think: ({ L_level }, x) =>
      hierarchicalConvergence({ cycles, steps, gradient })(
        call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
        call('H', (z) => ({ ...z, z_H: L_level(z.z_H, z.z_L) })),
      ),
    answer: 'z_H',
    output: outputNet({ hidden, vocabulary, sequence }),
    qHead: qHead({ hidden }),
    halting: adaptiveHalting({
      maxSegments: sizes.maxSegments ?? 16,
      exploration: sizes.exploration ?? 0.1,
      continuation: false,
    }),
  })
}

/** A TRM of these sizes; what is left out is the paper's for Sudoku. */
export const trm = trmOf as Trm

/** Either way positions are mixed, the shapes are those of attention: [B, T, D] → the same. */
type Mixed = Module<AttentionRule<number, number>>
