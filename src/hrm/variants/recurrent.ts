/**
 * A deep recurrent transformer: one stack of HRM's blocks in a loop that sees the input again each time, trained by
 * back-propagation through all of it; one segment. What HRM is measured against for depth.
 *
 *     z ← net(z + x̃)     loops times, all with gradient
 */
import { stack } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { fullGradient } from '../gradient-rules.js'
import { deepSupervision } from '../halting.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchy } from '../recurrence.js'
import type { Recurrent, RecurrentSizes } from './baseline-sizes.js'
import { blockOf, endsOf } from './ends.js'

const recurrentOf = (sizes: RecurrentSizes): Reasoner => {
  const { layers = 4, loops = 6, gradient = fullGradient } = sizes
  return reasoner({
    name: 'recurrent',
    ...endsOf(sizes),
    blocks: { net: stack(layers, blockOf(sizes)) },
    state: { z: 'init' },
    think: ({ net }, x) => hierarchy({ periods: [loops], gradient })(call('net', ({ z }) => ({ z: net(z, x) }))),
    answer: 'z',
    halting: deepSupervision({ segments: 1 }),
  })
}

/** A recurrent transformer of these sizes; 4 layers 6 times are as deep as a segment of the paper's HRM. */
export const recurrent = recurrentOf as Recurrent
