/** The algebra of recurrences, on states that only record what happened. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  allButFirst,
  call,
  type GradientRule,
  hierarchicalConvergence,
  inTurn,
  iterate,
  lastWithGradient,
  oneStepGradient,
  type State,
  unroll,
} from '../../src/hrm/index.js'
import { add, input } from '../../src/ir/index.js'

const start: State = { z: input('z', ['batch'], 'f32', 'resident') }
const low = call('L', ({ z }: State) => ({ z: add(z!, 1) }))
const high = call('H', ({ z }: State) => ({ z: add(z!, 2) }))
const levels = (line: typeof low) => line.map(({ level }) => level).join('')

describe('recurrences', () => {
  it('of hierarchical convergence run the low level cycles · steps times, the high level cycles times, last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (cycles, steps) => {
        const line = hierarchicalConvergence({ cycles, steps, gradient: oneStepGradient })(low, high)
        expect(levels(line)).toBe(`${'L'.repeat(steps)}H`.repeat(cycles))
      }),
    )
  })

  it('iterated are repeated in turn', () => {
    expect(levels(iterate(3)(inTurn(low, high)))).toBe('LHLHLH')
    expect(levels(iterate(2)(iterate(2)(low)))).toBe('LLLL')
  })

  it('refuse a gradient rule that leaves nothing to train', () => {
    const all = (gradient: GradientRule) => hierarchicalConvergence({ cycles: 2, steps: 2, gradient })(low, high)
    expect(levels(all(allButFirst(3)))).toBe('LLHLLH')
    expect(() => all(allButFirst(4))).toThrow('the gradient rule leaves none of 4 steps')
  })

  it('let the gradient through the last k calls alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 6 }), (k, n) => {
        const states = unroll(lastWithGradient(k)(iterate(n)(low)), start)
        const stopped = states.map(({ state }) => state.z!.op.kind === 'stopGradient')
        expect(stopped).toEqual(Array.from({ length: n }, (_, i) => i < n - k))
      }),
    )
  })
})
