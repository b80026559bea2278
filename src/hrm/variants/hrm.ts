/**
 * The Hierarchical Reasoning Model (arXiv 2506.21734, figure 1 and §2):
 *
 *     tokens ─ InputNet ─ x̃ ─┐
 *                            ▼ add
 *     z_L ─► L ─► L ─► … ─► L ─┐ cycles × steps
 *     z_H ────────────────────►H ─► OutputNet ─ logits
 *                              └──► QHead ──── halt?
 */
import { add, stack, transformerBlock } from '../../nn/index.js'
import type { HeadsOf } from '../../shape/index.js'
import { reasoner } from '../define.js'
import { adaptiveHalting } from '../halting.js'
import { outputNet, qHead } from '../heads.js'
import { inputNet } from '../input-net.js'
import type { Reasoner } from '../reasoner.js'
import { call, type GradientRule, hierarchicalConvergence, oneStepGradient } from '../recurrence.js'

/** The sizes of an HRM. What is absent is the paper's. */
export interface HrmSizes<D extends number = number, H extends number = number> {
  readonly vocabulary: number
  /** S: puzzle tokens. */
  readonly sequence: number
  /** D */
  readonly hidden?: D
  /** Must divide `hidden`. */
  readonly heads?: H
  readonly expansion?: number
  readonly layers?: { readonly high: number; readonly low: number }
  readonly positions?: 'rope' | 'learned' | 'none'
  /** Width of a puzzle embedding row; 0 for none. Default: `hidden`. */
  readonly puzzleEmbedding?: number
  readonly puzzles?: number
  readonly cycles?: number
  readonly steps?: number
  readonly gradient?: GradientRule
  readonly maxSegments?: number
  readonly exploration?: number
}

export const hrm = <const D extends number = 512, const H extends number = 8>(
  sizes: HrmSizes<D, H & HeadsOf<D, H>>,
): Reasoner => {
  const { vocabulary, sequence, expansion = 4, layers = { high: 4, low: 4 }, positions = 'rope' } = sizes
  const { cycles = 2, steps = 2, gradient = oneStepGradient, puzzles = 1 } = sizes
  const hidden: number = sizes.hidden ?? 512
  const heads: number = sizes.heads ?? 8
  const puzzleEmbedding = sizes.puzzleEmbedding ?? hidden
  const block = transformerBlock({ hidden, heads, expansion, rotary: positions === 'rope' })
  return reasoner({
    name: 'hrm',
    input: inputNet({
      vocabulary,
      sequence,
      hidden,
      puzzleEmbedding,
      puzzles,
      positions: positions === 'learned' ? 'learned' : 'none',
    }),
    blocks: { H_level: stack(layers.high, block), L_level: stack(layers.low, block) },
    state: { z_H: 'H_init', z_L: 'L_init' },
    think: ({ L_level, H_level }, x) =>
      hierarchicalConvergence({ cycles, steps, gradient })(
        call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
        call('H', (z) => ({ ...z, z_H: H_level(z.z_H, z.z_L) })),
      ),
    answer: 'z_H',
    output: outputNet({ hidden, vocabulary, sequence }),
    qHead: qHead({ hidden }),
    halting: adaptiveHalting({ maxSegments: sizes.maxSegments ?? 16, exploration: sizes.exploration ?? 0.1 }),
  })
}
