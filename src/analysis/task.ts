/** What an analysis is given: a model on a device, examples, and how far to go. */
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import type { HostBatch } from '../train/index.js'

export interface Task {
  /** Holds the model's parameters already. */
  readonly backend: Backend
  readonly model: Reasoner
  /** How many examples there are. */
  readonly count: number
  /** The same examples in the same order every time; a last short batch is padded. */
  readonly batches: (size: number) => Iterable<HostBatch>
  readonly batch: number
  readonly segments: number
  /** Of how many examples guesses and trajectories are kept. */
  readonly shown: number
  readonly signal?: AbortSignal
  readonly progress?: (examples: number) => void
}

export const interrupted: Problem = problem('interrupted: nothing was written')
