/** Attention in float64 by the formulas of the paper, and its kernels beside it. */
import { expect } from 'vitest'
import {
  type AttentionSpec,
  attentionBackward,
  attentionForward,
  attentionStatistics,
} from '../../kernels/attention/index.js'
import type { Kernel, Target } from '../../kernels/kernel.js'
import type { Device } from '../../src/device/index.js'
import { randomNumbers, relativeError } from './numbers.js'
import { runKernel } from './run-kernel.js'

export type Numbers = ArrayLike<number>

const packedAt = ({ sequence, heads, headDim }: AttentionSpec) => {
  return (b: number, t: number, part: number, h: number) => (((b * sequence + t) * 3 + part) * heads + h) * headDim
}

export const reference = (spec: AttentionSpec, qkv: Numbers, dOut: Numbers) => {
  const { batch, sequence, heads, headDim } = spec
  const at = packedAt(spec)
  const outAt = (b: number, t: number, h: number) => ((b * sequence + t) * heads + h) * headDim
  const out = new Float64Array(dOut.length)
  const lse = new Float64Array(batch * heads * sequence)
  const delta = new Float64Array(lse.length)
  const dQkv = new Float64Array(qkv.length)
  const dot = (x: Numbers, i: number, y: Numbers, j: number) => {
    let sum = 0
    for (let c = 0; c < headDim; c++) sum += x[i + c]! * y[j + c]!
    return sum
  }
  const scale = 1 / Math.sqrt(headDim)
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < sequence; i++) {
        const row = (b * heads + h) * sequence + i
        const s = Array.from({ length: sequence }, (_, j) => scale * dot(qkv, at(b, i, 0, h), qkv, at(b, j, 1, h)))
        const top = Math.max(...s)
        lse[row] = top + Math.log(s.reduce((n, x) => n + Math.exp(x - top), 0))
        const p = s.map((x) => Math.exp(x - lse[row]!))
        for (let c = 0; c < headDim; c++)
          out[outAt(b, i, h) + c] = p.reduce((n, x, j) => n + x * qkv[at(b, j, 2, h) + c]!, 0)
        delta[row] = dot(out, outAt(b, i, h), dOut, outAt(b, i, h))
        for (let j = 0; j < sequence; j++) {
          const ds = p[j]! * (dot(dOut, outAt(b, i, h), qkv, at(b, j, 2, h)) - delta[row]!) * scale
          for (let c = 0; c < headDim; c++) {
            dQkv[at(b, i, 0, h) + c]! += ds * qkv[at(b, j, 1, h) + c]!
            dQkv[at(b, j, 1, h) + c]! += ds * qkv[at(b, i, 0, h) + c]!
            dQkv[at(b, j, 2, h) + c]! += p[j]! * dOut[outAt(b, i, h) + c]!
          }
        }
      }
  return { out, lse, delta, dQkv }
}

interface Derivatives {
  readonly dOut: Float32Array
  readonly lse: Float32Array
  readonly delta: Float32Array
}

/** dQkv by the kernels; NaN where none of them wrote. */
export const backward = async (device: Device, kernels: readonly Kernel[], qkv: Float32Array, d: Derivatives) => {
  let dQkv: Float32Array = new Float32Array(qkv.length).fill(Number.NaN)
  for (const kernel of kernels) {
    const [next] = await runKernel(device, kernel, [qkv, d.dOut, d.lse, d.delta], [dQkv])
    dQkv = next!
  }
  return dQkv
}

export const rowsOf = ({ batch, sequence, heads }: AttentionSpec) => batch * sequence * heads

export interface CheckOptions {
  /** Of the projections. */
  readonly magnitude?: number
  /** What becomes of a kernel before it is run. */
  readonly through?: (kernel: Kernel) => Kernel
  /** How far it may be off, and the derivatives twice as far. */
  readonly tolerance?: number
}

/** Compares all kernels of a size. */
export const check = async (
  device: Device,
  spec: AttentionSpec,
  target: Target,
  { magnitude = 2, through = (kernel) => kernel, tolerance = 1e-5 }: CheckOptions = {},
) => {
  const rows = rowsOf(spec)
  const qkv = randomNumbers(rows * 3 * spec.headDim, 1).map((x) => magnitude * x)
  const dOut = randomNumbers(rows * spec.headDim, 2)
  const expected = reference(spec, qkv, dOut)
  const [out] = await runKernel(device, through(attentionForward(spec, target)), [qkv], [rows * spec.headDim])
  const [lse] = await runKernel(device, through(attentionStatistics(spec, target)), [qkv], [rows])
  expect(relativeError(out!, expected.out), `forward ${JSON.stringify(spec)}`).toBeLessThan(tolerance)
  expect(relativeError(lse!, expected.lse), `statistics ${JSON.stringify(spec)}`).toBeLessThan(tolerance)
  const dQkv = await backward(device, attentionBackward(spec, target).map(through), qkv, {
    dOut,
    lse: Float32Array.from(expected.lse),
    delta: Float32Array.from(expected.delta),
  })
  expect(relativeError(dQkv, expected.dQkv), `backward ${JSON.stringify(spec)}`).toBeLessThan(2 * tolerance)
}
