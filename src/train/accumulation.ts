/**
 * A step of a batch too large for the device, in n micro-batches: the same result as the whole batch at once, with the
 * activations of one n-th of it. Two programs, because what is different is how often they run:
 *
 *   micro-step, n times   slice i of the carry ─ segment, loss, gradient ─ slice i of the carry;  Σ gradients, Σ metrics
 *   update, once          Σ gradients ─ AdamATan2, moving average (arena), sign-SGD (puzzle rows of the whole batch)
 *
 * The carry's residents are those of the whole batch, seen as [n, B/n, …]; which slice is at work is a streamed number, so
 * that all slices share one program and its memory. Slice 0 begins the sums anew: nothing has to be cleared between steps.
 * Weights change only in the update, so every slice sees the same ones. n may change between two runs of the same carry.
 */
import type { Reasoner } from '../hrm/index.js'
import type { DType } from '../ir/index.js'
import {
  add,
  equal,
  type Graph,
  gather,
  input,
  iota,
  reshape,
  select,
  type Tensor,
  unsqueeze,
  withPrecision,
} from '../ir/index.js'
import type { Shape } from '../shape/index.js'
import { bindArena } from './arena.js'
import { carryUpdates, residentCarry } from './carry.js'
import { metricNames, metricSums } from './metrics.js'
import { type StepSettings, stateNames, supervised } from './step.js'
import { packed, streamedScalars, weightUpdates } from './updates.js'

/**
 * One micro-batch of `n`. Residents: the arena, puzzle table, carry, `metrics.history`, and the sums `gradients.dense`
 * (laid out as the arena), `gradients.rows` and `gradients.ids` (a row an example). Streams: `batch.*`, `explore.*` and
 * `draws.keys` of the slice, `rates`, `slot`, and `micro`, which of them it is.
 */
export const microStep = (model: Reasoner, settings: StepSettings, n: number): Graph => {
  const bound = bindArena(model.parameters)
  const micro = input('micro', [], 'i32', 'streamed')
  const isFirst = equal(micro, 0)
  const wholes = new Map<Tensor, Tensor>()
  const sliced = (name: string, shape: Shape, dtype: DType): Tensor => {
    const whole = input(name, [n, ...shape], dtype, 'resident')
    const slice = reshape(gather(whole, reshape(micro, [1])), shape)
    wholes.set(slice, whole)
    return slice
  }
  /** The slice at work replaced. */
  const stored = (whole: Tensor, value: Tensor) => ({
    target: whole,
    value: select(equal(iota(whole.shape, 0), micro), unsqueeze(value, 0), whole),
  })
  const old = residentCarry(model, stateNames(model), sliced)
  const { next, columns, dense, rows } = supervised(model, settings, bound, old, streamedScalars())
  const total = input('gradients.dense', [bound.arena.size], 'f32', 'resident')
  const history = input('metrics.history', [settings.window, metricNames.length], 'f32', 'resident')
  const isRow = equal(iota(history.shape, 0), input('slot', [], 'i32', 'streamed'))
  const graph: Graph = {
    outputs: {},
    updates: [
      { target: total, value: add(select(isFirst, 0, total), packed(bound.arena, dense)) },
      ...(rows === undefined
        ? []
        : [
            stored(input('gradients.rows', [n, ...rows.gradients.shape], 'f32', 'resident'), rows.gradients),
            stored(input('gradients.ids', [n, 'batch'], 'i32', 'resident'), rows.ids),
          ]),
      ...carryUpdates(old, next).map(({ target, value }) => stored(wholes.get(target)!, value)),
      { target: history, value: select(isRow, add(select(isFirst, 0, history), metricSums(columns)), history) },
    ],
  }
  return withPrecision(graph, settings.precision ?? 'f32')
}

/** The weights moved by the sums of the micro-steps. Residents: also the moments, in f16 `scaling`. Streams: `rates`. `batch` is the whole. */
export const updateStep = (model: Reasoner, settings: StepSettings): Graph => {
  const bound = bindArena(model.parameters)
  const rates = streamedScalars()
  const table = model.puzzleTable === undefined ? undefined : bound.node(model.puzzleTable)
  const ids = input('gradients.ids', ['batch'], 'i32', 'resident')
  const gradients = () => input('gradients.rows', ['batch', model.sizes.puzzleEmbedding], 'f32', 'resident')
  const total = input('gradients.dense', [bound.arena.size], 'f32', 'resident')
  const rows =
    table === undefined ? undefined : { table, gradients: { ids, rows: gather(table, ids), gradients: gradients() } }
  return { outputs: {}, updates: weightUpdates(bound, total, rows, settings, rates) }
}
