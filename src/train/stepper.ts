/**
 * A training step as the trainer calls it: loads the programs for the whole batch at once, or for n micro-batches and an
 * update (see `accumulation.ts`), and runs them. The host's batch and draws are always those of the whole batch.
 */
import type { Reasoner } from '../hrm/index.js'
import type { Backend, HostArray } from '../ir/index.js'
import { microStep, updateStep } from './accumulation.js'
import { type StepSettings, trainingStep } from './step.js'

/** Runs one step on the streams of the whole batch: `batch.*` and `explore.*`, [B] or [B, S], `rates` and `slot`. */
export type Stepper = (streams: Readonly<Record<string, HostArray>>) => Promise<void>

export const stepper = async (
  backend: Backend,
  model: Reasoner,
  settings: StepSettings,
  { batch, accumulate }: { readonly batch: number; readonly accumulate: number },
): Promise<Stepper> => {
  if (accumulate === 1) {
    const { run } = await backend.load(trainingStep(model, settings), { batch })
    return run
  }
  const size = batch / accumulate
  const micro = await backend.load(microStep(model, settings, accumulate), { batch: size })
  const update = await backend.load(updateStep(model, settings), { batch })
  return async (streams) => {
    for (let i = 0; i < accumulate; i++)
      await micro.run({ ...sliceOf(streams, i, accumulate), micro: Int32Array.of(i) })
    await update.run(streams)
  }
}

const PER_EXAMPLE = /^(batch|explore)\./

const sliceOf = (streams: Readonly<Record<string, HostArray>>, i: number, n: number) =>
  Object.fromEntries(
    Object.entries(streams).map(([name, data]) => {
      const size = data.length / n
      return [name, PER_EXAMPLE.test(name) ? data.subarray(i * size, (i + 1) * size) : data]
    }),
  )
