/**
 * Memory of a training run, known from its programs before anything is allocated; and when a device has not so much, what
 * would fit: a smaller batch, or the same one in more micro-batches.
 */
import { showBytes } from '../bytes.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend, MemoryPlan } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { evaluationGraph } from './evaluation.js'
import { defaultSettings, type TrainingSettings } from './settings.js'
import { type Sized, stepGraphs } from './stepper.js'

export interface TrainingMemory {
  /** Of every buffer. */
  readonly buffers: readonly number[]
  readonly bytes: number
  /** Why the device cannot hold it at all, where it cannot. */
  readonly refusal?: string
}

/** The graphs that a training run loads: those of its stages in turn, and all along those of an update and an evaluation. */
export interface TrainingGraphs {
  readonly stages: readonly Sized[]
  readonly others: readonly Sized[]
}

/** `evaluated`: how many examples evaluations are on, where there are any. */
export const trainingGraphs = (model: Reasoner, settings: TrainingSettings, evaluated?: number): TrainingGraphs => {
  const { stages, update } = stepGraphs(model, settings)
  const evaluation = (of: number) => evaluationGraph(model, evaluationBatch(settings, of), weightsOf(settings))
  return {
    stages,
    others: [...(update === undefined ? [] : [update]), ...(evaluated === undefined ? [] : [evaluation(evaluated)])],
  }
}

/** What training allocates for its graphs: of a model in stages those of the largest, for they follow one another. */
export const trainingMemory = (
  backend: Pick<Backend, 'plan'>,
  model: Reasoner,
  settings: TrainingSettings,
  evaluated?: number,
): TrainingMemory => {
  const graphs = trainingGraphs(model, settings, evaluated)
  const planned = (of: readonly Sized[]) => of.map(([graph, dims]) => backend.plan(graph, dims))
  const [stages, others] = [planned(graphs.stages), planned(graphs.others)]
  const shared = new Map<string, number>()
  for (const { name, bytes, isShared } of [...stages, ...others].flatMap((plan) => plan.buffers))
    if (isShared) shared.set(name, bytes)
  const own = ({ buffers }: MemoryPlan) => buffers.filter(({ isShared }) => !isShared).map(({ bytes }) => bytes)
  const largest = stages.map(own).reduce((a, b) => (sum(a) < sum(b) ? b : a))
  const buffers = [...shared.values(), ...largest, ...others.flatMap(own)]
  const refusal = [...stages, ...others].find((plan) => plan.refusal !== undefined)?.refusal
  return { buffers, bytes: sum(buffers), ...(refusal !== undefined && { refusal }) }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

/** Bytes a step takes whatever its batch is, and for every example of it. Of two batches: it is as good as linear. */
export const memoryByBatch = (
  backend: Pick<Backend, 'plan'>,
  model: Reasoner,
): { readonly fixedBytes: number; readonly bytesPerExample: number } => {
  const [few, many] = [8, 16]
  const at = (batch: number) => trainingMemory(backend, model, { ...defaultSettings, batch }).bytes
  const bytesPerExample = Math.round((at(many) - at(few)) / (many - few))
  return { fixedBytes: Math.max(0, at(few) - few * bytesPerExample), bytesPerExample }
}

/** Examples of an evaluation at once: as many as a step has, but no more than there are. */
export const evaluationBatch = ({ batch, accumulate = 1 }: TrainingSettings, examples: number): number =>
  Math.min(batch / accumulate, examples)

/** The resident that evaluation reads. */
export const weightsOf = ({ ema }: TrainingSettings): 'parameters' | 'average' =>
  ema === undefined ? 'parameters' : 'average'

/** `cause`, which is that there was no room, with what would fit. Compiles a few times. */
export const adviseOnMemory = async (
  backend: Backend,
  model: Reasoner,
  settings: TrainingSettings,
  cause: Problem,
  evaluated?: number,
): Promise<Problem> => {
  const { batch, accumulate = 1 } = settings
  const needs = (changed: Partial<TrainingSettings>) =>
    trainingMemory(backend, model, { ...settings, ...changed }, evaluated)
  const fits = async (changed: Partial<TrainingSettings>): Promise<boolean> => {
    const { refusal, buffers } = needs(changed)
    return refusal === undefined && (await backend.hasRoom(buffers))
  }
  const more = await firstOf(divisorsAbove(batch, accumulate), (n) => fits({ accumulate: n }))
  // Of a multiple of `accumulate`, so that the number of micro-batches still divides it.
  const most = await largest(batch / accumulate - 1, (n) => fits({ batch: n * accumulate }))
  const what = `a batch of ${batch}${accumulate === 1 ? '' : ` in ${accumulate} micro-batches`} does not fit`
  const here = needs({})
  const why = (refusal?: string) => `training needs ${showBytes(here.bytes)}: ${refusal ?? cause.why ?? cause.what}`
  if (most === 0)
    return problem('the model does not fit, whatever the batch', {
      why: why(needs({ batch: accumulate }).refusal),
      fix: 'use a smaller model, or another adapter',
    })
  const smaller = `--batch ${most * accumulate} at most`
  const micro =
    more === undefined
      ? undefined
      : `--accumulate ${more} (micro-batches of ${batch / more}, ${showBytes(needs({ accumulate: more }).bytes)}; the result is that of the whole batch)`
  return problem(what, { why: why(here.refusal), fix: micro === undefined ? smaller : `${micro}, or ${smaller}` })
}

const divisorsAbove = (n: number, least: number): readonly number[] =>
  Array.from({ length: n - least }, (_, i) => least + 1 + i).filter((d) => n % d === 0)

const firstOf = async (
  candidates: readonly number[],
  fits: (n: number) => Promise<boolean>,
): Promise<number | undefined> => {
  for (const n of candidates) if (await fits(n)) return n
  return undefined
}

/** The largest of 1..most that fits, as smaller ones do; 0 for none. */
const largest = async (most: number, fits: (n: number) => Promise<boolean>): Promise<number> => {
  let [good, bad] = [0, most + 1]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (await fits(middle)) good = middle
    else bad = middle
  }
  return good
}
