/** What the analysis of one model finds: plain data, as it stands in `analysis.json`. Norms and distances are Euclidean. */
import type { Accuracy, HaltingFigures } from '../train/index.js'

/** Over examples. */
export interface Spread {
  readonly mean: number
  readonly q1: number
  readonly median: number
  readonly q3: number
}

/** ‖zⁱ − zⁱ⁻¹‖ per example, over all positions and hidden dimensions of the state that call i changes. */
export interface ResidualStep extends Spread {
  /** The call, counted from 1 through all segments. */
  readonly step: number
  /** From 1. */
  readonly segment: number
  /** As the model calls it: `L`, `H`. */
  readonly level: string
}

export interface Residuals {
  /** `z_L`, `z_H`. */
  readonly state: string
  readonly steps: readonly ResidualStep[]
}

/** (Σλ)² / Σλ² of a state's covariance over examples and all T positions; null where nothing varies. */
export interface Participation {
  readonly state: string
  /** After the last segment. */
  readonly final: number | null
  /** Of the values after every call in every segment: the trajectories. */
  readonly trajectory: number | null
  /** The same of the first so many examples. */
  readonly byExamples: readonly {
    readonly examples: number
    readonly final: number | null
    readonly trajectory: number | null
  }[]
}

/** What the model answers to one example after a segment. */
export interface Guess {
  readonly segment: number
  readonly tokens: readonly number[]
  /** Tokens that differ from the segment before; after the first segment, from the puzzle's. */
  readonly changed: number
  /** Labelled tokens that are right. */
  readonly right: number
  /** sigmoid(qHalt): how sure it is. */
  readonly qHalt: number
}

export interface Guesses {
  /** From 0, in the order of the data. */
  readonly example: number
  readonly inputs: readonly number[]
  /** −100: no label. */
  readonly labels: readonly number[]
  readonly segments: readonly Guess[]
}

/** The way of one state of one example in the plane it varies most in. */
export interface Trajectory {
  readonly example: number
  readonly state: string
  /** Shares of the variance along the two axes. */
  readonly explained: readonly [number, number]
  /** Where the state was after each call that changes it; step 0 is the initial state. */
  readonly points: readonly { readonly step: number; readonly x: number; readonly y: number }[]
}

export interface Analysis {
  readonly examples: number
  readonly segments: number
  /** Levels of the calls of one segment, in order. */
  readonly calls: readonly string[]
  readonly residuals: readonly Residuals[]
  readonly participation: readonly Participation[]
  /** After 1, 2, … segments, without halting; null without labels. */
  readonly accuracy: readonly (Accuracy & { readonly segments: number })[]
  /** `q_halt > q_continue` or `q_halt > 0`. */
  readonly haltingRule: string
  readonly halting: HaltingFigures
  readonly predictions: readonly Guesses[]
  readonly trajectories: readonly Trajectory[]
}

/** The p-th quantile of ascending numbers, between neighbours by distance. */
const quantile = (sorted: ArrayLike<number>, p: number): number => {
  const at = p * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!]
  return low + (at - Math.floor(at)) * (high - low)
}

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = Float64Array.from(values).sort()
  return {
    mean: sorted.reduce((a, b) => a + b, 0) / sorted.length,
    q1: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    q3: quantile(sorted, 0.75),
  }
}
