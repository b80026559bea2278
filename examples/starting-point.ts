/**
 * starting-point: an HRM for 4×4 Sudoku, to be changed. What `thetagrad new` writes.
 *
 *   npx thetagrad data sudoku --generate 4 --out data/sudoku4
 *   npx thetagrad check starting-point.ts
 *   npx thetagrad train --config starting-point.ts --data data/sudoku4 --out runs/starting-point --eval-every 250
 */
import {
  adaptiveHalting,
  add,
  call,
  experiment,
  hierarchicalConvergence,
  inputNet,
  oneStepGradient,
  outputNet,
  qHead,
  reasoner,
  stack,
  transformerBlock,
} from 'thetagrad'

// Of the puzzles: 0 pad, 1 blank, 2 to 5 the digits; 16 cells. For 9×9 it is 11 and 81, for a maze of 30×30 6 and 900.
const vocabulary = 6
const sequence = 16
// Of the model: the width of every state, and how many heads share it.
const hidden = 64
const heads = 2

// What a level is made of. Other parts: attention, swiglu, convSwiglu, overPositions, seq, residual, postNorm, block.
const level = stack(1, transformerBlock({ hidden, heads }))

export default experiment({
  model: reasoner({
    name: 'starting-point',
    input: inputNet({ vocabulary, sequence, hidden, puzzleEmbedding: hidden, positions: 'learned' }),
    // Blocks by the names of their parameters. One block in two roles shares its weights, as in TRM.
    blocks: { H_level: level, L_level: level },
    // States, each with the fixed vector it starts from. They go on from segment to segment.
    state: { z_H: 'H_init', z_L: 'L_init' },
    // One segment: L L H L L H. The gradient rule says how far back it is trained: also wholeCycleGradient, lastSteps(k),
    // allButFirst(k), fullGradient. For more levels: hierarchy({ periods: [2, 2, 2], gradient })(fast, medium, slow).
    think: ({ H_level, L_level }, x) =>
      hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })(
        call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
        call('H', (z) => ({ ...z, z_H: H_level(z.z_H, z.z_L) })),
      ),
    // The state the answer is read from, and by what.
    answer: 'z_H',
    output: outputNet({ hidden, vocabulary, sequence }),
    qHead: qHead({ hidden }),
    // At most so many segments an example; `continuation: false` halts when q_halt > 0, without q_continue.
    halting: adaptiveHalting({ maxSegments: 4 }),
  }),
  // What differs from the defaults that `thetagrad train --help` lists.
  training: { batch: 64, steps: 1000, lr: 2e-3, puzzleLr: 2e-3, lrMinRatio: 0.02, warmup: 50, weightDecay: 1 },
})
