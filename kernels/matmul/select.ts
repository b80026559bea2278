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
  // A row or eight, or a text that no other shape shares and that has little to do: kept small.
  const operations = 2 * spec.m * spec.n * spec.k * spec.batch
  const isShared = spec.n % 32 === 0 && spec.k % 4 === 0
  if (spec.m <= 8 || (!isShared && operations < 1e6)) return { family: 'subgroup', rows: 1, depth: 4 }
  // Twice the rows or the depth need fewer loads, but their body leaves the cache of decoded instructions.
  return { family: 'subgroup', rows: 2, depth: 2 }
}
