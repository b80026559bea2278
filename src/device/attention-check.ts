/**
 * Whether attention on an adapter's matrix units computes what the plain kernels compute on the same adapter: rows that a
 * workgroup holds whole and rows that it does not, forward and backward. Part of the self-test of `matrix-check.ts`.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import {
  type AttentionKernels,
  type AttentionSpec,
  attentionKernels,
  isOnMatrixUnits,
} from '../../kernels/attention/index.js'
import type { Kernel, Target } from '../../kernels/kernel.js'
import type { Problem } from '../problem.js'
import type { Device } from './adapter.js'
import { type Range, readBack, withPlaced, write } from './buffer.js'
import { dispatch } from './dispatch.js'
import { numbers } from './expected-product.js'

/** An attention, by the kernels that are tried out and by those that are trusted. */
export interface AttentionCase {
  readonly spec: AttentionSpec
  readonly tried: AttentionKernels
  readonly trusted: AttentionKernels
}

const SEQUENCES = [37, 130] as const
/** f16 has eleven bits; what is off by more than a few of its last places is wrong. */
const TOLERANCE = 5e-3

/** None where the adapter holds none of its kernels. */
export const attentionCases = (target: Target): readonly AttentionCase[] =>
  SEQUENCES.flatMap((sequence) => {
    const spec = { batch: 2, sequence, heads: 2, headDim: 64 }
    const half = { ...spec, precision: 'f16' } as const
    return isOnMatrixUnits(half, target)
      ? [{ spec, tried: attentionKernels(half, target), trusted: attentionKernels(spec, target) }]
      : []
  })

/** Which kernel disagrees with those that are trusted, if any. */
export const wrongAttention = async (
  device: Device,
  { spec, tried, trusted }: AttentionCase,
): Promise<Either<Problem, Kernel | undefined>> => {
  const { batch, sequence, heads, headDim } = spec
  const rows = batch * sequence * heads
  const empty = (length: number) => new Float32Array(length).fill(Number.NaN)
  const projections = numbers(3 * rows * headDim, 3).map((x) => 4 * x)
  const cotangent = numbers(rows * headDim, 5)
  const arrays = [projections, cotangent, empty(rows), empty(rows), empty(rows * headDim), empty(3 * rows * headDim)]
  return withPlaced(device, arrays, 'an example of attention', async (ranges) => {
    const [qkv, dOut, lse, delta, out, dQkv] = ranges as [Range, Range, Range, Range, Range, Range]
    /** What kernels with the same bindings leave in the last of them, which begins as NaN. */
    const run = async (kernels: readonly Kernel[], inputs: readonly Range[], output: Range, length: number) => {
      write(device, output.buffer, empty(length))
      for (const kernel of kernels) await dispatch(device, kernel, [...inputs, output])
      const [result] = await readBack(device, [{ ...output, bytes: 4 * length }])
      return new Float32Array(result!)
    }
    const forward = (of: AttentionKernels) => run([of.forward], [qkv], out, rows * headDim)
    const statistics = (of: AttentionKernels) => run([of.statistics], [qkv], lse, rows)
    const backward = (of: AttentionKernels) => run(of.backward, [qkv, dOut, lse, delta], dQkv, 3 * rows * headDim)
    const attended = await forward(trusted)
    write(device, delta.buffer, rowProducts(spec, attended, cotangent))
    const tries = [
      { kernel: tried.forward, expected: attended, found: await forward(tried) },
      // The trusted statistics last: derivatives are of these.
      { kernel: tried.statistics, found: await statistics(tried), expected: await statistics(trusted) },
      { kernel: tried.backward[0], expected: await backward(trusted), found: await backward(tried) },
    ]
    return tries.find(({ expected, found }) => !(difference(found, expected) <= TOLERANCE))?.kernel
  })
}

/** Σ_c out·dOut of every row: [B, T, H, d] twice → [B, H, T]. */
const rowProducts = (
  { batch, sequence, heads, headDim }: AttentionSpec,
  out: Float32Array,
  dOut: Float32Array,
): Float32Array =>
  Float32Array.from({ length: batch * heads * sequence }, (_, i) => {
    const [b, h, t] = [Math.floor(i / (heads * sequence)), Math.floor(i / sequence) % heads, i % sequence]
    const at = ((b * sequence + t) * heads + h) * headDim
    return out.subarray(at, at + headDim).reduce((sum, x, c) => sum + x * dOut[at + c]!, 0)
  })

const difference = (found: Float32Array, expected: Float32Array): number => {
  const squares = (of: (i: number) => number) => expected.reduce((sum, _, i) => sum + of(i) ** 2, 0)
  return Math.sqrt(squares((i) => found[i]! - expected[i]!) / squares((i) => expected[i]!))
}
