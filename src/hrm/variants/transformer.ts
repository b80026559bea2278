/**
 * A plain transformer, the "direct prediction" of HRM's paper: one pass through a stack of HRM's blocks, one loss, no
 * memory between segments. Every layer is a call of its own, so that its residuals can be seen.
 *
 *     x̃ ─► 1 ─► 2 ─► … ─► layers ─► OutputNet
 */
import { stack } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { deepSupervision } from '../halting.js'
import type { Reasoner } from '../reasoner.js'
import { call, each } from '../recurrence.js'
import { fromInput } from '../states.js'
import type { Transformer, TransformerSizes } from './baseline-sizes.js'
import { blockOf, endsOf } from './ends.js'

const transformerOf = (sizes: TransformerSizes): Reasoner => {
  const { layers = 8 } = sizes
  return reasoner({
    name: 'transformer',
    ...endsOf(sizes),
    blocks: { net: stack(layers, blockOf(sizes)) },
    state: { z: fromInput },
    think: ({ net }) => each(net.layers, (layer, i) => call(`${i + 1}`, ({ z }) => ({ z: layer(z) }))),
    answer: 'z',
    halting: deepSupervision({ segments: 1 }),
  })
}

/** A transformer of these sizes; what is left out is that of HRM's paper, all of its layers in one stack. */
export const transformer = transformerOf as Transformer
