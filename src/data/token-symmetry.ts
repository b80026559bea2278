/**
 * A symmetry as it acts on the tokens of an example: cells change places, tokens change names. Enough for Sudokus and for
 * mazes; it knows nothing of either. S cells, V tokens.
 *
 *     apply(s, x)[i] = tokens[x[cells[i]]]            apply(inverse(s), apply(s, x)) = x
 */
export interface TokenSymmetry {
  /** New cell i is old cell `cells[i]`; a permutation of 0 … S − 1. */
  readonly cells: readonly number[]
  /** Token t becomes `tokens[t]`; a permutation of 0 … V − 1. */
  readonly tokens: readonly number[]
}

/** [S] → [S]; what is no token, as an ignored label, stays. */
export const applyTokens = ({ cells, tokens }: TokenSymmetry, x: ArrayLike<number>): Int32Array =>
  Int32Array.from(cells, (cell) => tokens[x[cell]!] ?? x[cell]!)

const inverted = (permutation: readonly number[]): readonly number[] => {
  const out = new Array<number>(permutation.length)
  for (const [i, value] of permutation.entries()) out[value] = i
  return out
}

export const inverseTokens = ({ cells, tokens }: TokenSymmetry): TokenSymmetry => ({
  cells: inverted(cells),
  tokens: inverted(tokens),
})
