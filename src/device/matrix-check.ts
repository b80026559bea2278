/**
 * Whether an adapter's matrix units compute rightly: every variant of the matmul on them, in every layout, over whole tiles
 * and over edges, several times, against float64; then attention on them (`attention-check.ts`). Drivers have crashed on
 * such kernels and miscalculated now and then, so it is run in a process of its own (`cli/matrix-child.ts`).
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Kernel, Target } from '../../kernels/kernel.js'
import { type Epilogue, type MatmulSpec, matmul, matmulVariants, takesPairs } from '../../kernels/matmul/index.js'
import { type Problem, problem } from '../problem.js'
import type { Device } from './adapter.js'
import { type AttentionCase, attentionCases, wrongAttention } from './attention-check.js'
import { withExample } from './expected-product.js'

/** Whole tiles of every variant, and none whole: rows of C that are no multiple of 16 bytes, tails along k. */
const SHAPES = [
  { m: 256, n: 256, k: 96, batch: 1 },
  { m: 131, n: 70, k: 41, batch: 2 },
] as const

/** A product, and the kernels that are to compute it. */
interface MatrixCase {
  readonly spec: MatmulSpec
  readonly kernels: readonly Kernel[]
}

/** What is tried out: the shapes, each with its kernels; where columns are finished in pairs, pairs that are stored as they are. */
export const matrixCases = (target: Target): readonly MatrixCase[] => {
  const variants = matmulVariants(target, 'f16').filter(({ family }) => family === 'matrix')
  const plain = (['nn', 'nt', 'tn'] as const).flatMap((layout) =>
    SHAPES.map((shape): MatmulSpec => ({ layout, ...shape, precision: 'f16' })),
  )
  const inPairs = SHAPES.map(
    (shape): MatmulSpec => ({ layout: 'nt', ...shape, batch: 1, precision: 'f16', epilogue: unchanged(shape.n) }),
  )
  return [...plain, ...inPairs].map((spec) => ({
    spec,
    kernels: variants
      .filter((variant) => spec.epilogue === undefined || takesPairs(variant))
      .map((variant) => matmul(spec, target, variant)),
  }))
}

/** Of halves of n columns: stores both numbers of a pair where they would lie. */
const unchanged = (n: number): Epilogue => ({
  key: 'both',
  apart: n / 2,
  bindings: 1,
  usesF16: false,
  wgsl: `
@group(0) @binding(2) var<storage, read_write> C: array<f32>;
fn finish(row: u32, group: u32, place: u32, x: f32, y: f32) {
  C[row * ${n}u + place] = x;
  C[row * ${n}u + place + ${n / 2}u] = y;
}`,
})

/** A race shows up once in a while. */
const REPEATS = 5

/** How many kernels were right, or which was wrong. The device must have been opened with its matrix units. */
export const checkMatrix = async (
  device: Device,
  cases: readonly MatrixCase[] = matrixCases(device.target),
  attentions: readonly AttentionCase[] = attentionCases(device.target),
): Promise<E.Either<Problem, number>> => {
  let right = 0
  const wrongNumbers = ({ name }: Kernel) => E.left(problem(`${name} computes wrong numbers`))
  for (const { spec, kernels } of cases) {
    const wrong = await withExample(device, spec, async ({ isComputedBy }) => {
      for (const kernel of kernels) {
        for (let i = 0; i < REPEATS; i++) if (!(await isComputedBy(kernel))) return kernel
        right++
      }
      return undefined
    })
    if (E.isLeft(wrong)) return wrong
    if (wrong.right !== undefined) return wrongNumbers(wrong.right)
  }
  for (const attention of attentions) {
    const wrong = await wrongAttention(device, attention)
    if (E.isLeft(wrong)) return wrong
    if (wrong.right !== undefined) return wrongNumbers(wrong.right)
    right++
  }
  return right === 0 ? E.left(problem('no kernel fits the limits of the adapter')) : E.right(right)
}
