/** What a run is told: the recipe's numbers. HRM's paper calls them hyper-parameters; its values are in `presets.ts`. */

import * as E from 'fp-ts/lib/Either.js'
import type { TokenLoss } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import type { AdamSettings } from './optimisers.js'

export interface TrainingSettings extends AdamSettings {
  readonly loss: TokenLoss
  readonly batch: number
  /** Optimiser steps of the whole run; the cosine ends there. */
  readonly steps: number
  readonly lr: number
  readonly puzzleLr: number
  readonly lrMinRatio: number
  readonly warmup: number
  readonly puzzleWeightDecay: number
  readonly seed: number
  /** A line of metrics every so many steps. */
  readonly logEvery: number
  readonly checkpointEvery: number
  /** How many checkpoints stay. */
  readonly keep: number
}

/** What is absent in a config file. */
export const defaultSettings: TrainingSettings = {
  loss: 'stablemax',
  batch: 64,
  steps: 1000,
  lr: 1e-4,
  puzzleLr: 1e-4,
  lrMinRatio: 1,
  warmup: 200,
  beta1: 0.9,
  beta2: 0.95,
  weightDecay: 0.1,
  puzzleWeightDecay: 0.1,
  seed: 0,
  logEvery: 10,
  checkpointEvery: 500,
  keep: 2,
}

interface Bound {
  readonly whole?: boolean
  readonly min: number
  readonly max?: number
}
const bounds: { readonly [K in Exclude<keyof TrainingSettings, 'loss'>]: Bound } = {
  batch: { whole: true, min: 1 },
  steps: { whole: true, min: 1 },
  lr: { min: 0 },
  puzzleLr: { min: 0 },
  lrMinRatio: { min: 0, max: 1 },
  warmup: { whole: true, min: 0 },
  beta1: { min: 0, max: 1 },
  beta2: { min: 0, max: 1 },
  weightDecay: { min: 0 },
  puzzleWeightDecay: { min: 0 },
  seed: { whole: true, min: 0 },
  logEvery: { whole: true, min: 1 },
  checkpointEvery: { whole: true, min: 1 },
  keep: { whole: true, min: 1 },
}

/** Fills in what is absent and checks every field; `where` names the file in problems. */
export const completeSettings = (
  given: Readonly<Record<string, unknown>>,
  where: string,
): E.Either<Problem, TrainingSettings> => {
  const bad = (what: string, fix: string) => E.left(problem(what, { where, fix }))
  const settings: Readonly<Record<string, unknown>> = { ...defaultSettings, ...given }
  const known = Object.keys(defaultSettings)
  const unknown = Object.keys(given).find((key) => !known.includes(key))
  if (unknown !== undefined)
    return bad(`there is no training setting "${unknown}"`, `the settings are ${known.join(', ')}`)
  if (settings.loss !== 'stablemax' && settings.loss !== 'softmax')
    return bad(`loss is ${JSON.stringify(settings.loss)}`, 'use "stablemax" or "softmax"')
  for (const [key, { whole = false, min, max }] of Object.entries(bounds)) {
    const value = settings[key]
    const fits =
      typeof value === 'number' &&
      Number.isFinite(value) &&
      value >= min &&
      (max === undefined || value <= max) &&
      (!whole || Number.isInteger(value))
    if (!fits)
      return bad(
        `${key} is ${JSON.stringify(value)}`,
        `give a ${whole ? 'whole ' : ''}number ≥ ${min}${max === undefined ? '' : ` and ≤ ${max}`}`,
      )
  }
  return E.right(settings as unknown as TrainingSettings)
}
