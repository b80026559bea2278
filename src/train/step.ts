/**
 * The training step as one graph: one segment for every example of the carry, its loss, its gradient, the optimiser.
 * Deep supervision and adaptive computation time, HRM §2; `shared/spec` in words: one optimiser step is one segment.
 *
 *     carry, batch ─ refill ─ segment ─┬─ loss / B ─ gradients ─ AdamATan2 (arena), sign-SGD (puzzle rows)
 *                                      └─ halt? ─ segment again, no gradient ─ target of q_continue
 */
import { gradients } from '../autodiff/index.js'
import type { Reasoner, Segment } from '../hrm/index.js'
import {
  add,
  and,
  cast,
  constant,
  div,
  equal,
  type Graph,
  gather,
  input,
  less,
  lessEqual,
  maximum,
  mul,
  or,
  pack,
  reshape,
  select,
  sigmoid,
  sliceAxis,
  stopGradient,
  sum,
  type Tensor,
} from '../ir/index.js'
import { answerLoss, binaryCrossEntropy, bindParameters, correctness, predict, type TokenLoss } from '../nn/index.js'
import { type Arena, bindArena } from './arena.js'
import { type Carry, carryUpdates, type Examples, refill, residentCarry, streamedExamples } from './carry.js'
import { type MetricColumns, metricNames, metricSums, recordMetrics } from './metrics.js'
import { type AdamSettings, adamAtan2, adamCorrections, signSgdRows } from './optimisers.js'

export interface StepSettings extends AdamSettings {
  readonly loss: TokenLoss
  readonly puzzleWeightDecay: number
  /** W: how many steps of metrics the device keeps. */
  readonly window: number
  /** Also output logits, Q values and gradients: for parity tests and debugging. */
  readonly expose?: boolean
}

/** What the host computes for step t (from 1). */
export interface StepRates {
  readonly t: number
  readonly lr: number
  readonly puzzleLr: number
  /** The loss is divided by this before the gradient. */
  readonly globalBatch: number
}

/** Contents of the streamed `rates` f32 [5] and `slot` i32 []. */
export const streamedRates = (
  settings: Pick<StepSettings, 'beta1' | 'beta2' | 'window'>,
  { t, lr, puzzleLr, globalBatch }: StepRates,
): { readonly rates: Float32Array; readonly slot: Int32Array } => {
  const { first, second } = adamCorrections(settings, t)
  return {
    rates: Float32Array.of(lr, puzzleLr, first, second, 1 / globalBatch),
    slot: Int32Array.of(t % settings.window),
  }
}

/** Names of the states of a model, in order. */
export const stateNames = (model: Reasoner): readonly string[] =>
  Object.keys(
    model.initialState(
      bindParameters(model.parameters, ({ path, spec }) => input(path, spec.shape, 'f32', 'resident')),
    ),
  )

/** One training step. Residents: the arena, moments, puzzle table, carry, `metrics.history`. Streams: `batch.*`, `explore.*`, `rates`, `slot`. */
export const trainingStep = (model: Reasoner, settings: StepSettings): Graph => {
  const { node, flat, arena } = bindArena(model.parameters)
  const parameters = bindParameters(model.parameters, ({ path }) => node(path))
  const rates = streamedScalars()
  const old = residentCarry(model, stateNames(model))
  const start = refill(model, parameters, old, streamedExamples(model))
  const { examples } = start

  const table = model.puzzleTable === undefined ? undefined : node(model.puzzleTable)
  const rows = table === undefined ? undefined : gather(table, examples.puzzle_identifiers)
  const inputs = { tokens: examples.inputs, ...(rows !== undefined && { puzzle: rows }) }
  const segment = model.segment(parameters, start.state, inputs)
  const state = Object.fromEntries(Object.entries(segment.state).map(([name, z]) => [name, stopGradient(z)]))
  const halting = halt(model, start.steps, segment)
  const next: Carry = { ...halting, state, examples }
  const target = halting.learns ? continueTarget(model.segment(parameters, state, inputs), halting.last) : undefined

  const columns = lossColumns(settings.loss, segment, examples, next, target)
  const loss = sum(columns.loss)
  const trained = arena.entries.map(({ path }) => node(path))
  const wrt = [...trained, ...(rows === undefined ? [] : [rows])]
  const found = gradients(mul(loss, rates.perExample), wrt)

  const history = input('metrics.history', [settings.window, metricNames.length], 'f32', 'resident')
  const sums = metricSums(columns)
  return {
    outputs: {
      metrics: sums,
      ...(settings.expose === true && exposed(arena, segment, next, target, found)),
    },
    updates: [
      ...denseUpdates(flat, arena, found.slice(0, trained.length), settings, rates),
      ...(table === undefined || rows === undefined
        ? []
        : [
            {
              target: table,
              value: signSgdRows(
                table,
                { ids: examples.puzzle_identifiers, rows, gradients: found[trained.length]! },
                { lr: rates.puzzleLr, weightDecay: settings.puzzleWeightDecay },
              ),
            },
          ]),
      ...carryUpdates(old, next),
      {
        target: history,
        value: recordMetrics(history, input('slot', [], 'i32', 'streamed'), sums),
      },
    ],
  }
}

interface Rates {
  readonly lr: Tensor
  readonly puzzleLr: Tensor
  readonly firstCorrection: Tensor
  readonly secondCorrection: Tensor
  /** 1 / global batch */
  readonly perExample: Tensor
}
const streamedScalars = (): Rates => {
  const rates = input('rates', [5], 'f32', 'streamed')
  const scalar = (i: number) => reshape(sliceAxis(rates, 0, i, 1), [])
  return {
    lr: scalar(0),
    puzzleLr: scalar(1),
    firstCorrection: scalar(2),
    secondCorrection: scalar(3),
    perExample: scalar(4),
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
  const qHalt = segment.qHalt
  const qContinue = halting.continuation ? segment.qContinue : undefined
  const steps = add(before, 1)
  const last = lessEqual(constant(halting.maxSegments, [], 'i32'), steps)
  if (!halting.adaptive || halting.maxSegments <= 1) return { steps, halted: last, last, learns: false }
  const wants = less(qContinue ?? constant(0), qHalt)
  const uniform = input('explore.uniform', ['batch'], 'f32', 'streamed')
  const minSteps = input('explore.min_steps', ['batch'], 'i32', 'streamed')
  const least = select(less(uniform, halting.exploration), minSteps, 0)
  return { steps, halted: and(or(last, wants), lessEqual(least, steps)), last, learns: qContinue !== undefined }
}

/** sigmoid of what the Q head says after one more segment: q_halt at the end, else the better of the two. */
const continueTarget = ({ qHalt, qContinue }: Segment, last: Tensor): Tensor =>
  stopGradient(sigmoid(select(last, qHalt, maximum(qHalt, qContinue ?? qHalt))))

/** Losses and metrics, one value per example. */
const lossColumns = (
  kind: TokenLoss,
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
  const saysHalt = lessEqual(constant(0), segment.qHalt)
  return {
    loss: add(lm, mul(add(qHaltLoss, qContinueLoss), 0.5)),
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

/** AdamATan2 over the whole arena at once. */
const denseUpdates = (
  flat: Tensor,
  arena: Arena,
  found: readonly Tensor[],
  settings: AdamSettings,
  rates: Rates,
): Graph['updates'] => {
  const g = pack(
    found,
    arena.entries.map(({ offset }) => offset),
    arena.size,
  )
  const moment = (name: string) => input(name, [arena.size], 'f32', 'resident')
  const [m, v] = [moment('moments.m'), moment('moments.v')]
  const next = adamAtan2({ w: flat, m, v }, g, rates, settings)
  return [
    { target: flat, value: next.w },
    { target: m, value: next.m },
    { target: v, value: next.v },
  ]
}

/** Everything the oracle knows of a step, under its names. */
const exposed = (
  arena: Arena,
  segment: Segment,
  next: Carry,
  target: Tensor | undefined,
  found: readonly Tensor[],
): Graph['outputs'] => ({
  logits: segment.logits,
  q_halt_logits: segment.qHalt,
  ...(segment.qContinue !== undefined && { q_continue_logits: segment.qContinue }),
  ...(target !== undefined && { target_q_continue: target }),
  halted: next.halted,
  steps: next.steps,
  ...Object.fromEntries(arena.entries.map(({ path }, i) => [`grad.${path}`, found[i]!])),
  ...(found.length > arena.entries.length && {
    'grad.puzzle_emb.local_weights': found[arena.entries.length]!,
    'puzzle_emb.local_ids': next.examples.puzzle_identifiers,
  }),
})
