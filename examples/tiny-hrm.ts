/** A small HRM for 4×4 Sudoku, written out part by part. `npx thetagrad check examples/tiny-hrm.ts` */
import {
  adaptiveHalting,
  add,
  call,
  hierarchicalConvergence,
  inputNet,
  oneStepGradient,
  outputNet,
  qHead,
  reasoner,
  stack,
  transformerBlock,
} from 'thetagrad'

const vocabulary = 6
const sequence = 16
const hidden = 64

export default reasoner({
  name: 'tiny-hrm',
  input: inputNet({ vocabulary, sequence, hidden, puzzleEmbedding: 64, positions: 'learned' }),
  blocks: {
    H_level: stack(1, transformerBlock({ hidden, heads: 2 })),
    L_level: stack(1, transformerBlock({ hidden, heads: 2 })),
  },
  state: { z_H: 'H_init', z_L: 'L_init' },
  think: ({ H_level, L_level }, x) =>
    hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })(
      call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
      call('H', (z) => ({ ...z, z_H: H_level(z.z_H, z.z_L) })),
    ),
  answer: 'z_H',
  output: outputNet({ hidden, vocabulary, sequence }),
  qHead: qHead({ hidden }),
  halting: adaptiveHalting({ maxSegments: 4 }),
})
