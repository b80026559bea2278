/**
 * What training, evaluation and solving see of a model: a value that builds the graph of one segment. HRM and its
 * relatives differ in how they make one (see `variants/`); nothing above this file knows which.
 * B batch (symbolic, `"batch"`), S puzzle tokens, P puzzle-embedding tokens, T = P + S, D hidden, V vocabulary.
 */
import type { DType, Tensor } from '../ir/index.js'
import type { ParameterTree, TensorTree } from '../nn/index.js'
import type { Shape } from '../shape/index.js'
import type { StateStart } from './states.js'

/** The recurrent state by name, each [B, T, D] (or what InputNet makes); HRM: `z_H`, `z_L`. */
export type State = Readonly<Record<string, Tensor>>

/** One forward pass of one segment. */
export interface Segment {
  /** The new state, without gradient history beyond what the gradient rule lets through. */
  readonly state: State
  /** [B, S, V] */
  readonly logits: Tensor
  /** [B] */
  readonly qHalt: Tensor
  /** [B]; absent in variants that halt on `qHalt` alone. */
  readonly qContinue?: Tensor
  /** InputNet's output [B, T, D]. */
  readonly embedded: Tensor
  /** Every call of a block in order, with the state it changed. */
  readonly calls: readonly {
    readonly level: string
    /** Of the state: `z_H`. */
    readonly name: string
    readonly before: Tensor
    /** After the call. */
    readonly state: Tensor
  }[]
}

export interface SegmentInputs {
  /** i32 [B, S] */
  readonly tokens: Tensor
  /** Rows of the puzzle embedding [B, puzzleEmbedding]; absent when the model has none. */
  readonly puzzle?: Tensor
  /** i32 [B]: what noise is drawn by; without, there is none. */
  readonly keys?: Tensor
}

/**
 * When to stop: at most `maxSegments`. `adaptive`: the Q head may stop an example earlier, and with `exploration`
 * probability a random least number of segments is drawn. Otherwise an example leaves after a segment with `exploration`
 * probability; with none, every example gets all segments.
 */
export interface Halting {
  readonly maxSegments: number
  readonly exploration: number
  readonly adaptive: boolean
  /** Whether q_continue is learnt: then stop when q_halt > q_continue, else when q_halt > 0. */
  readonly continuation: boolean
  /** The loss of an example's t-th segment counts `lossDecay`^(t−1); absent: 1. */
  readonly lossDecay?: number
}

/** A model that trains in another's place. */
export interface Stage {
  /** Until this share of the steps of a run is done. */
  readonly until: number
  readonly model: Reasoner
}

/** One learnable part, for tables of sizes and costs: what goes in and how its graph is built. */
export interface Part {
  /** As in the parameter paths: `embed_tokens`, `L_level`… */
  readonly name: string
  readonly parameters: ParameterTree
  readonly inputs: readonly { readonly name: string; readonly shape: Shape; readonly dtype: DType }[]
  readonly build: (parameters: never, inputs: readonly Tensor[]) => Tensor
}

/** `P` is the tree of parameters; what is bound to it when a graph is built is checked there, module by module. */
export interface Reasoner<P extends ParameterTree = ParameterTree> {
  readonly name: string
  readonly parameters: P
  readonly sizes: {
    readonly sequence: number
    readonly vocabulary: number
    readonly hidden: number
    /** P */
    readonly puzzleTokens: number
    /** Width of a puzzle embedding row; 0 for none. */
    readonly puzzleEmbedding: number
    /** Rows of the puzzle embedding. */
    readonly puzzles: number
  }
  /** Path of the puzzle embedding table in `parameters` (training `rows`); absent when there is none. */
  readonly puzzleTable?: string
  /** Of every state: what InputNet makes. */
  readonly stateShape: Shape
  /** The states that go on from segment to segment, in order, each with where it starts. */
  readonly carried: Readonly<Record<string, StateStart>>
  /**
   * The carried states every example starts from. A model that starts from noise (`startsFromNoise`) needs the keys of the
   * examples, i32 [B]: other keys are other states.
   */
  readonly initialState: (parameters: TensorTree, keys?: Tensor) => State
  readonly segment: (parameters: TensorTree, state: State, inputs: SegmentInputs) => Segment
  readonly halting: Halting
  /** Who trains in its place first, in order (`curriculum`). */
  readonly stages?: readonly Stage[]
  /** InputNet, the blocks, OutputNet, QHead. */
  readonly parts: readonly Part[]
}
