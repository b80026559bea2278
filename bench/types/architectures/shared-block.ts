/** A relative of the Tiny Recursive Model: one block of two layers in both roles, gradients through the last cycle. */
import {
  adaptiveHalting,
  add,
  call,
  hierarchicalConvergence,
  inputNet,
  outputNet,
  qHead,
  reasoner,
  stack,
  transformerBlock,
  wholeCycleGradient,
} from 'thetagrad'

const vocabulary = 11
const sequence = 81
const hidden = 512

export default reasoner({
  name: 'shared-block',
  input: inputNet({ vocabulary, sequence, hidden, puzzleEmbedding: hidden }),
  blocks: { L_level: stack(2, transformerBlock({ hidden, heads: 8, rotary: true })) },
  state: { z_H: 'H_init', z_L: 'L_init' },
  think: ({ L_level }, x) =>
    hierarchicalConvergence({ cycles: 3, steps: 6, gradient: wholeCycleGradient })(
      call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
      call('H', (z) => ({ ...z, z_H: L_level(z.z_H, z.z_L) })),
    ),
  answer: 'z_H',
  output: outputNet({ hidden, vocabulary, sequence }),
  qHead: qHead({ hidden }),
  halting: adaptiveHalting({ maxSegments: 16 }),
})
