/** Recipes by name: the sizes of a model and how it is trained. */
import type { HrmSizes } from '../hrm/index.js'
import type { TrainingSettings } from './settings.js'

export interface Preset {
  readonly name: string
  /** One line: what for, from where. */
  readonly about: string
  /** `puzzles`, the rows of the puzzle embedding, follows from the dataset. */
  readonly sizes: Omit<HrmSizes<number, number>, 'puzzles' | 'gradient'>
  readonly training: TrainingSettings
}

/** HRM's own settings for Sudoku-Extreme on one GPU: batch 384, 20 000 epochs of 1000 puzzles. 27.27 M parameters. */
const sudokuExtreme: Preset = {
  name: 'sudoku-extreme',
  about: '9×9, the paper’s 27 M parameters and recipe (hours on a data-centre GPU)',
  sizes: {
    vocabulary: 11,
    sequence: 81,
    hidden: 512,
    heads: 8,
    expansion: 4,
    layers: { high: 4, low: 4 },
    positions: 'rope',
    puzzleEmbedding: 512,
    cycles: 2,
    steps: 2,
    maxSegments: 16,
    exploration: 0.1,
  },
  training: {
    loss: 'stablemax',
    batch: 384,
    steps: 52_083,
    lr: 7e-5,
    puzzleLr: 7e-5,
    lrMinRatio: 1,
    warmup: 2000,
    beta1: 0.9,
    beta2: 0.95,
    weightDecay: 1,
    puzzleWeightDecay: 1,
    seed: 0,
    logEvery: 20,
    checkpointEvery: 1000,
    keep: 2,
  },
}

/** What the demo trains. */
const sudoku4x4: Preset = {
  name: 'sudoku-4x4',
  about: '4×4, what `thetagrad demo` trains (minutes on two processor cores)',
  sizes: {
    vocabulary: 6,
    sequence: 16,
    hidden: 64,
    heads: 2,
    expansion: 4,
    layers: { high: 1, low: 1 },
    positions: 'learned',
    puzzleEmbedding: 64,
    cycles: 2,
    steps: 2,
    maxSegments: 4,
    exploration: 0.1,
  },
  training: {
    loss: 'stablemax',
    batch: 64,
    steps: 1800,
    lr: 2e-3,
    puzzleLr: 2e-3,
    lrMinRatio: 0.02,
    warmup: 50,
    beta1: 0.9,
    beta2: 0.95,
    weightDecay: 1,
    puzzleWeightDecay: 0.1,
    seed: 0,
    logEvery: 10,
    checkpointEvery: 500,
    keep: 2,
  },
}

export const presets: readonly Preset[] = [sudokuExtreme, sudoku4x4]

export const presetNamed = (name: string): Preset | undefined => presets.find((p) => p.name === name)
