/** The first variant of docs/variants.md: HRM with a third, still slower level. */
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

const vocabulary = 11
const sequence = 81
const hidden = 128

const level = (layers: number) => stack(layers, transformerBlock({ hidden, heads: 4, rotary: true }))
const twice = hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })

export default reasoner({
  name: 'three-levels',
  input: inputNet({ vocabulary, sequence, hidden, puzzleEmbedding: hidden }),
  blocks: { slow: level(2), medium: level(2), fast: level(2) },
  state: { z_1: 'init_1', z_2: 'init_2', z_3: 'init_3' },
  think: ({ slow, medium, fast }, x) =>
    twice(
      twice(
        call('3', (z) => ({ ...z, z_3: fast(z.z_3, add(z.z_2, x)) })),
        call('2', (z) => ({ ...z, z_2: medium(z.z_2, add(z.z_1, z.z_3)) })),
      ),
      call('1', (z) => ({ ...z, z_1: slow(z.z_1, z.z_2) })),
    ),
  answer: 'z_1',
  output: outputNet({ hidden, vocabulary, sequence }),
  qHead: qHead({ hidden }),
  halting: adaptiveHalting({ maxSegments: 8 }),
})
