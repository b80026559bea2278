/**
 * Another number of levels: a third, still slower one above HRM's two. A level moves after every two steps of the one
 * below, and the gradient flows through the last step of each. 4×4 Sudoku.
 */
import {
  adaptiveHalting,
  add,
  call,
  hierarchy,
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

const level = stack(1, transformerBlock({ hidden, heads: 2 }))

export default {
  model: reasoner({
    name: 'three-levels',
    input: inputNet({ vocabulary, sequence, hidden, puzzleEmbedding: hidden, positions: 'learned' }),
    blocks: { slow: level, medium: level, fast: level },
    state: { z_1: 'init_1', z_2: 'init_2', z_3: 'init_3' },
    think: ({ slow, medium, fast }, x) =>
      hierarchy({ periods: [2, 2, 2], gradient: oneStepGradient })(
        call('3', (z) => ({ ...z, z_3: fast(z.z_3, add(z.z_2, x)) })),
        call('2', (z) => ({ ...z, z_2: medium(z.z_2, add(z.z_1, z.z_3)) })),
        call('1', (z) => ({ ...z, z_1: slow(z.z_1, z.z_2) })),
      ),
    answer: 'z_1',
    output: outputNet({ hidden, vocabulary, sequence }),
    qHead: qHead({ hidden }),
    halting: adaptiveHalting({ maxSegments: 4 }),
  }),
  training: { batch: 64, steps: 1000, lr: 2e-3, puzzleLr: 2e-3, lrMinRatio: 0.02, warmup: 50, weightDecay: 1 },
}
