/** Update rules, worked out by hand on small numbers; their noise by its moments. */
import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/autodiff/index.js'
import { call, damped, detached, inTurn, iterate, plain, type State, unroll } from '../../src/hrm/index.js'
import { add, input, literal, mul, sum, type Tensor } from '../../src/ir/index.js'
import { drawsOf } from '../../src/nn/index.js'
import { compute } from '../support/compute.js'

const of = (...numbers: readonly number[]): Tensor => literal(Float32Array.from(numbers), [1, numbers.length])
/** z ← 3·z + y, then y ← z: the first call leaves y alone, the second z. */
const line = inTurn(
  call('z', ({ z, y }: State) => ({ z: add(mul(z!, 3), y!), y: y! })),
  call('y', ({ z }: State) => ({ z: z!, y: z! })),
)
const start: State = { z: of(1, 2), y: of(10, 20) }
const ended = async (recurrence: typeof line, from = start, draws?: ReturnType<typeof drawsOf>) => {
  const { z, y } = unroll(recurrence, from, draws).at(-1)!.state
  const { z: zs, y: ys } = await compute({ z: z!, y: y! })
  return { z: Array.from(zs), y: Array.from(ys) }
}
const keys = (n: number) =>
  literal(
    Int32Array.from({ length: n }, (_, i) => i),
    [n],
  )

describe('an update rule', () => {
  it('plain does what the blocks say', async () => {
    expect(await ended(plain(line))).toEqual({ z: [13, 26], y: [13, 26] })
  })

  it('damped goes part of the way, in the states a call changes alone', async () => {
    // z: 0.25·1 + 0.75·13 = 10; y: 0.25·10 + 0.75·10 = 10. Second run: z = 0.25·10 + 0.75·40 = 32.5, y = 2.5 + 24.375.
    expect(await ended(damped({ step: 0.75 })(line))).toEqual({ z: [10, 20], y: [10, 20] })
    expect(await ended(iterate(2)(damped({ step: 0.75 })(line)))).toEqual({ z: [32.5, 65], y: [26.875, 53.75] })
  })

  it('damped around single calls, around a recurrence, and around a detached one gives the same numbers', async () => {
    const rule = damped({ step: 0.75 })
    const expected = await ended(rule(line))
    expect(await ended(inTurn(rule(line.slice(0, 1)), rule(line.slice(1))))).toEqual(expected)
    expect(await ended(rule(detached(line)))).toEqual(expected)
    expect(await ended(detached(rule(line)))).toEqual(expected)
  })

  it('damped lets the gradient through both ways to the next state', async () => {
    const w = of(2)
    const square = call('z', ({ z }: State) => ({ z: mul(z!, w) }))
    const slope = async (recurrence: typeof square, wrt: Tensor, z: Tensor) => {
      const [g] = gradients(sum(unroll(recurrence, { z }).at(-1)!.state.z!), [wrt])
      return (await compute({ g: g! })).g[0]
    }
    const rule = damped({ step: 0.5 })
    const z = of(3)
    // Each call multiplies by 0.5 + 0.5·w.
    expect(await slope(rule(iterate(2)(square)), z, z)).toBeCloseTo(1.5 ** 2, 6)
    expect(await slope(rule(iterate(2)(square)), w, z)).toBeCloseTo(2 * 1.5 * 0.5 * 3, 6)
    // Only the last of two calls: d/dw of (0.5 + 0.5·w)·z₁, with z₁ = 4.5.
    expect(await slope(inTurn(detached(rule(square)), rule(square)), w, z)).toBeCloseTo(0.5 * 4.5, 6)
    expect(await slope(rule(inTurn(detached(square), square)), w, z)).toBeCloseTo(0.5 * 4.5, 6)
  })

  it('noisy disturbs every call anew, by as much as it says, where there are draws', async () => {
    const [rows, size] = [50, 40] as const
    const zeros = () => literal(new Float32Array(rows * size), [rows, size])
    const still = call('z', ({ z }: State) => ({ z: mul(z!, 1) }))
    const rule = damped({ step: 1, noise: 0.1 })
    const walked = async (calls: number) => {
      const moments = unroll(rule(iterate(calls)(still)), { z: zeros() }, drawsOf(keys(rows)))
      return Array.from((await compute({ z: moments.at(-1)!.state.z! })).z)
    }
    const deviation = (xs: readonly number[]) => Math.sqrt(xs.reduce((s, x) => s + x * x, 0) / xs.length)
    // The noise of independent calls adds up as a random walk does.
    expect(deviation(await walked(1)) / 0.1).toBeCloseTo(1, 1)
    expect(deviation(await walked(9)) / 0.3).toBeCloseTo(1, 1)
    const [quiet] = unroll(rule(still), { z: zeros() })
    expect(Array.from((await compute({ z: quiet!.state.z! })).z).every((x) => x === 0)).toBe(true)
  })

  it('refuses a step or a noise that makes no sense', () => {
    for (const step of [0, -1, 1.5, Number.NaN]) expect(() => damped({ step })).toThrow('the step is')
    for (const noise of [-1, Number.NaN]) expect(() => damped({ step: 1, noise })).toThrow('the noise is')
  })

  it('works on leaves as a model has them', () => {
    const z = input('z', ['batch', 4], 'f32', 'resident')
    const [moment] = unroll(damped({ step: 0.5 })(call('z', (s: State) => ({ z: add(s.z!, 1) }))), { z })
    expect(moment!.state.z!.shape).toEqual(['batch', 4])
  })
})
