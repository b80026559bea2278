/**
 * Evaluation: one segment as a graph, run M times from the initial state, without gradient and without halting early. One
 * pass so gives the accuracy after 1, 2, … M segments. B batch, S puzzle tokens.
 */
import { type Reasoner, type Segment, type State, saysStop } from '../hrm/index.js'
import { type Backend, constant, type Graph, gather, input, less, select, type Tensor } from '../ir/index.js'
import { bindParameters, correctness, predict } from '../nn/index.js'
import type { Dims } from '../shape/index.js'
import { bindArena } from './arena.js'
import { streamedExamples, streamedKeys } from './carry.js'
import { attemptKeys } from './randomness.js'
import { stateNames } from './step.js'

/** One segment that goes on from states kept on the device. */
interface CarriedSegment {
  readonly segment: Segment
  /** The states it begins with, in the order of the model, before anything is done to them. */
  readonly begin: State
  readonly updates: Graph['updates']
  /** i32 [B, S] */
  readonly labels: Tensor
}

/**
 * `start`: what a state begins with, of what is kept under `prefix` and the model's initial state; `disturbed`: what is then
 * done to it. [B, T, D]
 */
export const carriedSegment = (
  model: Reasoner,
  prefix: string,
  weights: 'parameters' | 'average',
  start: (kept: Tensor, initial: Tensor) => Tensor,
  disturbed: (name: string, z: Tensor) => Tensor = (_, z) => z,
): CarriedSegment => {
  const { node } = bindArena(model.parameters, weights)
  const parameters = bindParameters(model.parameters, ({ path }) => node(path))
  const initial = model.initialState(parameters, streamedKeys())
  const kept = Object.fromEntries(
    stateNames(model).map((name) => [name, input(`${prefix}.${name}`, model.stateShape, 'f32', 'resident')]),
  )
  const begin = Object.fromEntries(
    Object.entries(kept).map(([name, t]): [string, Tensor] => [name, start(t, initial[name]!)]),
  )
  const disturbedState = Object.fromEntries(
    Object.entries(begin).map(([name, z]): [string, Tensor] => [name, disturbed(name, z)]),
  )
  const { inputs, labels, puzzle_identifiers } = streamedExamples(model)
  const segment = model.segment(parameters, disturbedState, {
    tokens: inputs,
    ...(model.puzzleTable !== undefined && { puzzle: gather(node(model.puzzleTable), puzzle_identifiers) }),
  })
  return {
    segment,
    begin,
    updates: Object.entries(kept).map(([name, target]) => ({ target, value: segment.state[name]! })),
    labels,
  }
}

/** For `carriedSegment`: from the model's initial state where the stream `fresh` is 1, else from what is kept. */
export const freshOrKept = () => {
  const isFresh = less(constant(0, [], 'i32'), input('fresh', [], 'i32', 'streamed'))
  return (kept: Tensor, initial: Tensor): Tensor => select(isFresh, initial, kept)
}

/** `predictions` i32 [B, S]; `right`, `labelled` and `q_halt` f32 [B]; `stops` bool [B]. */
export const segmentOutputs = (model: Reasoner, segment: Segment, labels: Tensor): Graph['outputs'] => {
  const predictions = predict(segment.logits)
  const { labelled, right } = correctness(predictions, labels)
  return { predictions, labelled, right, q_halt: segment.qHalt, stops: saysStop(model.halting, segment) }
}

/**
 * One segment. Residents: parameters, the states under `prefix`. Streams: `batch.*`, `fresh` (1: start from the initial
 * state), `draws.keys` where that is drawn; of noise in a segment there is none. Outputs: those of a segment.
 */
export const evaluationSegment = (
  model: Reasoner,
  prefix: string,
  weights: 'parameters' | 'average' = 'parameters',
): Graph => {
  const { segment, updates, labels } = carriedSegment(model, prefix, weights, freshOrKept())
  return { outputs: segmentOutputs(model, segment, labels), updates }
}

/** Host data of one batch: tokens and labels [B, S], puzzle identifiers [B]. */
export interface HostBatch {
  readonly inputs: Int32Array
  readonly labels: Int32Array
  readonly puzzleIdentifiers: Int32Array
}

/** What a batch looks like after one segment. */
export interface SegmentResult {
  readonly predictions: Int32Array
  /** Tokens that are right. */
  readonly right: ArrayLike<number>
  /** Tokens that have a label. */
  readonly labelled: ArrayLike<number>
  readonly qHalt: ArrayLike<number>
  /** 1 where the Q head says stop. */
  readonly stops: ArrayLike<number>
}

export interface Evaluator {
  readonly batch: number
  /** Runs `segments` segments from the initial state; the result after each. */
  readonly evaluate: (batch: HostBatch, segments: number) => Promise<readonly SegmentResult[]>
}

/** Streams of a batch under their graph names. */
export const streamedBatch = ({ inputs, labels, puzzleIdentifiers }: HostBatch) => ({
  'batch.inputs': inputs,
  'batch.labels': labels,
  'batch.puzzle_identifiers': puzzleIdentifiers,
})

/** The graph of an evaluator with its dims. */
export const evaluationGraph = (
  model: Reasoner,
  batch: number,
  weights: 'parameters' | 'average',
): readonly [Graph, Dims] => [evaluationSegment(model, `evaluation${batch}`, weights), { batch }]

/** The parameters must be on the backend already; `weights` names the resident of the dense ones. */
export const evaluator = async (
  backend: Backend,
  model: Reasoner,
  batch: number,
  weights: 'parameters' | 'average' = 'parameters',
): Promise<Evaluator> => {
  const executable = await backend.load(...evaluationGraph(model, batch, weights))
  const outputs = ['predictions', 'labelled', 'right', 'q_halt', 'stops']
  return {
    batch,
    evaluate: async (data, segments) => {
      const streams = { ...streamedBatch(data), ...attemptKeys(data) }
      const results: SegmentResult[] = []
      for (let s = 0; s < segments; s++) {
        await executable.run({ ...streams, fresh: Int32Array.of(s === 0 ? 1 : 0) })
        const r = await executable.read(outputs)
        results.push({
          predictions: r.predictions as Int32Array,
          right: r.right!,
          labelled: r.labelled!,
          qHalt: r.q_halt!,
          stops: r.stops!,
        })
      }
      return results
    },
  }
}
