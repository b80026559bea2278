/**
 * The training step as one graph: one segment for every example of the carry, its loss, its gradient, the optimiser.
 * Deep supervision and adaptive computation time, HRM §2: one optimiser step is one segment.
 *
 *     carry, batch ─ refill ─ segment ─┬─ loss / B ─ gradients ─ AdamATan2 (arena), sign-SGD (puzzle rows)
 *                                      └─ halt? ─ segment again, no gradient ─ target of q_continue
 */
import { gradients } from '../autodiff/index.js'
import { type Halting, type Reasoner, type Segment, saysStop } from '../hrm/index.js'
import {
  add,
  and,
  cast,
  constant,
  div,
  equal,
  exp,
  type Graph,
  gather,
  input,
  less,
  lessEqual,
  maximum,
  mul,
  or,
  select,
  sigmoid,
  stopGradient,
  sub,
  sum,
  type Tensor,
  withPrecision,
} from '../ir/index.js'
import { answerLoss, binaryCrossEntropy, bindParameters, correctness, predict, type TokenLoss } from '../nn/index.js'
import { type Arena, type BoundArena, bindArena } from './arena.js'
import {
  type Carry,
  carryUpdates,
  type Examples,
  refill,
  residentCarry,
  streamedExamples,
  streamedKeys,
} from './carry.js'
import { lossScale } from './loss-scaling.js'
import { type MetricColumns, metricNames, metricSums, recordMetrics } from './metrics.js'
import type { RowGradients } from './optimisers.js'
import {
  packed,
  type Rates,
  ratesOf,
  type StepRates,
  streamedScalars,
  type UpdateSettings,
  weightUpdates,
} from './updates.js'

export interface StepSettings extends UpdateSettings {
  readonly loss: TokenLoss
  /** W: how many steps of metrics the device keeps. */
  readonly window: number
  /** Also output logits, Q values and gradients (in f16 scaled ones): for parity tests and debugging. */
  readonly expose?: boolean
}

/** Contents of the streamed `rates` f32 [5] and `slot` i32 []. */
export const streamedRates = (
  settings: Pick<StepSettings, 'beta1' | 'beta2' | 'window'>,
  rates: StepRates,
): { readonly rates: Float32Array; readonly slot: Int32Array } => ({
  rates: ratesOf(settings, rates),
  slot: Int32Array.of(rates.t % settings.window),
})

/** Names of the states of a model, in order. */
export const stateNames = ({ carried }: Reasoner): readonly string[] => Object.keys(carried)

/** One training step. Residents: the arena, moments, puzzle table, carry, `metrics.history`, in f16 `scaling`. Streams: `batch.*`, `explore.*`, `draws.keys`, `rates`, `slot`. */
export const trainingStep = (model: Reasoner, settings: StepSettings): Graph => {
  const bound = bindArena(model.parameters)
  const rates = streamedScalars()
  const old = residentCarry(model, stateNames(model))
  const { segment, next, target, columns, dense, rows } = supervised(model, settings, bound, old, rates)
  const history = input('metrics.history', [settings.window, metricNames.length], 'f32', 'resident')
  const sums = metricSums(columns)
  const table = rows === undefined ? undefined : { table: bound.node(model.puzzleTable!), gradients: rows }
  const graph: Graph = {
    outputs: {
      metrics: sums,
      ...(settings.expose === true && exposed(bound.arena, segment, next, target, dense, rows)),
    },
    updates: [
      ...weightUpdates(bound, packed(bound.arena, dense), table, settings, rates),
      ...carryUpdates(old, next),
      {
        target: history,
        value: recordMetrics(history, input('slot', [], 'i32', 'streamed'), sums),
      },
    ],
  }
  return withPrecision(graph, settings.precision ?? 'f32')
}

/** One segment for the examples of a carry, with its loss and gradient: all of a step but the change of the weights. */
export interface Supervised {
  readonly segment: Segment
  readonly next: Carry
  /** Of q_continue [B], where it is learnt. */
  readonly target: Tensor | undefined
  readonly columns: MetricColumns
  /** Of loss / global batch, in f16 times the scale of the loss, in the order of the arena. */
  readonly dense: readonly Tensor[]
  /** Of the puzzle rows, where there are any. */
  readonly rows: RowGradients | undefined
}

export const supervised = (
  model: Reasoner,
  { loss: kind, precision }: Pick<StepSettings, 'loss' | 'precision'>,
  { node, arena }: BoundArena,
  old: Carry,
  rates: Pick<Rates, 'perExample'>,
): Supervised => {
  const parameters = bindParameters(model.parameters, ({ path }) => node(path))
  const keys = streamedKeys()
  const start = refill(model, parameters, old, streamedExamples(model), keys)
  const { examples } = start

  const ids = examples.puzzle_identifiers
  const rows = model.puzzleTable === undefined ? undefined : gather(node(model.puzzleTable), ids)
  const inputs = { tokens: examples.inputs, ...(rows !== undefined && { puzzle: rows }) }
  const segment = model.segment(parameters, start.state, { ...inputs, keys })
  const state = Object.fromEntries(Object.entries(segment.state).map(([name, z]) => [name, stopGradient(z)]))
  const halting = halt(model, start.steps, segment)
  const next: Carry = { ...halting, state, examples }
  // The target is what the next segment would say without noise.
  const target = halting.learns ? continueTarget(model.segment(parameters, state, inputs), halting.last) : undefined

  const columns = lossColumns(kind, model.halting, segment, examples, next, target)
  const trained = arena.entries.map(({ path }) => node(path))
  const wrt = [...trained, ...(rows === undefined ? [] : [rows])]
  const loss = mul(sum(columns.loss), rates.perExample)
  const found = gradients(precision === 'f16' ? mul(loss, lossScale()) : loss, wrt)
  return {
    segment,
    next,
    target,
    columns,
    dense: found.slice(0, trained.length),
    rows: rows === undefined ? undefined : { ids, rows, gradients: found[trained.length]! },
  }
}

interface Halt {
  readonly steps: Tensor
  readonly halted: Tensor
  /** The example has had its last segment. */
  readonly last: Tensor
  /** Whether q_continue is learnt. */
  readonly learns: boolean
}

/** Who halts after this segment. HRM §2, adaptive computation time. */
const halt = ({ halting }: Reasoner, before: Tensor, segment: Segment): Halt => {
  const steps = add(before, 1)
  const last = lessEqual(constant(halting.maxSegments, [], 'i32'), steps)
  const draws = halting.maxSegments > 1 && (halting.adaptive || halting.exploration > 0)
  if (!draws) return { steps, halted: last, last, learns: false }
  const explores = less(input('explore.uniform', ['batch'], 'f32', 'streamed'), halting.exploration)
  if (!halting.adaptive) return { steps, halted: or(last, explores), last, learns: false }
  const learns = halting.continuation && segment.qContinue !== undefined
  const minSteps = input('explore.min_steps', ['batch'], 'i32', 'streamed')
  const least = select(explores, minSteps, 0)
  return { steps, halted: and(or(last, saysStop(halting, segment)), lessEqual(least, steps)), last, learns }
}

/** sigmoid of what the Q head says after one more segment: q_halt at the end, else the better of the two. */
const continueTarget = ({ qHalt, qContinue }: Segment, last: Tensor): Tensor =>
  stopGradient(sigmoid(select(last, qHalt, maximum(qHalt, qContinue ?? qHalt))))

/** Losses and metrics, one value per example. */
const lossColumns = (
  kind: TokenLoss,
  { lossDecay = 1 }: Halting,
  segment: Segment,
  { labels }: Examples,
  { steps, halted }: Carry,
  target: Tensor | undefined,
): MetricColumns => {
  const { labelled, divisor, right, exact } = correctness(predict(segment.logits), labels)
  const lm = answerLoss(kind, segment.logits, labels, divisor)
  const qHaltLoss = binaryCrossEntropy(segment.qHalt, cast(exact, 'f32'))
  const qContinueLoss =
    target === undefined || segment.qContinue === undefined
      ? constant(0, ['batch'])
      : binaryCrossEntropy(segment.qContinue, target)
  const counts = and(halted, less(constant(0), labelled))
  const where = (x: Tensor) => select(counts, x, 0)
  const whole = add(lm, mul(add(qHaltLoss, qContinueLoss), 0.5))
  const saysHalt = lessEqual(constant(0), segment.qHalt)
  return {
    loss: lossDecay === 1 ? whole : mul(whole, exp(mul(sub(cast(steps, 'f32'), 1), Math.log(lossDecay)))),
    lm_loss: lm,
    q_halt_loss: qHaltLoss,
    q_continue_loss: qContinueLoss,
    count: cast(counts, 'f32'),
    accuracy: where(div(right, divisor)),
    exact_accuracy: where(cast(exact, 'f32')),
    q_halt_accuracy: where(cast(equal(cast(saysHalt, 'f32'), cast(exact, 'f32')), 'f32')),
    steps: where(cast(steps, 'f32')),
  }
}

/** Everything the oracle knows of a step, under its names. */
const exposed = (
  arena: Arena,
  segment: Segment,
  next: Carry,
  target: Tensor | undefined,
  dense: readonly Tensor[],
  rows: RowGradients | undefined,
): Graph['outputs'] => ({
  logits: segment.logits,
  q_halt_logits: segment.qHalt,
  ...(segment.qContinue !== undefined && { q_continue_logits: segment.qContinue }),
  ...(target !== undefined && { target_q_continue: target }),
  halted: next.halted,
  steps: next.steps,
  ...Object.fromEntries(arena.entries.map(({ path }, i) => [`grad.${path}`, dense[i]!])),
  ...(rows !== undefined && { 'grad.puzzle_emb.local_weights': rows.gradients, 'puzzle_emb.local_ids': rows.ids }),
})
