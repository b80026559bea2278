/**
 * RINS (recursive inference scaling) as HRM-Text's repository has it: a stack in a loop, then another one once on top, that
 * does not see the input. One segment.
 *
 *     z ← L(z + x̃)     loops times, the last four with gradient
 *     y ← H(z)         once
 */
import { stack } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { lastSteps } from '../gradient-rules.js'
import { deepSupervision } from '../halting.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchy, inTurn } from '../recurrence.js'
import { fromInput } from '../states.js'
import { blockOf, endsOf } from './ends.js'
import type { Rins, RinsSizes } from './sizes.js'

const rinsOf = (sizes: RinsSizes): Reasoner => {
  const { layers = { high: 4, low: 4 }, loops = 7, gradient = lastSteps(4) } = sizes
  const block = blockOf(sizes)
  return reasoner({
    name: 'rins',
    ...endsOf(sizes),
    blocks: { H_level: stack(layers.high, block), L_level: stack(layers.low, block) },
    state: { z: 'L_init', y: fromInput },
    think: ({ L_level, H_level }, x) =>
      inTurn(
        hierarchy({ periods: [loops], gradient })(call('L', (s) => ({ ...s, z: L_level(s.z, x) }))),
        call('H', (s) => ({ ...s, y: H_level(s.z) })),
      ),
    answer: 'y',
    halting: deepSupervision({ segments: 1 }),
  })
}

/** A RINS of these sizes. */
export const rins = rinsOf as Rins
