/**
 * The learning rate by step, t from 1: linear warm-up from 0, then a cosine from `base` to `base·minRatio`.
 * Constant after the warm-up when `minRatio` is 1. HRM's official code: past `steps` the cosine goes on and rises again.
 */
export interface Schedule {
  readonly base: number
  readonly warmup: number
  /** Of the whole run. */
  readonly steps: number
  readonly minRatio: number
}

export const learningRate = ({ base, warmup, steps, minRatio }: Schedule, t: number): number => {
  if (t < warmup) return (base * t) / Math.max(1, warmup)
  const progress = (t - warmup) / Math.max(1, steps - warmup)
  return base * (minRatio + (1 - minRatio) * 0.5 * (1 + Math.cos(Math.PI * progress)))
}
