import { describe, expect, test } from 'vitest'
import { constant, type Graph, gather, input, sub } from '../../src/ir/index.js'
import { referenceBackend } from '../../src/reference/index.js'
import { adamCorrections, adamStep, decayed, signSgdRows } from '../../src/train/index.js'
import { compute } from '../support/compute.js'
import { relativeError } from '../support/numbers.js'
import { fixture, hasOracleOps, oracleOp } from '../support/oracle-ops.js'

describe.skipIf(!hasOracleOps)('optimisers against the published implementation', () => {
  test('ten steps of AdamATan2', async () => {
    const settings = { beta1: 0.9, beta2: 0.95, weightDecay: 0.1 }
    const shape = [7, 5]
    const resident = (name: string) => input(name, shape, 'f32', 'resident')
    const scalar = (name: string) => input(name, [], 'f32', 'streamed')
    const state = { w: resident('w'), m: resident('m'), v: resident('v') }
    const rates = { lr: scalar('lr'), firstCorrection: scalar('first'), secondCorrection: scalar('second') }
    const { m: m1, v: v1, step } = adamStep(state, input('g', shape, 'f32', 'streamed'), rates, settings)
    const next = { w: sub(decayed(state.w, rates.lr, settings.weightDecay), step), m: m1, v: v1 }
    const graph: Graph = {
      outputs: {},
      updates: (['w', 'm', 'v'] as const).map((k) => ({ target: state[k], value: next[k] })),
    }
    const backend = referenceBackend()
    const params = oracleOp('adam_atan2.params').data
    const grads = oracleOp('adam_atan2.grads').data
    backend.write('w', params.slice(0, 35))
    const executable = await backend.load(graph, {})
    for (let t = 1; t <= 10; t++) {
      const { first, second } = adamCorrections(settings, t)
      await executable.run({
        g: grads.slice((t - 1) * 35, t * 35),
        lr: Float32Array.of(0.01),
        first: Float32Array.of(first),
        second: Float32Array.of(second),
      })
      const { w } = await backend.read(['w'])
      expect(relativeError(w!, params.slice(t * 35, (t + 1) * 35)), `step ${t}`).toBeLessThan(1e-6)
    }
    const { m, v } = await backend.read(['m', 'v'])
    expect(relativeError(m!, oracleOp('adam_atan2.exp_avg').data)).toBeLessThan(1e-6)
    expect(relativeError(v!, oracleOp('adam_atan2.exp_avg_sq').data)).toBeLessThan(1e-6)
  })

  test('sign-SGD sums equal ids first and leaves the other rows alone', async () => {
    const table = fixture('signsgd.weights_in')
    const ids = fixture('signsgd.ids')
    const { out } = await compute({
      out: signSgdRows(
        table,
        { ids, rows: gather(table, ids), gradients: fixture('signsgd.local_grad') },
        { lr: constant(0.01), weightDecay: 0.1 },
      ),
    })
    expect(relativeError(out, oracleOp('signsgd.weights_out').data)).toBeLessThan(1e-6)
  })
})

test('AdamW divides by the spread where AdamATan2 takes the angle', async () => {
  const [g, m, v] = [0.3, -0.2, 0.05]
  const settings = { beta1: 0.9, beta2: 0.95 }
  const { first, second } = adamCorrections(settings, 3)
  const scalar = (x: number) => constant(x, [1])
  const rates = { lr: constant(0.01), firstCorrection: constant(first), secondCorrection: constant(second) }
  const { step } = adamStep({ m: scalar(m), v: scalar(v) }, scalar(g), rates, settings, 'adamW')
  const [m1, v1] = [0.9 * m + 0.1 * g, 0.95 * v + 0.05 * g * g]
  const { out } = await compute({ out: step })
  expect(out![0]).toBeCloseTo((0.01 * (m1 / (1 - 0.9 ** 3))) / (Math.sqrt(v1 / (1 - 0.95 ** 3)) + 1e-8), 8)
})
