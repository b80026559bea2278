/** Layers with their gradients against the published implementation's single operations (`oracle-ops`). */
import { describe, expect, it } from 'vitest'
import { vjp } from '../../src/autodiff/index.js'
import type { Tensor } from '../../src/ir/index.js'
import { attention, rmsNorm, rotaryTables, swiglu } from '../../src/nn/index.js'
import { compute } from '../support/compute.js'
import { relativeError } from '../support/numbers.js'
import { fixture, hasOracleOps, oracleOp } from '../support/oracle-ops.js'

/** Output and gradients of a layer at the fixture's cotangent, against the fixture's. */
const compare = async (name: string, out: Tensor, wrt: Readonly<Record<string, Tensor>>) => {
  const flows = vjp(out, fixture(`${name}.cotangent`), Object.values(wrt))
  const outputs: Record<string, Tensor> = { out }
  Object.keys(wrt).forEach((input, i) => {
    outputs[`grad.${input}`] = flows[i]!
  })
  const actual = await compute(outputs)
  for (const key of Object.keys(outputs))
    expect(relativeError(actual[key]!, oracleOp(`${name}.${key}`).data), `${name}.${key}`).toBeLessThan(2e-6)
}
const of = (name: string) => fixture(name) as Tensor<readonly number[], 'f32'>

describe.skipIf(!hasOracleOps)('layers compute and differentiate as published', () => {
  it('rmsNorm', async () => {
    const x = of('rms_norm.in.x')
    await compare('rms_norm', rmsNorm().apply({})(x), { x })
  })

  it('swiglu', async () => {
    const [x, w1, w2] = [of('swiglu.in.x'), of('swiglu.in.w1'), of('swiglu.in.w2')]
    const layer = swiglu({ hidden: 24, expansion: 4 })
    const bound = { gate_up_proj: { weight: w1 }, down_proj: { weight: w2 } }
    await compare('swiglu', layer.apply(bound as never)(x), { x, w1, w2 })
  })

  it.each([
    ['attn_norope', false],
    ['attn_rope', true],
  ] as const)('attention (%s)', async (name, rotary) => {
    const [x, wqkv, wo] = [of(`${name}.in.x`), of(`${name}.in.wqkv`), of(`${name}.in.wo`)]
    const layer = attention({ hidden: 16, heads: 2, rotary })
    const bound = { qkv_proj: { weight: wqkv }, o_proj: { weight: wo } }
    await compare(name, layer.apply(bound as never)(x), { x, wqkv, wo })
  })

  it.each([
    ['rope', 8, Array.from({ length: 20 }, (_, i) => i)],
    ['rope64', 64, [0, 1, 2, 81, 450, 900]],
  ] as const)('rotary tables (%s)', (name, d, positions) => {
    const tables = rotaryTables(901, d as number)
    const [cosine, sine] = [numbersOf(tables.cosine), numbersOf(tables.sine)]
    positions.forEach((t, row) => {
      for (let i = 0; i < d; i++) {
        // Ours carries the sign of rotate-half.
        const sign = i < d / 2 ? -1 : 1
        expect(cosine[t * d + i]).toBeCloseTo(oracleOp(`${name}.cos`).data[row * d + i]!, 4)
        expect(sign * sine[t * d + i]!).toBeCloseTo(oracleOp(`${name}.sin`).data[row * d + i]!, 4)
      }
    })
  })
})

/** The numbers of a literal. */
const numbersOf = ({ op }: Tensor): Float32Array | Int32Array => {
  if (op.kind !== 'literal') throw new Error(`a ${op.kind} is no literal`)
  return op.data
}
