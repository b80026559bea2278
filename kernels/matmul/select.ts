/** Which variants an adapter runs, and which one suits a shape there: rules from `bench/matmul.ts`, to be refined by tuning. */
import type { Target } from '../kernel.js'
import type { MatmulSpec, MatmulVariant } from './spec.js'

/** Every variant that runs on the adapter. */
export const matmulVariants = (target: Target): readonly MatmulVariant[] => {
  const plain = ([4, 8] as const).map((rows) => ({ family: 'plain', rows }) as const)
  if (target.adapterClass === 'gpu') return [TILE_32, TILE_64, TILE_128]
  if (target.subgroupSize !== 8) return plain
  const tiles = ([1, 2, 3, 4] as const).flatMap((rows) => ([1, 2, 4] as const).map((depth) => ({ rows, depth })))
  return [...tiles.map((t) => ({ family: 'subgroup', ...t }) as const), ...plain]
}

const TILE_32 = { family: 'tiled', across: 8, rows: 4, depth: 16 } as const
const TILE_64 = { family: 'tiled', across: 16, rows: 4, depth: 16 } as const
const TILE_128 = { family: 'tiled', across: 16, rows: 8, depth: 16 } as const

/** Tiles that keep a large GPU's some hundred processors busy. */
const BUSY = 256

/** The default by rules. */
export const selectMatmul = (spec: MatmulSpec, target: Target): MatmulVariant => {
  if (target.adapterClass === 'gpu') {
    const tiles = (rows: number, columns: number) => Math.ceil(spec.m / rows) * Math.ceil(spec.n / columns) * spec.batch
    if (tiles(128, 64) >= BUSY) return TILE_128
    return tiles(64, 64) >= BUSY ? TILE_64 : TILE_32
  }
  if (target.subgroupSize !== 8) return { family: 'plain', rows: 8 }
  if (spec.m <= 8) return { family: 'subgroup', rows: 1, depth: 4 }
  // Texts that no other shape shares are kept small, unless there is enough work to repay a second of compilation.
  const operations = 2 * spec.m * spec.n * spec.k * spec.batch
  const isShared = spec.n % 32 === 0 && spec.k % 4 === 0
  if (!isShared && operations < 2e8) return { family: 'subgroup', rows: operations < 1e6 ? 1 : 2, depth: 4 }
  if (spec.m <= 16) return { family: 'subgroup', rows: 2, depth: 4 }
  // Few steps of k do not repay setting up and storing 32 rows of scalars.
  if (spec.layout === 'nt' && spec.k < 128 && operations > 4e6) return { family: 'subgroup', rows: 2, depth: 4 }
  // Nor does a second tile of 32 rows that is mostly empty.
  const rowsOf = (tile: number) => Math.ceil(spec.m / tile) * tile
  if (rowsOf(16) < 0.85 * rowsOf(32)) return { family: 'subgroup', rows: 2, depth: 4 }
  // Long rows of Aᵀ want few of them at a time.
  return { family: 'subgroup', rows: 4, depth: spec.layout === 'tn' ? 2 : 4 }
}
