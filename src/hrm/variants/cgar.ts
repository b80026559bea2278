/**
 * CGAR (arXiv 2511.08653): a TRM that grows while it is trained, and learns less from the later segments of an example.
 *
 *     until 30 % of the training   1 cycle of 2 steps    (a third of each)
 *     until 60 %                   2 cycles of 4 steps   (two thirds)
 *     to the end                   3 cycles of 6 steps
 */
import { curriculum } from '../curriculum.js'
import { decayingLoss } from '../halting.js'
import type { Reasoner } from '../reasoner.js'
import type { Cgar, CgarSizes } from './sizes.js'
import { trm } from './trm.js'

const cgarOf = ({ lossDecay = 0.7, cycles = 3, steps = 6, ...sizes }: CgarSizes): Reasoner => {
  const deep = (thirds: number): Reasoner => {
    const depth = { cycles: Math.ceil((cycles * thirds) / 3), steps: Math.ceil((steps * thirds) / 3) }
    const model: Reasoner = trm({ ...sizes, ...depth } as never)
    return { ...model, name: 'cgar', halting: decayingLoss(lossDecay, model.halting) }
  }
  return curriculum(
    [
      { until: 0.3, model: deep(1) },
      { until: 0.6, model: deep(2) },
    ],
    deep(3),
  )
}

/** A TRM in three stages; sizes and defaults are those of `trm`, `cycles` and `steps` of the last stage. */
export const cgar = cgarOf as Cgar
