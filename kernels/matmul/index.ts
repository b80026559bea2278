/** Matmul: which family and which tile, and the kernel. */
import type { Kernel, Target } from '../kernel.js'
import { matrixMatmul } from './matrix.js'
import { plainMatmul } from './plain.js'
import { selectMatmul } from './select.js'
import type { MatmulSpec, MatmulVariant } from './spec.js'
import { subgroupMatmul } from './subgroup.js'
import { tiledMatmul } from './tiled.js'

export { BUSY, matmulVariants, selectMatmul } from './select.js'
export { type Epilogue, type MatmulSpec, type MatmulVariant, takesPairs, variantName } from './spec.js'
export { type Tuning, tuningCandidates, tuningKey, variantNamed } from './tuning.js'

/** Bindings: A, B, and C or the epilogue's. */
export const matmul = (
  spec: MatmulSpec,
  target: Target,
  variant: MatmulVariant = selectMatmul(spec, target),
): Kernel => {
  switch (variant.family) {
    case 'subgroup':
      return subgroupMatmul(spec, variant, target)
    case 'plain':
      return plainMatmul(spec, variant, target)
    case 'tiled':
      return tiledMatmul(spec, variant, target)
    case 'matrix':
      return matrixMatmul(spec, variant, target)
  }
}
