/**
 * A universal transformer (arXiv 1807.03819) with HRM's segments: one stack of blocks in a loop, a state that goes on from
 * segment to segment, a Q head that says when to stop. HRM with one level.
 *
 *     z ← net(z + x̃)     loops times, the last two with gradient
 */
import { stack } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { lastSteps } from '../gradient-rules.js'
import { adaptiveHalting } from '../halting.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchy } from '../recurrence.js'
import type { Universal, UniversalSizes } from './baseline-sizes.js'
import { blockOf, endsOf } from './ends.js'

const universalOf = (sizes: UniversalSizes): Reasoner => {
  const { layers = 4, loops = 6, gradient = lastSteps(2), maxSegments = 16, exploration = 0.1 } = sizes
  return reasoner({
    name: 'universal',
    ...endsOf(sizes),
    blocks: { net: stack(layers, blockOf(sizes)) },
    state: { z: 'init' },
    think: ({ net }, x) => hierarchy({ periods: [loops], gradient })(call('net', ({ z }) => ({ z: net(z, x) }))),
    answer: 'z',
    halting: adaptiveHalting({ maxSegments, exploration, continuation: false }),
  })
}

/** A universal transformer of these sizes. */
export const universal = universalOf as Universal
