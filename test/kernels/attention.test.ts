import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AttentionSpec,
  attentionBackward,
  attentionForward,
  attentionStatistics,
} from '../../kernels/attention/index.js'
import type { Target } from '../../kernels/kernel.js'
import type { Device } from '../../src/device/index.js'
import { randomNumbers, relativeError } from '../support/numbers.js'
import { runKernel, withDevice } from '../support/run-kernel.js'

/** Everything in float64, by the formulas of the paper. */
const reference = ({ batch, sequence, heads, headDim }: AttentionSpec, qkv: Float32Array, dOut: Float32Array) => {
  const at = (b: number, t: number, part: number, h: number) => (((b * sequence + t) * 3 + part) * heads + h) * headDim
  const outAt = (b: number, t: number, h: number) => ((b * sequence + t) * heads + h) * headDim
  const out = new Float64Array(dOut.length)
  const lse = new Float64Array(batch * heads * sequence)
  const delta = new Float64Array(lse.length)
  const dQkv = new Float64Array(qkv.length)
  const dot = (x: ArrayLike<number>, i: number, y: ArrayLike<number>, j: number) => {
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

const check = async (device: Device, spec: AttentionSpec, target: Target) => {
  const { batch, sequence, heads, headDim } = spec
  const rows = batch * sequence * heads
  const qkv = randomNumbers(rows * 3 * headDim, 1).map((x) => 2 * x)
  const dOut = randomNumbers(rows * headDim, 2)
  const expected = reference(spec, qkv, dOut)
  const [out] = await runKernel(device, attentionForward(spec, target), [qkv], [rows * headDim])
  const [lse] = await runKernel(device, attentionStatistics(spec, target), [qkv], [rows])
  expect(relativeError(out!, expected.out), `forward ${JSON.stringify(spec)}`).toBeLessThan(1e-5)
  expect(relativeError(lse!, expected.lse), `statistics ${JSON.stringify(spec)}`).toBeLessThan(1e-5)
  const inputs = [qkv, dOut, Float32Array.from(expected.lse), Float32Array.from(expected.delta)]
  let dQkv: Float32Array = new Float32Array(qkv.length).fill(Number.NaN)
  for (const kernel of attentionBackward(spec, target)) {
    const [next] = await runKernel(device, kernel, inputs, [dQkv])
    dQkv = next!
  }
  expect(relativeError(dQkv, expected.dQkv), `backward ${JSON.stringify(spec)}`).toBeLessThan(2e-5)
}

const specs = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  sequence: fc.oneof(fc.constantFrom(1, 7, 8, 9, 16, 17, 82), fc.integer({ min: 1, max: 40 })),
  heads: fc.integer({ min: 1, max: 3 }),
  headDim: fc.constantFrom(1, 2, 3, 4, 8, 12, 16, 32),
})

describe('attention agrees with float64, forward and backward', () => {
  it(
    'on the adapter, over random shapes',
    withDevice((device) =>
      fc.assert(
        fc.asyncProperty(specs, (spec) => check(device, spec, device.target)),
        { numRuns: 12, seed: 3 },
      ),
    ),
    180_000,
  )
  it(
    'as GPUs compute it',
    withDevice((device) =>
      fc.assert(
        fc.asyncProperty(specs, (spec) => check(device, spec, { ...device.target, adapterClass: 'gpu' })),
        { numRuns: 5, seed: 4 },
      ),
    ),
    180_000,
  )
})
