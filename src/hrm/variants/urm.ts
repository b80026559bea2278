/**
 * The Universal Reasoning Model (arXiv 2512.14693): a universal transformer whose SwiGLU looks one position back, with
 * truncated loops and HRM's segments; no q_continue.
 *
 *     z ← net(z + x̃)     loops times, all but the first two with gradient
 */
import { attention, convSwiglu, named, postNorm, residual, seq, stack } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { allButFirst } from '../gradient-rules.js'
import { adaptiveHalting } from '../halting.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchy } from '../recurrence.js'
import type { UniversalSizes, Urm } from './baseline-sizes.js'
import { endsOf } from './ends.js'

const urmOf = (sizes: UniversalSizes): Reasoner => {
  const { hidden = 512, heads = 8, expansion = 4, layers = 4, positions = 'rope' } = sizes
  const { loops = 8, gradient = allButFirst(2), maxSegments = 16, exploration = 0.1 } = sizes
  const block = seq(
    named('self_attn', postNorm(residual(attention({ hidden, heads, rotary: positions === 'rope' })))),
    named('mlp', postNorm(residual(convSwiglu({ hidden, expansion })))),
  )
  return reasoner({
    name: 'urm',
    ...endsOf(sizes),
    blocks: { net: stack(layers, block) },
    state: { z: 'init' },
    think: ({ net }, x) => hierarchy({ periods: [loops], gradient })(call('net', ({ z }) => ({ z: net(z, x) }))),
    answer: 'z',
    halting: adaptiveHalting({ maxSegments, exploration, continuation: false }),
  })
}

/** A URM of these sizes; what is left out is the paper's. */
export const urm = urmOf as Urm
