/** Recipes by name: the sizes of a model and how it is trained. */
import type { Recipe } from '../hrm/index.js'
import type { TrainingSettings } from './settings.js'

export interface Preset {
  readonly name: string
  /** One line: what for, from where. */
  readonly about: string
  /** What follows `thetagrad data` to make its dataset. */
  readonly data: string
  /** The steps of the published recipes follow from these, the dataset and the batch; `training.steps` is theirs. */
  readonly epochs?: number
  /** `puzzles`, the rows of the puzzle embedding, follows from the dataset. */
  readonly sizes: Omit<Recipe, 'puzzles'>
  readonly training: TrainingSettings
}

/** HRM §3: 27.27 M parameters where a puzzle embedding has one row. */
const published = {
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
} as const

/** Of the published runs on eight GPUs. */
const publishedTraining = {
  loss: 'stablemax',
  batch: 768,
  lr: 1e-4,
  puzzleLr: 1e-4,
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
} as const

/** As its authors run it on one GPU: batch 384 at a lower rate. */
const sudokuExtreme: Preset = {
  name: 'sudoku-extreme',
  about: 'the paper’s 27 M parameters and recipe for one GPU (hours on a data-centre GPU)',
  data: 'sudoku --download --subsample 1000 --augment 1000',
  epochs: 20_000,
  sizes: { vocabulary: 11, sequence: 81, ...published },
  training: { ...publishedTraining, batch: 384, steps: 52_083, lr: 7e-5, puzzleLr: 7e-5 },
}

const mazeHard: Preset = {
  name: 'maze-hard',
  about: '30×30, the paper’s 27 M parameters and recipe (a day on a data-centre GPU)',
  data: 'maze --download',
  epochs: 20_000,
  sizes: { vocabulary: 6, sequence: 900, ...published },
  training: { ...publishedTraining, steps: 26_041 },
}

/** Its steps are those of the 960 tasks of ARC-AGI-1 and ConceptARC, which have 3988 demonstrations. */
const arcAgi: Preset = {
  name: 'arc-agi',
  about: 'ARC-AGI-1 or -2 up to 30×30, the paper’s 27 M parameters and recipe (days on data-centre GPUs)',
  data: 'arc --download arc-agi-1 --download conceptarc --augment 1000',
  epochs: 100_000,
  sizes: { vocabulary: 12, sequence: 900, ...published },
  training: { ...publishedTraining, steps: 519_270, puzzleLr: 1e-2, weightDecay: 0.1, puzzleWeightDecay: 0.1 },
}

/** What the demo trains. */
const sudoku4x4: Preset = {
  name: 'sudoku-4x4',
  about: '4×4, what `thetagrad demo` trains (minutes on two processor cores)',
  data: 'sudoku --generate 4',
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

/** What small recipes for grids of six by six share. */
const small = {
  hidden: 64,
  heads: 4,
  expansion: 4,
  layers: { high: 1, low: 1 },
  positions: 'rope',
  puzzleEmbedding: 64,
  cycles: 2,
  steps: 2,
  maxSegments: 2,
  exploration: 0.1,
  gradient: 'full',
} as const

/** On so few steps the gradient of all six calls, and a new maze every other step, pay more than the published rules. */
const maze6x6: Preset = {
  name: 'maze-6x6',
  about: '6×6, paths of 13 cells and more (minutes on two processor cores)',
  data: 'maze --generate 6 --train-count 1000 --test-count 400',
  sizes: { vocabulary: 6, sequence: 36, ...small },
  training: { ...sudoku4x4.training, batch: 32, steps: 2000 },
}

/**
 * One segment, so that every step brings new examples; the row of a task is moved once in some sixty steps, and so must move
 * far (`bench/results/arc-recipes.json`).
 */
const arc6x6: Preset = {
  name: 'arc-6x6',
  about: 'the ARC tasks of at most 6×6 (minutes on two processor cores)',
  data: 'arc --test ARC-AGI/data/training --test ARC-AGI/data/evaluation --max-side 6 --augment 8 --drop-repeated',
  sizes: { vocabulary: 12, sequence: 36, ...small, maxSegments: 1 },
  training: {
    ...sudoku4x4.training,
    loss: 'softmax',
    batch: 32,
    steps: 1500,
    lr: 1e-3,
    puzzleLr: 5e-2,
    weightDecay: 0.1,
  },
}

/** With as many pairs as are wanted, of rules that look far: what three demonstrations cannot teach so small a model. */
const arcRules6x6: Preset = {
  name: 'arc-rules-6x6',
  about: 'generated pairs of two ARC tasks, 6×6 (minutes on two processor cores)',
  data: 'arc --generate 6 --rule reach --rule enclosed',
  sizes: { vocabulary: 12, sequence: 36, ...small },
  training: { ...maze6x6.training, steps: 3500, puzzleLr: 5e-2 },
}

export const presets: readonly Preset[] = [sudokuExtreme, mazeHard, arcAgi, sudoku4x4, maze6x6, arcRules6x6, arc6x6]

export const presetNamed = (name: string): Preset | undefined => presets.find((p) => p.name === name)
