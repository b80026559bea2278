/** What the variants of HRM's shape share: its ends and its block, at the paper's sizes where none are given. */
import { transformerBlock } from '../../nn/index.js'
import { outputNet, qHead } from '../heads.js'
import { inputNet } from '../input-net.js'
import type { CommonSizes, ModelPositions } from './sizes.js'

type Sizes = CommonSizes<number, number, number, number, number, ModelPositions, number, number>

/** InputNet, OutputNet and QHead. `puzzleTokens`: default as many as the puzzle embedding fills. */
export const endsOf = ({
  vocabulary,
  sequence,
  hidden = 512,
  puzzleEmbedding = hidden,
  puzzleTokens,
  puzzles = 1,
  positions = 'rope',
}: Sizes & { readonly puzzleTokens?: number }) => ({
  input: inputNet({
    vocabulary,
    sequence,
    hidden,
    puzzleEmbedding,
    ...(puzzleTokens !== undefined && { puzzleTokens }),
    puzzles,
    positions: positions === 'learned' ? 'learned' : 'none',
  }),
  output: outputNet({ hidden, vocabulary, sequence }),
  qHead: qHead({ hidden }),
})

/** Attention and SwiGLU, each with its residual and a norm after it. */
export const blockOf = ({ hidden = 512, heads = 8, expansion = 4, positions = 'rope' }: Sizes) =>
  transformerBlock({ hidden, heads, expansion, rotary: positions === 'rope' })
