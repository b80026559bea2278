/**
 * InputNet: tokens and puzzle identity → x̃ [B, T, D]. Token embeddings with the puzzle's own tokens in front; learned
 * positions, if chosen, are added and the sum scaled by 1/√2; at last everything times √D.
 * B batch, S puzzle tokens, E width of a puzzle embedding row, P = ⌈E / D⌉ puzzle-embedding tokens, T = P + S, V vocabulary.
 */
import { add, concat, gather, mul, pad, reshape, type Tensor } from '../ir/index.js'
import { type EmbeddingParameters, type ParameterSpec, type ParameterTree, parameter } from '../nn/index.js'
import {
  type Add,
  type CeilDivide,
  demandPositive,
  demandPuzzleRoom,
  type Positive,
  type PuzzleRoom,
  type Shape,
  ShapeError,
  showShape,
} from '../shape/index.js'
import type { SegmentInputs } from './reasoner.js'

export interface InputOptions<
  V extends number = number,
  S extends number = number,
  D extends number = number,
  E extends number = number,
  N extends number = number,
  Pos extends Positions = Positions,
  P = number,
> {
  readonly vocabulary: Positive<'inputNet: vocabulary', V> & V
  readonly sequence: Positive<'inputNet: sequence', S> & S
  readonly hidden: Positive<'inputNet: hidden', D> & D
  /** Width of a puzzle embedding row; 0 or absent: none. */
  readonly puzzleEmbedding?: E
  /** How many tokens a row fills, the last ones with zeros. Default ⌈puzzleEmbedding / hidden⌉; TRM has 16. */
  readonly puzzleTokens?: P
  /** Rows of the puzzle embedding. Default 1. */
  readonly puzzles?: N
  /** `learned`: a table added to the embedding. Rotary positions belong to the blocks. Default `none`. */
  readonly positions?: Pos
}
export type Positions = 'learned' | 'none'

/** Names as in the published checkpoints. */
export type InputParameters<
  V extends number = number,
  D extends number = number,
  E extends number = number,
  N extends number = number,
  T extends number = number,
  Pos extends Positions = Positions,
> = { readonly embed_tokens: EmbeddingParameters<V, D> } & (E extends 0
  ? unknown
  : { readonly puzzle_emb: { readonly weights: ParameterSpec<[N, E]> } }) &
  (Pos extends 'learned' ? { readonly embed_pos: { readonly embedding_weight: ParameterSpec<[T, D]> } } : unknown)

/** `Z` is the shape of what it makes, and of every state: [batch, T, D]. */
export interface InputNet<
  V extends number = number,
  S extends number = number,
  Z extends Shape = Shape,
  P extends ParameterTree = ParameterTree,
> {
  readonly part: 'inputNet'
  readonly options: Required<InputOptions>
  readonly vocabulary: V
  readonly sequence: S
  /** P */
  readonly puzzleTokens: number
  readonly shape: Z
  readonly parameters: P
  apply(parameters: unknown): (inputs: SegmentInputs) => Tensor<Z, 'f32'>
}

interface BoundInput {
  readonly embed_tokens: { readonly embedding_weight: Tensor }
  readonly embed_pos?: { readonly embedding_weight: Tensor }
}

/** [batch, S] tokens → [batch, P + S, D]. */
export const inputNet = <
  const V extends number,
  const S extends number,
  const D extends number,
  const E extends number = 0,
  const N extends number = 1,
  const Pos extends Positions = 'none',
  const P extends number = CeilDivide<E, D>,
>(
  options: InputOptions<V, S, D, E, N, Pos, PuzzleRoom<E, P, D> & P>,
): InputNet<V, S, ['batch', Add<P, S>, D], InputParameters<V, D, E, N, Add<P, S>, Pos>> =>
  inputNetOf(options as InputOptions) as never

const inputNetOf = (options: InputOptions): InputNet => {
  const { vocabulary, sequence, hidden, puzzleEmbedding = 0, puzzles = 1, positions = 'none' } = options
  for (const [name, size] of Object.entries({ vocabulary, sequence, hidden, puzzles }))
    demandPositive(`inputNet: ${name}`, size)
  const puzzleTokens = options.puzzleTokens ?? Math.ceil(puzzleEmbedding / hidden)
  demandPuzzleRoom(puzzleEmbedding, puzzleTokens, hidden)
  const total = puzzleTokens + sequence
  const normal = { kind: 'truncatedNormal', std: 1 / Math.sqrt(hidden) } as const
  const parameters: ParameterTree = {
    embed_tokens: { embedding_weight: parameter([vocabulary, hidden], normal) },
    ...(puzzleEmbedding > 0 && {
      puzzle_emb: { weights: parameter([puzzles, puzzleEmbedding], { kind: 'constant', value: 0 }, 'rows') },
    }),
    ...(positions === 'learned' && { embed_pos: { embedding_weight: parameter([total, hidden], normal) } }),
  }

  const apply =
    (bound: unknown) =>
    ({ tokens, puzzle }: SegmentInputs): Tensor<Shape, 'f32'> => {
      const { embed_tokens, embed_pos } = bound as BoundInput
      expectShape('tokens', tokens, ['batch', sequence])
      const embedded = gather(embed_tokens.embedding_weight, tokens)
      const all = puzzleTokens === 0 ? embedded : concat([puzzleTokensOf(puzzle), embedded], 1)
      const placed = embed_pos === undefined ? all : mul(add(all, embed_pos.embedding_weight), Math.SQRT1_2)
      return mul(placed, Math.sqrt(hidden)) as Tensor<Shape, 'f32'>
    }

  /** Rows [B, E], filled up with zeros to P·D, as P tokens [B, P, D]. */
  const puzzleTokensOf = (rows: Tensor | undefined): Tensor => {
    if (rows === undefined) throw new ShapeError(`inputNet expects puzzle embedding rows [batch, ${puzzleEmbedding}]`)
    expectShape('puzzle', rows, ['batch', puzzleEmbedding])
    return reshape(pad(rows, [0, 0], [0, puzzleTokens * hidden - puzzleEmbedding]), ['batch', puzzleTokens, hidden])
  }

  return {
    part: 'inputNet',
    options: { vocabulary, sequence, hidden, puzzleEmbedding, puzzleTokens, puzzles, positions },
    vocabulary,
    sequence,
    puzzleTokens,
    shape: ['batch', total, hidden],
    parameters,
    apply,
  }
}

export const expectShape = (name: string, t: Tensor, shape: Shape): void => {
  if (showShape(t.shape) !== showShape(shape))
    throw new ShapeError(`inputNet cannot take ${name} ${showShape(t.shape)}: expected ${showShape(shape)}`)
}
