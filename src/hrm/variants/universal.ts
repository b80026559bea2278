/**
 * A universal transformer (arXiv 1807.03819) with HRM's segments: one stack of blocks in a loop, a state that goes on from
 * segment to segment, a Q head that says when to stop. HRM with one level.
 *
 *     z ← net(z + x̃)     loops times, the last two with gradient
 */
import { stack, transformerBlock } from '../../nn/index.js'
import { reasoner } from '../define.js'
import { lastSteps } from '../gradient-rules.js'
import { adaptiveHalting } from '../halting.js'
import { outputNet, qHead } from '../heads.js'
import { inputNet } from '../input-net.js'
import type { Reasoner } from '../reasoner.js'
import { call, hierarchy } from '../recurrence.js'
import type { Universal, UniversalSizes } from './baseline-sizes.js'

const universalOf = (sizes: UniversalSizes): Reasoner => {
  const { vocabulary, sequence, expansion = 4, layers = 4, positions = 'rope', puzzles = 1 } = sizes
  const { hidden = 512, heads = 8, puzzleEmbedding = hidden } = sizes
  const { loops = 6, gradient = lastSteps(2), maxSegments = 16, exploration = 0.1 } = sizes
  return reasoner({
    name: 'universal',
    input: inputNet({
      vocabulary,
      sequence,
      hidden,
      puzzleEmbedding,
      puzzles,
      positions: positions === 'learned' ? 'learned' : 'none',
    }),
    blocks: { net: stack(layers, transformerBlock({ hidden, heads, expansion, rotary: positions === 'rope' })) },
    state: { z: 'init' },
    think: ({ net }, x) => hierarchy({ periods: [loops], gradient })(call('net', ({ z }) => ({ z: net(z, x) }))),
    answer: 'z',
    output: outputNet({ hidden, vocabulary, sequence }),
    qHead: qHead({ hidden }),
    halting: adaptiveHalting({ maxSegments, exploration, continuation: false }),
  })
}

/** A universal transformer of these sizes. */
export const universal = universalOf as Universal
