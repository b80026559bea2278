/**
 * Another gradient rule: one block for both roles, as in TRM (arXiv 2510.04871). The gradient flows through the whole last
 * cycle, not through its last steps alone; an example stops when q_halt > 0, and no q_continue is learnt. 4×4 Sudoku.
 */
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

const vocabulary = 6
const sequence = 16
const hidden = 64

export default {
  model: reasoner({
    name: 'one-block',
    input: inputNet({ vocabulary, sequence, hidden, puzzleEmbedding: hidden, puzzleTokens: 2, positions: 'learned' }),
    blocks: { net: stack(2, transformerBlock({ hidden, heads: 2 })) },
    state: { answer: 'answer_init', latent: 'latent_init' },
    think: ({ net }, x) =>
      hierarchicalConvergence({ cycles: 2, steps: 3, gradient: wholeCycleGradient })(
        call('latent', (z) => ({ ...z, latent: net(z.latent, add(z.answer, x)) })),
        call('answer', (z) => ({ ...z, answer: net(z.answer, z.latent) })),
      ),
    answer: 'answer',
    output: outputNet({ hidden, vocabulary, sequence }),
    qHead: qHead({ hidden }),
    halting: adaptiveHalting({ maxSegments: 4, continuation: false }),
  }),
  training: { batch: 64, steps: 1000, lr: 2e-3, puzzleLr: 2e-3, lrMinRatio: 0.02, warmup: 50, weightDecay: 1 },
}
