/** The training steps that `bench/step.ts` measures: sizes of HRM with synthetic data. */
import { hrm, type Reasoner } from '../../src/hrm/index.js'
import type { HostArray } from '../../src/ir/index.js'
import {
  defaultSettings,
  emptyCarry,
  freshResidents,
  metricNames,
  type StepSettings,
  stateNames,
  streamedRates,
} from '../../src/train/index.js'
import { explorationDraws } from '../../src/train/randomness.js'

export interface Case {
  readonly name: string
  readonly about: string
  readonly model: Reasoner
  readonly batch: number
}

const model = (hidden: number, heads: number, layers: number, sequence: number): Reasoner =>
  hrm({
    vocabulary: 11,
    sequence,
    hidden,
    heads,
    expansion: 4,
    layers: { high: layers, low: layers },
    positions: 'rope',
    cycles: 2,
    steps: 2,
    maxSegments: 16,
  } as never) as Reasoner

/** Tokens: the puzzle's and one of the puzzle embedding. */
export const cases: readonly Case[] = [
  { name: 'a', about: 'hidden 128, 1+1 layers, 17 tokens, batch 64', model: model(128, 4, 1, 16), batch: 64 },
  { name: 'b', about: 'hidden 128, 2+2 layers, 82 tokens, batch 32', model: model(128, 4, 2, 81), batch: 32 },
  { name: 'c', about: 'hidden 256, 2+2 layers, 82 tokens, batch 32', model: model(256, 4, 2, 81), batch: 32 },
  { name: 'd', about: 'hidden 512, 4+4 layers, 82 tokens, batch 8 (27 M)', model: model(512, 8, 4, 81), batch: 8 },
]

export const settings: StepSettings = { ...defaultSettings, window: 4 }

/** Residents of a run that begins. */
export const residentsOf = (
  { model, batch }: Case,
  { precision, window }: StepSettings,
): Readonly<Record<string, HostArray>> => ({
  ...freshResidents(model, { ...defaultSettings, batch, ...(precision !== undefined && { precision }) }),
  'metrics.history': new Float32Array(window * metricNames.length),
  ...emptyCarry(model, stateNames(model), batch),
})

/** Streams of step t. */
export const streamsOf = ({ model, batch }: Case, t: number): Readonly<Record<string, HostArray>> => {
  const { sequence, vocabulary } = model.sizes
  const tokens = (shift: number) =>
    Int32Array.from({ length: batch * sequence }, (_, i) => (i * 7 + t + shift) % vocabulary)
  return {
    'batch.inputs': tokens(0),
    'batch.labels': tokens(1),
    'batch.puzzle_identifiers': new Int32Array(batch),
    ...explorationDraws(1, t, batch, model.halting.maxSegments),
    ...streamedRates(settings, { t, lr: 1e-4, puzzleLr: 1e-4, globalBatch: batch }),
  }
}
