/**
 * From the gradients of a step to the new values of what is trained: AdamATan2 over the whole arena at once and, in the
 * same sweep, its moving average; sign-SGD on the puzzle rows of the batch. Must not know where the gradients come from.
 */
import { add, type Graph, input, mul, pack, reshape, sliceAxis, type Tensor } from '../ir/index.js'
import type { Arena, BoundArena } from './arena.js'
import { type AdamSettings, adamAtan2, adamCorrections, type RowGradients, signSgdRows } from './optimisers.js'

export interface UpdateSettings extends AdamSettings {
  readonly puzzleWeightDecay: number
  /** Rate of the moving average of the dense parameters, in (0, 1); absent: none is kept. */
  readonly ema?: number
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

/** `g` is flat, laid out as the arena is. */
export const denseUpdates = (
  { flat, arena }: BoundArena,
  g: Tensor,
  settings: UpdateSettings,
  rates: Rates,
): Graph['updates'] => {
  const resident = (name: string) => input(name, [arena.size], 'f32', 'resident')
  const [m, v] = [resident('moments.m'), resident('moments.v')]
  const next = adamAtan2({ w: flat, m, v }, g, rates, settings)
  const average = resident('average')
  return [
    { target: flat, value: next.w },
    { target: m, value: next.m },
    { target: v, value: next.v },
    ...(settings.ema === undefined ? [] : [{ target: average, value: averaged(average, next.w, settings.ema) }]),
  ]
}

/** rate·average + (1 − rate)·w. TRM §4.5. */
const averaged = (average: Tensor, w: Tensor, rate: number): Tensor => add(mul(average, rate), mul(w, 1 - rate))

export const rowUpdates = (
  table: Tensor,
  gradients: RowGradients,
  settings: UpdateSettings,
  rates: Rates,
): Graph['updates'] => [
  {
    target: table,
    value: signSgdRows(table, gradients, { lr: rates.puzzleLr, weightDecay: settings.puzzleWeightDecay }),
  },
]
