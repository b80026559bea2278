/** What `bench/peers.ts` compares: matmuls and HRM steps, with inputs that every player is given alike. */
import { mkdirSync } from 'node:fs'
import { type HrmSizes, hrm, type Reasoner } from '../../src/hrm/index.js'
import type { HostArray } from '../../src/ir/index.js'
import { flattenParameters, init } from '../../src/nn/index.js'
import {
  arenaOf,
  defaultSettings,
  emptyCarry,
  parametersOutside,
  type StepSettings,
  type StoredTensors,
  stateNames,
  toResidents,
} from '../../src/train/index.js'
import { explorationDraws } from '../../src/train/randomness.js'
import type { HrmTask, MatmulTask, Task } from './protocol.js'
import { writeTensors } from './tensors.js'

export interface Case {
  readonly name: string
  readonly about: string
  readonly task: Task
}

/** 512³ in the three layouts, then the contractions of a step of 27 M parameters at batch 8: forward, gradients of x and W. */
const matmuls: readonly (readonly [MatmulTask['layout'], number, number, number])[] = [
  ['nn', 512, 512, 512],
  ['nt', 512, 512, 512],
  ['tn', 512, 512, 512],
  ['nt', 656, 1536, 512],
  ['nt', 656, 3072, 512],
  ['nt', 656, 512, 1536],
  ['nn', 656, 512, 3072],
  ['tn', 512, 512, 656],
  ['tn', 3072, 512, 656],
  ['nt', 1088, 512, 64],
  ['nn', 1088, 64, 512],
  ['tn', 512, 64, 1088],
]

/** Tokens: the puzzle's and one of the puzzle embedding. */
const sizes = [
  // Only when asked for by name. The published recipe for GPUs; and whether the players still agree.
  { name: 'published', hidden: 512, heads: 8, layers: 4, sequence: 81, batch: 768 },
  { name: 'tiny', hidden: 32, heads: 2, layers: 1, sequence: 8, batch: 4 },
  { name: 'a', hidden: 128, heads: 4, layers: 1, sequence: 16, batch: 64 },
  { name: 'b', hidden: 128, heads: 4, layers: 2, sequence: 81, batch: 32 },
  { name: 'c', hidden: 256, heads: 4, layers: 2, sequence: 81, batch: 32 },
  { name: 'd', hidden: 512, heads: 8, layers: 4, sequence: 81, batch: 8 },
] as const

const hrmCase = (kind: HrmTask['kind'], size: (typeof sizes)[number]): Case => {
  const { name, hidden, heads, layers, sequence, batch } = size
  return {
    name: `${kind} ${name}`,
    about: `hidden ${hidden}, ${layers}+${layers} layers, ${sequence + 1} tokens, batch ${batch}`,
    task: {
      kind,
      batch,
      sequence,
      puzzleTokens: 1,
      vocabulary: 11,
      hidden,
      heads,
      layers: { high: layers, low: layers },
      cycles: 2,
      steps: 2,
      maxSegments: 16,
      exploration: 0.1,
      beta1: 0.9,
      beta2: 0.95,
      lr: 1e-4,
      puzzleLr: 1e-4,
      weightDecay: 1,
      puzzleWeightDecay: 1,
    },
  }
}

export const cases: readonly Case[] = [
  ...matmuls.map(
    ([layout, m, n, k]): Case => ({
      name: `matmul ${layout} ${m}×${n}×${k}`,
      about: 'f32',
      task: { kind: 'matmul', layout, m, n, k },
    }),
  ),
  ...sizes.map((size) => hrmCase('train', size)),
  ...sizes.map((size) => hrmCase('evaluate', size)),
]

export const modelOf = ({ vocabulary, sequence, hidden, heads, layers, cycles, steps, ...rest }: HrmTask): Reasoner =>
  hrm({
    ...{ vocabulary, sequence, hidden, heads, expansion: 4, layers, cycles, steps },
    ...{ positions: 'rope', maxSegments: rest.maxSegments, exploration: rest.exploration },
  } as HrmSizes<number, number> as never) as Reasoner

export const settingsOf = (
  { beta1, beta2, weightDecay, puzzleWeightDecay }: HrmTask,
  precision: 'f16' | 'f32',
): StepSettings => ({
  ...defaultSettings,
  ...(precision === 'f16' && { precision }),
  ...{ loss: 'stablemax', beta1, beta2, weightDecay, puzzleWeightDecay, window: 4 },
})

/** A carry in which every example begins. */
export const carryOf = (task: HrmTask): Readonly<Record<string, HostArray>> => {
  const model = modelOf(task)
  return emptyCarry(model, stateNames(model), task.batch)
}

const SEED = 3

/** Reproducible noise, roughly uniform in (−1, 1). */
const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453
    return 2 * (x - Math.floor(x)) - 1
  })

/**
 * Every parameter by its official name, the puzzle row too; the Q head, which begins as zeros, is given small weights so
 * that halting and its loss have something to say.
 */
const parametersOf = (model: Reasoner): StoredTensors => {
  const values = init(model.parameters, SEED)
  const shapes = Object.fromEntries(
    [...arenaOf(model.parameters).entries, ...parametersOutside(model.parameters)].map((p) => [p.path, p.shape]),
  )
  return Object.fromEntries(
    flattenParameters(model.parameters).map(({ path }, i) => {
      const data = values[path]!
      const isZero = data.every((x) => x === data[0])
      return [path, { shape: shapes[path]!, data: isZero ? noise(data.length, i).map((x) => 0.1 * x) : data }]
    }),
  )
}

const inputsOf = (task: Task): StoredTensors => {
  if (task.kind === 'matmul') {
    const { layout, m, n, k } = task
    return {
      a: { shape: layout === 'tn' ? [k, m] : [m, k], data: noise(m * k, 1) },
      b: { shape: layout === 'nt' ? [n, k] : [k, n], data: noise(k * n, 2) },
    }
  }
  const { batch, sequence, vocabulary } = task
  const tokens = (seed: number) =>
    Int32Array.from(noise(batch * sequence, seed), (x) => Math.floor(((x + 1) / 2) * vocabulary))
  const draws = explorationDraws(SEED, 1, batch, task.maxSegments)
  return {
    ...parametersOf(modelOf(task)),
    'batch.inputs': { shape: [batch, sequence], data: tokens(3) },
    'batch.labels': { shape: [batch, sequence], data: tokens(4) },
    'batch.puzzle_identifiers': { shape: [batch], data: new Int32Array(batch) },
    'explore.uniform': { shape: [batch], data: draws['explore.uniform'] },
    'explore.min_steps': { shape: [batch], data: draws['explore.min_steps'] },
  }
}

/** Writes the inputs of a case where players look for them. */
export const writeInputs = ({ task }: Case, folder: string): void => {
  mkdirSync(folder, { recursive: true })
  writeTensors(folder, 'inputs', inputsOf(task))
}

/** Contents of the residents that hold the parameters. */
export const residentParametersOf = (task: HrmTask, inputs: StoredTensors): Readonly<Record<string, Float32Array>> => {
  const { parameters } = modelOf(task)
  const values = Object.fromEntries(
    flattenParameters(parameters).map(({ path }) => [path, inputs[path]!.data as Float32Array]),
  )
  return toResidents(parameters, values)
}
