/**
 * One step of an optimiser, as graphs. All operands of Adam have one shape; the rates are scalars [].
 *
 *   AdamATan2 (arXiv 2407.05872)    w ← w·(1 − lr·decay);  m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²
 *                                   w ← w − lr / (1 − β₁ᵗ) · atan2(m, √v / √(1 − β₂ᵗ))
 *   AdamW (arXiv 1711.05101)        the same, but w ← w − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + 10⁻⁸)
 *   sign-SGD on rows                w[id] ← w[id]·(1 − lr·decay) − lr·sign(Σ gradients of that id)
 */
import {
  add,
  atan2,
  cast,
  div,
  dot,
  equal,
  mul,
  neg,
  scatterRows,
  select,
  sign,
  sqrt,
  sub,
  type Tensor,
  unsqueeze,
} from '../ir/index.js'

/** Of the dense parameters. `muon`: see `muon.ts`. */
export type OptimiserName = 'adamAtan2' | 'adamW' | 'muon'

export interface AdamSettings {
  readonly beta1: number
  readonly beta2: number
  readonly weightDecay: number
  /** Absent: `adamAtan2`. */
  readonly optimiser?: OptimiserName
}

/** Scalars of step t, computed on the host in f64. */
export interface AdamRates {
  readonly lr: Tensor
  /** 1 / (1 − β₁ᵗ) */
  readonly firstCorrection: Tensor
  /** 1 / √(1 − β₂ᵗ) */
  readonly secondCorrection: Tensor
}

export interface AdamState {
  readonly w: Tensor
  readonly m: Tensor
  readonly v: Tensor
}

/** How far a weight moves for its moments: `along(m, √v / √(1 − β₂ᵗ))`, times lr / (1 − β₁ᵗ). */
type Direction = (m: Tensor, spread: Tensor) => Tensor
const directions: Readonly<Record<'adamAtan2' | 'adamW', Direction>> = {
  adamAtan2: atan2,
  adamW: (m, spread) => div(m, add(spread, 1e-8)),
}

/** The moments after a step, and what it takes from the weights before they decay. */
export const adamStep = (
  { m, v }: Pick<AdamState, 'm' | 'v'>,
  g: Tensor,
  rates: AdamRates,
  { beta1, beta2 }: Pick<AdamSettings, 'beta1' | 'beta2'>,
  along: keyof typeof directions = 'adamAtan2',
): { readonly m: Tensor; readonly v: Tensor; readonly step: Tensor } => {
  const m1 = add(mul(m, beta1), mul(g, 1 - beta1))
  const v1 = add(mul(v, beta2), mul(mul(g, g), 1 - beta2))
  const direction = directions[along](m1, mul(sqrt(v1), rates.secondCorrection))
  return { m: m1, v: v1, step: mul(mul(rates.lr, rates.firstCorrection), direction) }
}

/** Bias corrections of step t, from 1. */
export const adamCorrections = (
  { beta1, beta2 }: Pick<AdamSettings, 'beta1' | 'beta2'>,
  t: number,
): { readonly first: number; readonly second: number } => ({
  first: 1 / (1 - beta1 ** t),
  second: 1 / Math.sqrt(1 - beta2 ** t),
})

/** w·(1 − lr·decay) */
export const decayed = (w: Tensor, lr: Tensor, decay: number): Tensor => mul(w, add(neg(mul(lr, decay)), 1))

export interface RowGradients {
  /** i32 [B], equal ids allowed. */
  readonly ids: Tensor
  /** The rows of those ids [B, E]. */
  readonly rows: Tensor
  /** One gradient a batch row [B, E]. */
  readonly gradients: Tensor
}

/** The table [R, E] with the rows of the batch moved; `counts`, bool []: or left as they are. */
export const signSgdRows = (
  table: Tensor,
  { ids, rows, gradients }: RowGradients,
  rates: { readonly lr: Tensor; readonly weightDecay: number },
  counts?: Tensor,
): Tensor => {
  // Every row of an id gets the sum over that id, so that equal ids write equal rows.
  const same = cast(equal(unsqueeze(ids, 1), unsqueeze(ids, 0)), 'f32')
  const summed = dot(same, gradients, [[1], [0]], [[], []], 'f32')
  const moved = sub(decayed(rows, rates.lr, rates.weightDecay), mul(rates.lr, sign(summed)))
  return scatterRows(table, ids, counts === undefined ? moved : select(counts, moved, rows))
}
