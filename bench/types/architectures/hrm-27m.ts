/** The paper's HRM of 27 million parameters, for 9×9 Sudoku, written out part by part as a user would. */
import {
  adaptiveHalting,
  add,
  attention,
  call,
  hierarchicalConvergence,
  inputNet,
  named,
  oneStepGradient,
  outputNet,
  postNorm,
  qHead,
  reasoner,
  residual,
  seq,
  stack,
  swiglu,
} from 'thetagrad'

const vocabulary = 11
const sequence = 81
const hidden = 512
const heads = 8

const level = () =>
  stack(
    4,
    seq(
      named('self_attn', postNorm(residual(attention({ hidden, heads, rotary: true })))),
      named('mlp', postNorm(residual(swiglu({ hidden, expansion: 4 })))),
    ),
  )

export default reasoner({
  name: 'hrm-27m',
  input: inputNet({ vocabulary, sequence, hidden, puzzleEmbedding: hidden }),
  blocks: { H_level: level(), L_level: level() },
  state: { z_H: 'H_init', z_L: 'L_init' },
  think: ({ H_level, L_level }, x) =>
    hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })(
      call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
      call('H', (z) => ({ ...z, z_H: H_level(z.z_H, z.z_L) })),
    ),
  answer: 'z_H',
  output: outputNet({ hidden, vocabulary, sequence }),
  qHead: qHead({ hidden }),
  halting: adaptiveHalting({ maxSegments: 16, exploration: 0.1 }),
})
