/**
 * What a run is told: the recipe's numbers. HRM's paper calls them hyper-parameters; its values are in `presets.ts`.
 * One row a setting says what it may be and what it does: a config file, `--set` and the help all follow the table.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Precision } from '../ir/index.js'
import type { TokenLoss } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import type { AdamSettings } from './optimisers.js'

export interface TrainingSettings extends AdamSettings {
  readonly loss: TokenLoss
  readonly batch: number
  /** Micro-batches a step is made of; absent: 1. Changes the memory a step takes, not its result. */
  readonly accumulate?: number
  /**
   * To what the operands of matmuls, on matrix units also of attention, are rounded; absent: f32, which they are. f16 needs an
   * adapter that has it.
   */
  readonly precision?: Precision
  /** Optimiser steps of the whole run; the cosine ends there. */
  readonly steps: number
  readonly lr: number
  readonly puzzleLr: number
  readonly lrMinRatio: number
  readonly warmup: number
  readonly puzzleWeightDecay: number
  /** Rate of the moving average of the weights that evaluation uses; absent: none. TRM: 0.999. */
  readonly ema?: number
  readonly seed: number
  /** A line of metrics every so many steps. */
  readonly logEvery: number
  readonly checkpointEvery: number
  /** How many of the newest checkpoints stay; the best stays too. */
  readonly keep: number
  /** Which number makes a checkpoint the best; absent: `exact` (then `token`) when there are evaluations, else `loss`. */
  readonly best?: BestBy
  /** Evaluate every so many steps; absent: never. */
  readonly evalEvery?: number
  /** On at most so many examples; absent: all. */
  readonly evalLimit?: number
  /** Of the dataset; absent: `test`. */
  readonly evalSplit?: 'train' | 'test'
  /** Stop after so many evaluations in a row that brought no new best. */
  readonly patience?: number
  /** Stop when the exact accuracy in training has stayed at or above this share. */
  readonly stopAt?: number
}

/** Of evaluations: share of whole answers, or of tokens; or the loss in training. */
export type BestBy = 'exact' | 'token' | 'loss'

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

interface SettingRule {
  /** For the help. */
  readonly about: string
  /** One of these words… */
  readonly words?: readonly string[]
  /** … or a number from `min` to `max`, or `above` the one and `below` the other. */
  readonly whole?: boolean
  readonly min?: number
  readonly max?: number
  readonly above?: number
  readonly below?: number
  /** May be absent. */
  readonly optional?: boolean
}

/** In the order of the help. */
export const settingRules: { readonly [K in keyof Required<TrainingSettings>]: SettingRule } = {
  loss: { about: 'of the tokens', words: ['stablemax', 'softmax'] },
  batch: { about: 'examples of a step', whole: true, min: 1 },
  accumulate: { about: 'micro-batches a step is made of, to save memory', whole: true, min: 1, optional: true },
  precision: {
    about: 'of what matmuls (on matrix units also attention) multiply; all else stays f32',
    words: ['f16', 'f32'],
    optional: true,
  },
  steps: { about: 'optimiser steps of the whole run', whole: true, min: 1 },
  lr: { about: 'peak learning rate', min: 0 },
  puzzleLr: { about: 'peak learning rate of the puzzle embedding', min: 0 },
  lrMinRatio: { about: 'where the cosine ends, as a share of the peak; 1: no decay', min: 0, max: 1 },
  warmup: { about: 'steps of linear warm-up', whole: true, min: 0 },
  optimiser: {
    about: 'of all but the puzzle embedding; absent: adamAtan2',
    words: ['adamAtan2', 'adamW', 'muon'],
    optional: true,
  },
  beta1: { about: 'of Adam, and the momentum of Muon (0.95 as published)', min: 0, below: 1 },
  beta2: { about: 'of Adam', min: 0, below: 1 },
  weightDecay: { about: 'decoupled', min: 0 },
  puzzleWeightDecay: { about: 'of the puzzle embedding', min: 0 },
  ema: {
    about: 'rate of the average of the weights that evaluation uses',
    above: 0,
    below: 1,
    optional: true,
  },
  seed: { about: 'all randomness follows from it', whole: true, min: 0 },
  logEvery: { about: 'steps between lines of metrics.jsonl', whole: true, min: 1 },
  checkpointEvery: { about: 'steps between checkpoints', whole: true, min: 1 },
  keep: { about: 'newest checkpoints that stay; the best stays too', whole: true, min: 1 },
  best: {
    about: 'which number tells the best checkpoint: of evaluations, or the loss in training',
    words: ['exact', 'token', 'loss'],
    optional: true,
  },
  evalEvery: { about: 'steps between evaluations', whole: true, min: 1, optional: true },
  evalLimit: { about: 'examples of an evaluation at most', whole: true, min: 1, optional: true },
  evalSplit: { about: 'what is evaluated on', words: ['train', 'test'], optional: true },
  patience: { about: 'stop after so many evaluations without a new best', whole: true, min: 1, optional: true },
  stopAt: { about: 'stop when this share of exact answers in training holds', min: 0, max: 1, optional: true },
}
export type SettingName = keyof typeof settingRules
export const settingNames = Object.keys(settingRules) as readonly SettingName[]

/** What a setting may be, in words. */
export const settingRange = (name: SettingName): string => {
  const { words, whole = false, min = 0, max, above, below } = settingRules[name]
  if (words !== undefined) return words.map((word) => JSON.stringify(word)).join(' or ')
  const least = above === undefined ? `≥ ${min}` : `> ${above}`
  const most = below !== undefined ? ` and < ${below}` : max === undefined ? '' : ` and ≤ ${max}`
  return `a ${whole ? 'whole ' : ''}number ${least}${most}`
}

/** Why a setting cannot have this value. */
const refusal = (name: SettingName, value: unknown): Omit<Problem, 'where'> | undefined => {
  const { words, whole = false, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = settingRules[name]
  const { above = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = settingRules[name]
  const isRight =
    words !== undefined
      ? words.includes(value as string)
      : typeof value === 'number' &&
        Number.isFinite(value) &&
        value >= min &&
        value <= max &&
        value > above &&
        value < below &&
        (!whole || Number.isInteger(value))
  if (isRight) return undefined
  const range = settingRange(name)
  return { what: `${name} is ${JSON.stringify(value)}`, fix: `${words === undefined ? 'give' : 'use'} ${range}` }
}

/** Why there is no such setting, with the one that was perhaps meant. */
const unknownSetting = (key: string): Omit<Problem, 'where'> | undefined => {
  if ((settingNames as readonly string[]).includes(key)) return undefined
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')
  const meant = settingNames.find((name) => plain(name) === plain(key))
  return {
    what: `there is no training setting "${key}"`,
    fix: meant === undefined ? `the settings are ${settingNames.join(', ')}` : `it is written ${meant}`,
  }
}

/** Settings that do not go together. */
const contradiction = (settings: TrainingSettings): Omit<Problem, 'where'> | undefined => {
  const { batch, accumulate = 1, evalEvery, patience, best, evalLimit, evalSplit } = settings
  if (batch % accumulate !== 0)
    return {
      what: `a batch of ${batch} cannot be made of ${accumulate} micro-batches`,
      fix: 'let accumulate divide it',
    }
  const wants = Object.entries({
    patience,
    evalLimit,
    evalSplit,
    [`best "${best}"`]: best === 'loss' ? undefined : best,
  }).find(([, value]) => value !== undefined)?.[0]
  return wants !== undefined && evalEvery === undefined
    ? { what: `${wants} needs evaluations during training`, fix: 'set evalEvery too' }
    : undefined
}

/** Fills in what is absent and checks every field; `where` names the file in problems. */
export const completeSettings = (
  given: Readonly<Record<string, unknown>>,
  where: string,
): E.Either<Problem, TrainingSettings> => {
  const present = Object.entries(given).filter(
    ([key, value]) => value !== undefined || settingRules[key as SettingName]?.optional !== true,
  )
  const settings: Readonly<Record<string, unknown>> = { ...defaultSettings, ...Object.fromEntries(present) }
  const wrong =
    present.map(([key]) => unknownSetting(key)).find((p) => p !== undefined) ??
    settingNames
      .filter((name) => name in settings)
      .map((name) => refusal(name, settings[name]))
      .find((p) => p !== undefined)
  if (wrong !== undefined) return E.left(problem(wrong.what, { ...wrong, where }))
  const whole = settings as unknown as TrainingSettings
  const odd = contradiction(whole)
  return odd === undefined ? E.right(whole) : E.left(problem(odd.what, { ...odd, where }))
}

/**
 * `key=value`, as the command line has it. A number is read as one; `none` takes an optional setting away. Only the one
 * setting is looked at: whether they go together, `completeSettings` says.
 */
export const parseSetting = (text: string): E.Either<Problem, readonly [SettingName, string | number | undefined]> => {
  const at = text.indexOf('=')
  if (at <= 0) return E.left(problem(`"${text}" sets nothing`, { fix: 'write key=value, e.g. lr=1e-4' }))
  const [key, word] = [text.slice(0, at).trim() as SettingName, text.slice(at + 1).trim()]
  const unknown = unknownSetting(key)
  if (unknown !== undefined) return E.left(unknown)
  const { words, optional = false } = settingRules[key]
  if (optional && word === 'none') return E.right([key, undefined])
  const value = words !== undefined || word === '' || Number.isNaN(Number(word)) ? word : Number(word)
  const wrong = refusal(key, value)
  return wrong === undefined
    ? E.right([key, value])
    : E.left({ ...wrong, fix: `${wrong.fix}${optional ? ', or none' : ''}` })
}
