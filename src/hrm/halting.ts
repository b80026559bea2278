/** When a model stops thinking about an example: values that training and evaluation follow. */
import { constant, less, type Tensor } from '../ir/index.js'
import { demandPositive } from '../shape/index.js'
import type { Halting, Segment } from './reasoner.js'

/** Refuses numbers of segments and probabilities that are none. */
const checked = (halting: Halting): Halting => {
  const { maxSegments, exploration } = halting
  demandPositive('halting: segments', maxSegments)
  if (!(exploration >= 0 && exploration <= 1))
    throw new Error(`halting: ${exploration} is no probability: it must lie in [0, 1]`)
  return halting
}

/** The same number of segments for every example, each with its own loss and update. HRM §2, deep supervision. */
export const deepSupervision = ({ segments }: { readonly segments: number }): Halting =>
  checked({ maxSegments: segments, exploration: 0, adaptive: false, continuation: false })

/** Deep supervision that ends by chance: in training, after each segment with this probability. SE-RRM (arXiv 2603.02193). */
export const randomHalting = (options: { readonly maxSegments: number; readonly probability: number }): Halting =>
  checked({
    maxSegments: options.maxSegments,
    exploration: options.probability,
    adaptive: false,
    continuation: false,
  })

/** Deep supervision that the Q head may end early. HRM §2, adaptive computation time. */
export const adaptiveHalting = (options: {
  readonly maxSegments: number
  /** Probability of drawing a random least number of segments in training; 0.1 in the paper. */
  readonly exploration?: number
  /**
   * Whether q_continue is learnt too, by Q-learning: an example stops when q_halt > q_continue, and every training step
   * runs the model once more for the target. Otherwise it stops when q_halt > 0, as in TRM. Default true.
   */
  readonly continuation?: boolean
}): Halting =>
  checked({
    maxSegments: options.maxSegments,
    exploration: options.exploration ?? 0.1,
    adaptive: true,
    continuation: options.continuation ?? true,
  })

/**
 * Later segments count less: the loss of an example's t-th segment is multiplied by `decay`^(t−1). CGAR (arXiv 2511.08653,
 * §3.5, which divides by the sum of the weights; the optimisers are blind to a constant factor).
 */
export const decayingLoss = (decay: number, halting: Halting): Halting => {
  if (!(decay > 0 && decay <= 1)) throw new Error(`decayingLoss: the decay must lie in (0, 1], not be ${decay}`)
  return { ...halting, lossDecay: decay }
}

/** Whether the Q head says stop: q_halt > q_continue, or q_halt > 0 where q_continue is not learnt. bool [B] */
export const saysStop = (
  { continuation }: Halting,
  { qHalt, qContinue }: Pick<Segment, 'qHalt' | 'qContinue'>,
): Tensor => less(continuation && qContinue !== undefined ? qContinue : constant(0), qHalt)

/** The same in words. */
export const haltingRule = ({ continuation }: Halting): string => (continuation ? 'q_halt > q_continue' : 'q_halt > 0')
