/**
 * SE-RRM (arXiv 2603.02193), a reasoner that treats symbols alike: its state has a vector for every symbol at every position,
 * and attention goes over the positions, then over the symbols. Relabel the digits of a Sudoku, and its answer is relabelled.
 *
 *     z ← net(z + x̃)     cycles × steps times, the last cycle with gradient;  z [B, symbols, positions, D]
 *
 * Pad and blank have places on the axis of symbols too, but embeddings of their own.
 */
import { attention, named, overSymbols, postNorm, residual, seq, stack, swiglu } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { wholeCycleGradient } from '../gradient-rules.js'
import { randomHalting } from '../halting.js'
import { confidence } from '../heads.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchicalConvergence, inTurn } from '../recurrence.js'
import { symbolInput, symbolOutput } from '../symbols.js'
import type { SeRrm, SeRrmSizes } from './se-rrm-sizes.js'

const seRrmOf = (sizes: SeRrmSizes): Reasoner => {
  const { vocabulary, sequence, specials = 2, hidden = 256, heads = 4, expansion = 4, layers = 2 } = sizes
  const { symbolHeads = 2, symbolWidth = Math.floor(hidden / 2), rotary = 'grid' } = sizes
  const { cycles = 3, steps = 6, gradient = wholeCycleGradient, maxSegments = 16, exploration = 0.05 } = sizes
  const ofPositions =
    rotary === 'grid'
      ? attention({ hidden, heads, rotary: 'grid' })
      : attention({ hidden, heads, rotary: rotary === 'line' })
  const block = seq(
    named('attn', postNorm(residual(ofPositions))),
    named('attn_t', overSymbols(postNorm(residual(attention({ hidden, heads: symbolHeads, width: symbolWidth }))))),
    named('mlp', postNorm(residual(swiglu({ hidden, expansion })))),
  )
  return reasoner({
    name: 'se-rrm',
    input: symbolInput({ vocabulary, sequence, hidden, specials }),
    blocks: { L_level: stack(layers, block) },
    state: { z: 'Z_init' },
    think: ({ L_level }, x) =>
      hierarchicalConvergence({ cycles, steps, gradient })(
        call('L', ({ z }) => ({ z: L_level(z, x) })),
        inTurn(),
      ),
    answer: 'z',
    output: symbolOutput({ hidden }),
    qHead: confidence,
    halting: randomHalting({ maxSegments, probability: exploration }),
  })
}

/** An SE-RRM of these sizes; what is left out is that of the published code for Sudoku. */
export const seRrm = seRrmOf as SeRrm
