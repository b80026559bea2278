/** Which matrix units an adapter offers: those that take f16 and give f32, in subgroups of a size that a kernel can rely on. */
import type { MatrixUnit } from '../../kernels/kernel.js'

/** As Dawn tells it; in no standard yet. */
export interface MatrixInfo {
  readonly subgroupMinSize?: number
  readonly subgroupMaxSize?: number
  readonly subgroupMatrixConfigs?: Iterable<{
    readonly componentType: string
    readonly resultComponentType: string
    readonly M: number
    readonly N: number
    readonly K: number
  }>
}

/** NVIDIA's and AMD's, where subgroups may have other sizes as well. */
const USUAL = 32
/** Tiles have so many steps of k. */
const DEPTH = 32

/** The largest unit that there is; kernels are written for sizes that are powers of two. */
export const matrixUnitOf = (
  { subgroupMinSize: least = 0, subgroupMaxSize: most = 0, subgroupMatrixConfigs = [] }: MatrixInfo,
  features: ReadonlySet<string>,
): MatrixUnit | undefined => {
  const needed = ['chromium-experimental-subgroup-matrix', 'subgroups', 'shader-f16']
  if (!needed.every((name) => features.has(name))) return undefined
  const isFixed = least === most && most > 0
  const canAsk = features.has('subgroup-size-control') && least <= USUAL && USUAL <= most
  if (!isFixed && !canAsk) return undefined
  const [largest] = [...subgroupMatrixConfigs]
    .filter(
      ({ componentType, resultComponentType, K }) =>
        componentType === 'f16' && resultComponentType === 'f32' && DEPTH % K === 0,
    )
    .sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K || a.M - b.M)
  return (
    largest && {
      m: largest.M,
      n: largest.N,
      k: largest.K,
      subgroupSize: isFixed ? most : USUAL,
      asksForSize: !isFixed,
    }
  )
}
