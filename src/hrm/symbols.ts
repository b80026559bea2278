/**
 * Ends of a model whose state has an axis of symbols: one vector for every symbol at every position. Symbols share what is
 * learnt of them, so a model that treats the axis alike all along gives relabelled answers to relabelled puzzles. Tokens that
 * are no symbols (pad, blank) come first in the vocabulary and have embeddings of their own. B batch, V vocabulary (all
 * tokens), S positions, D hidden. SE-RRM (arXiv 2603.02193).
 */
import { broadcastTo, cast, concat, equal, iota, mul, reshape, type Tensor, transpose, unsqueeze } from '../ir/index.js'
import {
  type AnyModule,
  defineModule,
  type LinearParameters,
  linear,
  type Module,
  type ParameterSpec,
  type ParameterTree,
  parameter,
  run,
} from '../nn/index.js'
import {
  demandPositive,
  demandSpecials,
  type Positive,
  type Shape,
  type Specials,
  type SymbolOutputRule,
  symbolOutputRule,
} from '../shape/index.js'
import { expectShape, type InputNet } from './input-net.js'

export interface SymbolInputOptions<V extends number, S extends number, D extends number, N extends number> {
  readonly vocabulary: Positive<'symbolInput: vocabulary', V> & V
  readonly sequence: Positive<'symbolInput: sequence', S> & S
  readonly hidden: Positive<'symbolInput: hidden', D> & D
  /** How many tokens, the first of the vocabulary, are no symbols. Default 2: pad and blank. All: no two are alike. */
  readonly specials?: Specials<V, N> & N
}

/** Names and shapes as in the published checkpoints. */
export type SymbolParameters<V extends number, D extends number, N extends number> = {
  readonly embed_special_tokens: ParameterSpec<[1, N, 1, D]>
} & (N extends V ? unknown : { readonly embed_symbol_tokens: ParameterSpec<[1, 1, 1, D]> })

/** x̃[b, c, s] is the embedding of token c times √V where it stands at s, and 0 elsewhere. [batch, S] → [batch, V, S, D] */
export const symbolInput = <
  const V extends number,
  const S extends number,
  const D extends number,
  const N extends number = 2,
>(
  options: SymbolInputOptions<V, S, D, N>,
): InputNet<V, S, ['batch', V, S, D], SymbolParameters<V, D, N>> => symbolInputOf(options as never) as never

interface BoundSymbols {
  readonly embed_special_tokens: Tensor
  readonly embed_symbol_tokens?: Tensor
}

const symbolInputOf = (options: SymbolInputOptions<number, number, number, number>): InputNet => {
  const { vocabulary, sequence, hidden, specials = 2 } = options
  for (const [name, size] of Object.entries({ vocabulary, sequence, hidden }))
    demandPositive(`symbolInput: ${name}`, size)
  demandSpecials(vocabulary, specials)
  const symbols = vocabulary - specials
  const normal = { kind: 'truncatedNormal', std: 1 } as const
  const parameters: ParameterTree = {
    embed_special_tokens: parameter([1, specials, 1, hidden], normal),
    ...(symbols > 0 && { embed_symbol_tokens: parameter([1, 1, 1, hidden], normal) }),
  }
  /** [1, V, 1, D] */
  const table = ({ embed_special_tokens, embed_symbol_tokens }: BoundSymbols): Tensor =>
    embed_symbol_tokens === undefined
      ? embed_special_tokens
      : concat([embed_special_tokens, broadcastTo(embed_symbol_tokens, [1, symbols, 1, hidden])], 1)
  return {
    part: 'inputNet',
    options: { vocabulary, sequence, hidden, puzzleEmbedding: 0, puzzleTokens: 0, puzzles: 1, positions: 'none' },
    vocabulary,
    sequence,
    puzzleTokens: 0,
    shape: ['batch', vocabulary, sequence, hidden],
    parameters,
    apply:
      (bound) =>
      ({ tokens }) => {
        expectShape('tokens', tokens, ['batch', sequence])
        const stands = equal(unsqueeze(tokens, 1), iota(['batch', vocabulary, sequence], 1))
        const scaled = mul(table(bound as BoundSymbols), Math.sqrt(vocabulary))
        return mul(unsqueeze(cast(stands, 'f32'), 3), scaled) as Tensor<Shape, 'f32'>
      },
  }
}

/** Logits: a linear map D → 1, the same for all symbols and positions. [B, V, S, D] → [B, S, V] */
export const symbolOutput = <const D extends number>(options: {
  readonly hidden: D
}): Module<SymbolOutputRule<D>, LinearParameters<D, 1>> => {
  const { hidden } = options
  const head = linear(hidden, 1) as unknown as AnyModule
  return defineModule({
    name: 'symbolOutput',
    parameters: head.parameters,
    rule: symbolOutputRule(hidden),
    probe: ['…', hidden],
    compute: (parameters: unknown, x) => {
      const perSymbol = run(head, parameters, x)
      return transpose(reshape(perSymbol, perSymbol.shape.slice(0, -1)), [0, 2, 1])
    },
  })
}
