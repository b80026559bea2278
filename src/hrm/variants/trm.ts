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
import { adaptiveHalting } from '../halting.js'
import { outputNet, qHead } from '../heads.js'
import { inputNet } from '../input-net.js'
import type { Reasoner } from '../reasoner.js'
import { call, type GradientRule, hierarchicalConvergence, wholeCycleGradient } from '../recurrence.js'

/** The sizes of a TRM. What is absent is the paper's for Sudoku. */
export interface TrmSizes {
  readonly vocabulary: number
  /** S: puzzle tokens. */
  readonly sequence: number
  /** D. Default 512. */
  readonly hidden?: number
  /** Must divide `hidden`. Default 8. */
  readonly heads?: number
  readonly expansion?: number
  readonly layers?: number
  /** What mixes the positions. Default attention. */
  readonly mixing?: 'attention' | 'mlp'
  readonly positions?: 'rope' | 'learned' | 'none'
  /** Width of a puzzle embedding row; 0 for none. Default: `hidden`. */
  readonly puzzleEmbedding?: number
  /** P. Default 16. */
  readonly puzzleTokens?: number
  readonly puzzles?: number
  readonly cycles?: number
  readonly steps?: number
  readonly gradient?: GradientRule
  readonly maxSegments?: number
  readonly exploration?: number
}

export const trm = (sizes: TrmSizes): Reasoner => {
  const { vocabulary, sequence, hidden = 512, heads = 8, expansion = 4, layers = 2, mixing = 'attention' } = sizes
  const { cycles = 3, steps = 6, gradient = wholeCycleGradient, puzzles = 1, puzzleEmbedding = hidden } = sizes
  const { puzzleTokens = 16, positions = mixing === 'attention' ? 'rope' : 'none' } = sizes
  const mix =
    mixing === 'attention'
      ? named('self_attn', postNorm(residual(attention({ hidden, heads, rotary: positions === 'rope' }))))
      : named('mlp_t', overPositions(postNorm(residual(swiglu({ hidden: puzzleTokens + sequence, expansion })))))
  const block = seq(mix as AnyModule as Mixing, named('mlp', postNorm(residual(swiglu({ hidden, expansion })))))
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

/** Either way positions are mixed, the shapes are those of attention: [B, T, D] → the same. */
type Mixing = Module<AttentionRule<number, number>>
