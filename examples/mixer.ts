/**
 * Another block: no attention. Positions are mixed by a SwiGLU over them, as in MLP-Mixer, through a gate that each
 * position opens for itself; the rest is HRM. 4×4 Sudoku.
 */
import {
  adaptiveHalting,
  add,
  block,
  call,
  hierarchicalConvergence,
  inputNet,
  linear,
  mul,
  named,
  oneStepGradient,
  outputNet,
  overPositions,
  postNorm,
  qHead,
  reasoner,
  residual,
  seq,
  sigmoid,
  stack,
  swiglu,
} from 'thetagrad'

const vocabulary = 6
const sequence = 16
const hidden = 64
/** The puzzle's own token stands in front. */
const positions = 17

/** sigmoid(x·Gᵀ) · mix(x), with mix a SwiGLU along the positions. [batch, 17, 64] → the same. */
const gatedMixing = block({
  name: 'gatedMixing',
  input: ['batch', positions, hidden],
  parts: { mix: overPositions(swiglu({ hidden: positions, expansion: 4 })), gate: linear(hidden, hidden) },
  compute: ({ mix, gate }, x) => mul(sigmoid(gate(x)), mix(x)),
})

const layer = seq(
  named('mixing', postNorm(residual(gatedMixing))),
  named('mlp', postNorm(residual(swiglu({ hidden, expansion: 4 })))),
)

export default {
  model: reasoner({
    name: 'mixer',
    input: inputNet({ vocabulary, sequence, hidden, puzzleEmbedding: hidden }),
    blocks: { H_level: stack(1, layer), L_level: stack(1, layer) },
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
  }),
  training: { batch: 64, steps: 1000, lr: 2e-3, puzzleLr: 2e-3, lrMinRatio: 0.02, warmup: 50, weightDecay: 1 },
}
