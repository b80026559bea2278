/**
 * From the gradients of a step to the new values of what is trained: Adam over the whole arena at once (or Muon over its
 * matrices) and, in the same sweep, its moving average; sign-SGD on the puzzle rows of the batch. Must not know where the
 * gradients come from.
 */
import { add, type Graph, input, mul, type Precision, pack, reshape, sliceAxis, sub, type Tensor } from '../ir/index.js'
import type { Arena, BoundArena } from './arena.js'
import { type ScalingRule, type Verdict, verdictOn } from './loss-scaling.js'
import { muonStep } from './muon.js'
import { type AdamSettings, adamCorrections, adamStep, decayed, type RowGradients, signSgdRows } from './optimisers.js'

export interface UpdateSettings extends AdamSettings {
  readonly puzzleWeightDecay: number
  /** Rate of the moving average of the dense parameters, in (0, 1); absent: none is kept. */
  readonly ema?: number
  /** Of the operands of matmuls; absent: f32. In f16 the loss is scaled (see `loss-scaling.ts`). */
  readonly precision?: Precision
  /** Absent: `scalingRule`. */
  readonly scaling?: ScalingRule
}

/** What the host computes for step t (from 1). */
export interface StepRates {
  readonly t: number
  readonly lr: number
  readonly puzzleLr: number
  /** The loss is divided by this before the gradient. */
  readonly globalBatch: number
}

/** Contents of the streamed `rates` f32 [5]. */
export const ratesOf = (
  settings: Pick<AdamSettings, 'beta1' | 'beta2'>,
  { t, lr, puzzleLr, globalBatch }: StepRates,
): Float32Array => {
  const { first, second } = adamCorrections(settings, t)
  return Float32Array.of(lr, puzzleLr, first, second, 1 / globalBatch)
}

export interface Rates {
  readonly lr: Tensor
  readonly puzzleLr: Tensor
  readonly firstCorrection: Tensor
  readonly secondCorrection: Tensor
  /** 1 / global batch */
  readonly perExample: Tensor
}

export const streamedScalars = (): Rates => {
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

/** The gradients of the dense parameters laid out as the arena is. */
export const packed = ({ entries, size }: Arena, gradients: readonly Tensor[]): Tensor =>
  pack(
    gradients,
    entries.map(({ offset }) => offset),
    size,
  )

/**
 * All that a step changes of the weights: what is dense, from `g`, flat as the arena is, and the puzzle rows. In f16 the
 * gradients are scaled ones, and a step with one that is not finite changes the scale only.
 */
export const weightUpdates = (
  bound: BoundArena,
  g: Tensor,
  rows: { readonly table: Tensor; readonly gradients: RowGradients } | undefined,
  settings: UpdateSettings,
  rates: Rates,
): Graph['updates'] => {
  const all = [g, ...(rows === undefined ? [] : [rows.gradients.gradients])]
  const verdict = settings.precision === 'f16' ? verdictOn(all, settings, settings.scaling) : undefined
  return [
    ...denseUpdates(bound, g, settings, rates, verdict),
    ...(rows === undefined ? [] : rowUpdates(rows.table, rows.gradients, settings, rates, verdict)),
    ...(verdict === undefined ? [] : [verdict.update]),
  ]
}

const denseUpdates = (
  { flat, arena }: BoundArena,
  g: Tensor,
  settings: UpdateSettings,
  rates: Rates,
  verdict: Verdict | undefined,
): Graph['updates'] => {
  const resident = (name: string) => input(name, [arena.size], 'f32', 'resident')
  const [m, v] = [resident('moments.m'), resident('moments.v')]
  const unscaled = verdict === undefined ? g : verdict.unscaled(g)
  const corrected = { ...rates, ...verdict?.corrections }
  const { optimiser = 'adamAtan2', weightDecay } = settings
  const next =
    optimiser === 'muon'
      ? muonStep(arena, { m, v }, unscaled, corrected, settings)
      : adamStep({ m, v }, unscaled, corrected, settings, optimiser)
  const w = sub(decayed(flat, rates.lr, weightDecay), next.step)
  const average = resident('average')
  const to = (target: Tensor, value: Tensor) => ({ target, value: verdict?.kept(target, value) ?? value })
  return [
    to(flat, w),
    to(m, next.m),
    to(v, next.v),
    ...(settings.ema === undefined ? [] : [to(average, averaged(average, w, settings.ema))]),
  ]
}

/** rate·average + (1 − rate)·w. TRM §4.5. */
const averaged = (average: Tensor, w: Tensor, rate: number): Tensor => add(mul(average, rate), mul(w, 1 - rate))

const rowUpdates = (
  table: Tensor,
  gradients: RowGradients,
  settings: UpdateSettings,
  rates: Rates,
  verdict: Verdict | undefined,
): Graph['updates'] => {
  const rowRates = { lr: rates.puzzleLr, weightDecay: settings.puzzleWeightDecay }
  return [{ target: table, value: signSgdRows(table, gradients, rowRates, verdict?.counts) }]
}
