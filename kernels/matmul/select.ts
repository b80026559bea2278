/** Which variants an adapter runs, and which one suits a shape there: rules from `bench/matmul.ts`, to be refined by tuning. */
import type { Target } from '../kernel.js'
import { matrixNeeds } from './matrix.js'
import { type MatmulSpec, type MatmulVariant, takesPairs } from './spec.js'

/** Every variant that runs on the adapter; for operands in f16 also those of matrix units, where there are any. */
export const matmulVariants = (target: Target, precision?: MatmulSpec['precision']): readonly MatmulVariant[] => {
  const plain = ([4, 8] as const).map((rows) => ({ family: 'plain', rows }) as const)
  if (target.adapterClass === 'gpu')
    return [...(precision === 'f16' ? matrixVariants(target) : []), TILE_32, TILE_64, TILE_128]
  if (target.subgroupSize !== 8) return plain
  const tiles = ([1, 2, 4] as const).flatMap((rows) => ([2, 4] as const).map((depth) => ({ rows, depth })))
  return [...tiles.map((t) => ({ family: 'subgroup', ...t }) as const), ...plain]
}

const TILE_32 = { family: 'tiled', across: 8, rows: 4, depth: 16 } as const
const TILE_64 = { family: 'tiled', across: 16, rows: 4, depth: 16 } as const
const TILE_128 = { family: 'tiled', across: 16, rows: 8, depth: 16 } as const

/**
 * With units of 16×16: 128×128, 128×64, 64×64 and 32×32 elements of C a workgroup. Of the tiles of 128×128 that of four
 * subgroups, each 64×64, was the fastest on an H200, and as fast as any of 128×256 (docs/speed.md).
 */
const MATRIX_128 = { family: 'matrix', down: 2, across: 2, rows: 4, columns: 4, depth: 32 } as const
const MATRIX_WIDE = { family: 'matrix', down: 2, across: 2, rows: 4, columns: 2, depth: 32 } as const
const MATRIX_64 = { family: 'matrix', down: 2, across: 2, rows: 2, columns: 2, depth: 32 } as const
const MATRIX_32 = { family: 'matrix', down: 1, across: 2, rows: 2, columns: 1, depth: 32 } as const

/** Largest first; those whose workgroups the adapter holds. */
const matrixVariants = (target: Target) => {
  const { matrix: unit, maxWorkgroupInvocations, maxWorkgroupMemoryBytes } = target
  if (unit === undefined) return []
  return [MATRIX_128, MATRIX_WIDE, MATRIX_64, MATRIX_32].filter((variant) => {
    const { invocations, bytes } = matrixNeeds(variant, unit)
    return invocations <= maxWorkgroupInvocations && bytes <= maxWorkgroupMemoryBytes && variant.depth % unit.k === 0
  })
}

/** Tiles that keep a large GPU's some hundred processors busy. */
export const BUSY = 256

/** The default by rules. */
export const selectMatmul = (spec: MatmulSpec, target: Target): MatmulVariant => {
  const tiles = (rows: number, columns: number) => Math.ceil(spec.m / rows) * Math.ceil(spec.n / columns) * spec.batch
  if (spec.precision === 'f16' && target.matrix !== undefined) {
    const { m, n, k } = target.matrix
    const variants = matrixVariants(target).filter((v) => spec.epilogue === undefined || takesPairs(v))
    const busy = variants.find((v) => tiles(v.down * v.rows * m, v.across * v.columns * n) >= BUSY)
    const chosen = busy ?? variants.at(-1)
    // Less than half a unit along any axis would be mostly zeros.
    if (chosen !== undefined && 2 * spec.m > m && 2 * spec.n > n && 2 * spec.k > k) return chosen
  }
  if (target.adapterClass === 'gpu') {
    if (tiles(128, 64) >= BUSY) return TILE_128
    return tiles(64, 64) >= BUSY ? TILE_64 : TILE_32
  }
  if (target.subgroupSize !== 8) return { family: 'plain', rows: 8 }
  // A row or eight, or a text that no other shape shares and that has little to do: kept small.
  const operations = 2 * spec.m * spec.n * spec.k * spec.batch
  const isShared = spec.n % 32 === 0 && spec.k % 4 === 0
  if (spec.m <= 8 || (!isShared && operations < 1e6)) return { family: 'subgroup', rows: 1, depth: 4 }
  // Twice the rows or the depth need fewer loads, but their body leaves the cache of decoded instructions.
  return { family: 'subgroup', rows: 2, depth: target.hasImages === true ? 4 : 2 }
}
