/**
 * Whether attention on an adapter's matrix units computes what the plain kernels compute on the same adapter: rows that a
 * workgroup holds whole and rows that it does not, forward and backward. Part of the self-test of `matrix-check.ts`.
 */
import * as E from 'fp-ts/lib/Either.js'
import {
  type AttentionSpec,
  attentionBackward,
  attentionForward,
  attentionStatistics,
  isOnMatrixUnits,
} from '../../kernels/attention/index.js'
import type { Kernel, Target } from '../../kernels/kernel.js'
import type { Problem } from '../problem.js'
import { type Device, DeviceFailure } from './adapter.js'
import { allocate, type Range, readBack, write } from './buffer.js'
import { dispatch } from './dispatch.js'
import { numbers } from './expected-product.js'

/** The kernels of an attention: what it gives, its statistics, and its derivatives. */
interface AttentionKernels {
  readonly forward: Kernel
  readonly statistics: Kernel
  readonly backward: readonly Kernel[]
}

/** An attention, by the kernels that are tried out and by those that are trusted. */
export interface AttentionCase {
  readonly spec: AttentionSpec
  readonly tried: AttentionKernels
  readonly trusted: AttentionKernels
}

const SEQUENCES = [37, 130] as const
/** f16 has eleven bits; what is off by more than a few of its last places is wrong. */
const TOLERANCE = 5e-3

const kernelsOf = (spec: AttentionSpec, target: Target): AttentionKernels => ({
  forward: attentionForward(spec, target),
  statistics: attentionStatistics(spec, target),
  backward: attentionBackward(spec, target),
})

/** None where the adapter holds none of its kernels. */
export const attentionCases = (target: Target): readonly AttentionCase[] =>
  SEQUENCES.flatMap((sequence) => {
    const spec = { batch: 2, sequence, heads: 2, headDim: 64 }
    const half = { ...spec, precision: 'f16' } as const
    return isOnMatrixUnits(half, target)
      ? [{ spec, tried: kernelsOf(half, target), trusted: kernelsOf(spec, target) }]
      : []
  })

/** Which kernel disagrees with those that are trusted, if any. */
export const wrongAttention = async (
  device: Device,
  { spec, tried, trusted }: AttentionCase,
): Promise<E.Either<Problem, Kernel | undefined>> => {
  const { batch, sequence, heads, headDim } = spec
  const rows = batch * sequence * heads
  const qkv = numbers(3 * rows * headDim, 3).map((x) => 4 * x)
  const dOut = numbers(rows * headDim, 5)
  const read = async (kernels: AttentionKernels) => {
    const out = await run(device, [kernels.forward], [qkv], rows * headDim)
    return [out, await run(device, [kernels.statistics], [qkv], rows)] as const
  }
  try {
    const [out, lse] = await read(trusted)
    const delta = rowProducts(spec, out, dOut)
    const derivatives = ({ backward }: AttentionKernels) =>
      run(device, backward, [qkv, dOut, lse, delta], 3 * rows * headDim)
    const expected = [out, lse, await derivatives(trusted)]
    const found = [...(await read(tried)), await derivatives(tried)]
    const wrong = expected.findIndex((values, i) => !(difference(found[i]!, values) <= TOLERANCE))
    return E.right([tried.forward, tried.statistics, tried.backward[0]][wrong])
  } catch (cause) {
    if (cause instanceof DeviceFailure) return E.left(cause.problem)
    throw cause
  }
}

/** What kernels with the same bindings leave in the last of them, which begins as NaN. */
const run = async (
  device: Device,
  kernels: readonly Kernel[],
  inputs: readonly Float32Array[],
  outputs: number,
): Promise<Float32Array> => {
  const ranges: Range[] = []
  try {
    for (const data of [...inputs, new Float32Array(outputs).fill(Number.NaN)]) {
      const buffer = await allocate(device, data.byteLength, 'an example of attention')()
      if (E.isLeft(buffer)) throw new DeviceFailure(buffer.left)
      write(device, buffer.right, data)
      ranges.push({ buffer: buffer.right, offset: 0, bytes: buffer.right.size })
    }
    for (const kernel of kernels) await dispatch(device, kernel, ranges)
    const [result] = await readBack(device, [ranges.at(-1)!])
    return new Float32Array(result!).slice(0, outputs)
  } finally {
    for (const { buffer } of ranges) buffer.destroy()
  }
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
