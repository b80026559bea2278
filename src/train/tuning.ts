/** Tuning for a training run: every matmul of its step and of its evaluation. */
import type { Reasoner } from '../hrm/index.js'
import type { Backend, Tuned, TuneOptions } from '../ir/index.js'
import { trainingGraphs } from './memory.js'
import type { TrainingSettings } from './settings.js'

/** Measures what was not measured on the adapter yet, or all of it `again`. A backend that tunes nothing finds nothing. */
export const tuneTraining = async (
  backend: Backend,
  model: Reasoner,
  settings: TrainingSettings,
  { again = false, evaluated, told }: TuneOptions & { readonly evaluated?: number | undefined },
): Promise<readonly Tuned[]> => {
  const found = new Map<string, Tuned>()
  const { stages, others } = trainingGraphs(model, settings, evaluated)
  for (const [graph, dims] of [...stages, ...others]) {
    const except = new Set(found.keys())
    const tuned = await backend.tune?.(graph, dims, { again, except, ...(told !== undefined && { told }) })
    for (const one of tuned ?? []) found.set(one.shape, one)
  }
  return [...found.values()]
}
