/** HRM as a value: its size, its parameters' names, and through which calls the gradient flows. */
import { describe, expect, it } from 'vitest'
import {
  costs,
  fullGradient,
  type GradientRule,
  hrm,
  lastSteps,
  oneStepGradient,
  segmentGraph,
  wholeCycleGradient,
} from '../../src/hrm/index.js'
import type { Tensor } from '../../src/ir/index.js'
import { countParameters, flattenParameters } from '../../src/nn/index.js'
import { oracleCases } from '../support/oracle.js'
import { hrmOfCase } from '../support/oracle-hrm.js'

const cases = (['segment', 'train'] as const).flatMap((kind) => oracleCases({ kind, model: 'hrm' }))
if (cases.length === 0) console.warn('SKIPPED: no oracle (THETAGRAD_ORACLE); parameter names are NOT compared')

describe('the HRM of the paper', () => {
  it('has 27 275 266 parameters, beside one row of puzzle embedding and two initial states', () => {
    const { parameters } = hrm({ vocabulary: 11, sequence: 81 })
    expect(countParameters(parameters)).toEqual({ dense: 27_275_266, rows: 512, fixed: 2 * 512 })
  })

  it('costs what the published code was measured to: 28.1 TFLOP a training step of 768 examples', () => {
    const { total } = costs(hrm({ vocabulary: 11, sequence: 81 }))
    // The step runs the segment with its gradient, and once more for the q_continue target.
    const step = 768 * (2 * total.forward + total.backward)
    expect(step / 1e12).toBeGreaterThan(27.5)
    expect(step / 1e12).toBeLessThan(29)
  })

  it.skipIf(cases.length === 0).each(cases.map((c) => [c.name, c] as const))(
    'has the names and shapes of the published checkpoint %s',
    (_, c) => {
      const ours = flattenParameters(hrmOfCase(c).parameters).map(({ path, spec }) => [path, [...spec.shape]] as const)
      const published = Object.entries(c.weights).map(([path, { shape }]) => [path, [...shape]] as const)
      expect(new Map([...ours].sort())).toEqual(new Map([...published].sort()))
    },
  )
})

describe('a gradient rule', () => {
  /** Attentions that a gradient from the logits meets: one a call, for blocks of one layer. */
  const differentiated = (gradient: GradientRule, cycles = 2, steps = 2): number => {
    const model = hrm({
      vocabulary: 5,
      sequence: 4,
      hidden: 8,
      heads: 2,
      layers: { high: 1, low: 1 },
      cycles,
      steps,
      gradient,
    })
    const seen = new Set<Tensor>()
    const walk = (t: Tensor): void => {
      if (seen.has(t) || t.op.kind === 'stopGradient') return
      seen.add(t)
      t.inputs.forEach(walk)
    }
    walk(segmentGraph(model).graph.outputs.logits!)
    return [...seen].filter((t) => t.op.kind === 'attention').length
  }

  it.each([
    ['oneStepGradient: the last L and H', oneStepGradient, 2],
    ['wholeCycleGradient: L L H', wholeCycleGradient, 3],
    ['lastSteps(2): L L H', lastSteps(2), 3],
    ['lastSteps(3): L H L L H', lastSteps(3), 5],
    ['fullGradient: L L H L L H', fullGradient, 6],
    ['lastSteps beyond the beginning: everything', lastSteps(99), 6],
  ] as const)('%s', (_, rule, calls) => {
    expect(differentiated(rule)).toBe(calls)
  })

  it('of one step costs the same whatever the number of cycles', () => {
    expect([1, 2, 5].map((cycles) => differentiated(oneStepGradient, cycles, 3))).toEqual([2, 2, 2])
  })
})
