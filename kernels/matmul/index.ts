/** Matmul: which family and which tile, and the kernel. */
import type { Kernel, Target } from '../kernel.js'
import { plainMatmul } from './plain.js'
import type { MatmulSpec, MatmulVariant } from './spec.js'
import { subgroupMatmul } from './subgroup.js'
import { tiledMatmul } from './tiled.js'

export type { MatmulSpec, MatmulVariant } from './spec.js'

/** Bindings: A, B, the epilogue's inputs, C. */
export const matmul = (spec: MatmulSpec, target: Target, variant = selectMatmul(spec, target)): Kernel => {
  switch (variant.family) {
    case 'subgroup':
      return subgroupMatmul(spec, variant, target)
    case 'plain':
      return plainMatmul(spec, variant, target)
    case 'tiled':
      return tiledMatmul(spec, variant, target)
  }
}

/** Every variant that runs on the adapter. */
export const matmulVariants = (target: Target): readonly MatmulVariant[] => {
  const plain = ([4, 8] as const).map((rows) => ({ family: 'plain', rows }) as const)
  if (target.adapterClass === 'gpu')
    return ([32, 64] as const).map((tile) => ({ family: 'tiled', tile, depth: 16 }) as const)
  if (target.subgroupSize !== 8) return plain
  const tiles = ([1, 2, 4] as const).flatMap((rows) => ([1, 2, 4] as const).map((depth) => ({ rows, depth })))
  return [...tiles.map((t) => ({ family: 'subgroup', ...t }) as const), ...plain]
}

/** Above this many operations a run, the larger kernel's longer compilation pays (a driver compiles it for a second). */
const LARGE = 2e8

/** Measured defaults: see `bench/matmul.ts`. */
export const selectMatmul = (spec: MatmulSpec, target: Target): MatmulVariant => {
  if (target.adapterClass === 'gpu') return { family: 'tiled', tile: spec.m * spec.n < 256 * 256 ? 32 : 64, depth: 16 }
  if (target.subgroupSize !== 8) return { family: 'plain', rows: 8 }
  if (spec.m <= 8) return { family: 'subgroup', rows: 1, depth: 2 }
  if (spec.layout === 'tn') return { family: 'subgroup', rows: 2, depth: 2 }
  const isLarge = 2 * spec.m * spec.n * spec.k * spec.batch >= LARGE
  return { family: 'subgroup', rows: isLarge && spec.layout === 'nn' ? 4 : 2, depth: 4 }
}
