/**
 * A plain transformer, the "direct prediction" of HRM's paper: one pass through a stack of HRM's blocks, one loss, no
 * memory between segments. Every layer is a call of its own, so that its residuals can be seen.
 *
 *     x̃ ─► 1 ─► 2 ─► … ─► layers ─► OutputNet
 */
import { stack, transformerBlock } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { deepSupervision } from '../halting.js'
import { outputNet, qHead } from '../heads.js'
import { inputNet } from '../input-net.js'
import type { Reasoner } from '../reasoner.js'
import { call, each } from '../recurrence.js'
import { fromInput } from '../states.js'
import type { Transformer, TransformerSizes } from './baseline-sizes.js'

const transformerOf = (sizes: TransformerSizes): Reasoner => {
  const { vocabulary, sequence, expansion = 4, layers = 8, positions = 'rope', puzzles = 1 } = sizes
  const { hidden = 512, heads = 8, puzzleEmbedding = hidden } = sizes
  return reasoner({
    name: 'transformer',
    input: inputNet({
      vocabulary,
      sequence,
      hidden,
      puzzleEmbedding,
      puzzles,
      positions: positions === 'learned' ? 'learned' : 'none',
    }),
    blocks: { net: stack(layers, transformerBlock({ hidden, heads, expansion, rotary: positions === 'rope' })) },
    state: { z: fromInput },
    think: ({ net }) => each(net.layers, (layer, i) => call(`${i + 1}`, ({ z }) => ({ z: layer(z) }))),
    answer: 'z',
    output: outputNet({ hidden, vocabulary, sequence }),
    qHead: qHead({ hidden }),
    halting: deepSupervision({ segments: 1 }),
  })
}

/** A transformer of these sizes; what is left out is that of HRM's paper, all of its layers in one stack. */
export const transformer = transformerOf as Transformer
