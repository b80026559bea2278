/**
 * What a training step reports: one row of sums over the batch. The rows of the last steps stay on the device in
 * `metrics.history` [W, K], row t mod W, so that the host reads every step's numbers without waiting at every step.
 */
import { constant, equal, type HostArray, iota, select, sum, type Tensor, unsqueeze } from '../ir/index.js'

/** Columns of the history. The last five count only examples that halted in this step and have a label. */
export const metricNames = [
  'loss',
  'lm_loss',
  'q_halt_loss',
  'q_continue_loss',
  'count',
  'accuracy',
  'exact_accuracy',
  'q_halt_accuracy',
  'steps',
] as const
export type MetricName = (typeof metricNames)[number]

/** One value per example, f32 [B]; `loss` is before division by the batch. */
export type MetricColumns = Readonly<Record<MetricName, Tensor>>
export type Metrics = Readonly<Record<MetricName, number>>

/** Sums over the batch, [K]. */
export const metricSums = (columns: MetricColumns): Tensor => {
  const shape = ['batch', metricNames.length]
  const column = iota(shape, 1)
  const table = metricNames.reduce<Tensor>(
    (rest, name, k) => select(equal(column, k), unsqueeze(columns[name], 1), rest),
    constant(0, shape),
  )
  return sum(table, [0])
}

/** The history with one row replaced. History [W, K], slot i32 [], sums [K]. */
export const recordMetrics = (history: Tensor, slot: Tensor, sums: Tensor): Tensor =>
  select(equal(iota(history.shape, 0), slot), sums, history)

/** The row of step `t` of a history of `window` rows. */
export const metricsAt = (history: HostArray, t: number, window: number): Metrics => {
  const at = (t % window) * metricNames.length
  return Object.fromEntries(metricNames.map((name, k) => [name, history[at + k]])) as Metrics
}

/** Several steps as one line: losses per example, rates per example that halted. */
export interface MetricsSummary {
  readonly loss: number
  readonly lm_loss: number
  readonly q_halt_loss: number
  readonly q_continue_loss: number
  /** Examples that halted. */
  readonly count: number
  readonly accuracy: number
  readonly exact_accuracy: number
  readonly q_halt_accuracy: number
  /** Mean number of segments of those that halted. */
  readonly steps: number
}

export const summarise = (rows: readonly Metrics[], batch: number): MetricsSummary => {
  const total = (name: MetricName) => rows.reduce((s, row) => s + row[name], 0)
  const perExample = (name: MetricName) => total(name) / (rows.length * batch)
  const count = total('count')
  const rate = (name: MetricName) => (count === 0 ? 0 : total(name) / count)
  return {
    loss: perExample('loss'),
    lm_loss: perExample('lm_loss'),
    q_halt_loss: perExample('q_halt_loss'),
    q_continue_loss: perExample('q_continue_loss'),
    count,
    accuracy: rate('accuracy'),
    exact_accuracy: rate('exact_accuracy'),
    q_halt_accuracy: rate('q_halt_accuracy'),
    steps: rate('steps'),
  }
}
