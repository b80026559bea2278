/**
 * Muon (K. Jordan et al., 2024): a weight matrix of a block moves along its momentum made orthogonal, all singular values
 * near 1, by five steps of Newton and Schulz; embeddings, heads and whatever is no matrix move by AdamATan2. The size of a
 * step is that of AdamW's (Liu et al., arXiv 2502.16982, §2.2); AdamATan2's are longer, so that its learning rate is too low
 * here. For W [r, c]:
 *
 *   M ← β₁·M + (1 − β₁)·G;  N = β₁·M + (1 − β₁)·G             momentum, and Nesterov's look ahead
 *   X = N / ‖N‖;  5 ×:  A = X·Xᵀ,  X ← a·X + (b·A + c·A²)·X    a, b, c = 3.4445, −4.7750, 2.0315
 *   W ← W·(1 − lr·decay) − lr·0.2·√max(r, c)·X
 */
import { add, div, dot, mul, pack, reshape, slice, sqrt, sum, type Tensor, transpose } from '../ir/index.js'
import type { Arena, ArenaEntry } from './arena.js'
import { type AdamRates, type AdamSettings, type AdamState, adamStep } from './optimisers.js'

const [A, B, C] = [3.4445, -4.775, 2.0315] as const
const ITERATIONS = 5

/** Whether a parameter is a matrix of a block. */
export const isMatrix = ({ path, shape }: Pick<ArenaEntry, 'path' | 'shape'>): boolean =>
  shape.length === 2 && !/^(embed_|lm_head|q_head)/.test(path)

/** A matrix [r, c] with the same singular vectors, its singular values between about 0.7 and 1.2. In f32 whatever the run's precision. */
export const orthogonalised = (g: Tensor): Tensor => {
  const [rows, columns] = g.shape as readonly [number, number]
  // The products are of the shorter side.
  if (rows > columns) return transpose(orthogonalised(transpose(g, [1, 0])), [1, 0])
  let x = div(g, add(sqrt(sum(mul(g, g))), 1e-7))
  for (let i = 0; i < ITERATIONS; i++) {
    const a = dot(x, x, [[1], [1]], [[], []], 'f32')
    const polynomial = add(mul(a, B), mul(dot(a, a, [[1], [0]], [[], []], 'f32'), C))
    x = add(mul(x, A), dot(polynomial, x, [[1], [0]], [[], []], 'f32'))
  }
  return x
}

/** Of the flat parameters of an arena: their moments after a step, and what it takes from them before they decay. */
export const muonStep = (
  { entries, size }: Arena,
  moments: Pick<AdamState, 'm' | 'v'>,
  g: Tensor,
  rates: AdamRates,
  settings: Pick<AdamSettings, 'beta1' | 'beta2'>,
): ReturnType<typeof adamStep> => {
  const adam = adamStep(moments, g, rates, settings)
  const ahead = add(mul(adam.m, settings.beta1), mul(g, 1 - settings.beta1))
  const stepOf = ({ path, shape, offset, size: n }: ArenaEntry): Tensor => {
    if (!isMatrix({ path, shape })) return slice(adam.step, [offset], [n])
    const direction = orthogonalised(reshape(slice(ahead, [offset], [n]), shape))
    return reshape(mul(direction, mul(rates.lr, 0.2 * Math.sqrt(Math.max(...shape)))), [n])
  }
  const offsets = entries.map(({ offset }) => offset)
  return { ...adam, step: pack(entries.map(stepOf), offsets, size) }
}
