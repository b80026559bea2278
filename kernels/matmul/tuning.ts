/** What tuning chooses among, and what it found: winners by the shape they won for. */
import type { Target } from '../kernel.js'
import { matmulVariants, selectMatmul } from './select.js'
import { type MatmulSpec, type MatmulVariant, variantName } from './spec.js'

/** The fastest variant for a shape (`tuningKey`), where one was measured. */
export type Tuning = ReadonlyMap<string, MatmulVariant>

/** A shape by what the speed of its kernels depends on. */
export const tuningKey = ({ layout, batch, m, n, k, broadcastA, broadcastB, precision }: MatmulSpec): string =>
  [
    `${layout} ${batch}×${m}×${n}×${k}`,
    ...(broadcastA === true ? ['one A'] : []),
    ...(broadcastB === true ? ['one B'] : []),
    ...(precision === undefined ? [] : [precision]),
  ].join(', ')

/** What is worth measuring for a shape; the first is the default. */
export const tuningCandidates = (spec: MatmulSpec, target: Target): readonly MatmulVariant[] => {
  const first = selectMatmul(spec, target)
  const others = matmulVariants(target, spec.precision).filter(
    (v) => variantName(v) !== variantName(first) && mayWin(v, spec, target),
  )
  return [first, ...others]
}

/** Leaves out what has never won by much: a software adapter takes a second to compile each. */
const mayWin = (variant: MatmulVariant, { m }: MatmulSpec, { subgroupSize, hasImages }: Target): boolean => {
  if (variant.family === 'plain') return subgroupSize !== 8
  if (variant.family === 'tiled' || variant.family === 'matrix') return true
  const { rows, depth } = variant
  // Fewer rows than the tile before has need no larger one.
  if (rows > 1 && m <= 4 * rows) return false
  return hasImages === true ? depth === 4 : depth === 2 ? rows > 1 : rows !== 2
}

/** The variant of that name on this adapter, if it has one: names are what is kept on disk. */
export const variantNamed = (name: string, target: Target): MatmulVariant | undefined =>
  matmulVariants(target, 'f16').find((v) => variantName(v) === name)
