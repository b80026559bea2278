/** URM's SwiGLU against its formula written out in float64: position by position, channel by channel. */
import { expect, test } from 'vitest'
import { bindDims, graphRoots, input } from '../../src/ir/index.js'
import { bindParameters, convSwiglu, flattenParameters } from '../../src/nn/index.js'
import { evaluate, type Values } from '../../src/reference/index.js'
import { randomNumbers, relativeError } from '../support/numbers.js'

const [B, T, D, inter] = [2, 3, 2, 256] as const
const silu = (x: number) => x / (1 + Math.exp(-x))

test('a position sees itself and the one before, and the first nothing before it', () => {
  const module = convSwiglu({ hidden: D, expansion: 1 })
  const values = new Map<string, Values>([['x', Float64Array.from(randomNumbers(B * T * D, 1))]])
  const bound = bindParameters(module.parameters, ({ path, spec }) => {
    const size = spec.shape.reduce<number>((n, d) => n * (d as number), 1)
    values.set(path, Float64Array.from(randomNumbers(size, values.size + 1)))
    return input(path, spec.shape, 'f32', 'streamed')
  })
  expect(flattenParameters(module.parameters).map(({ path }) => path)).toContain('dwconv.weight')
  const y = module.apply(bound)(input('x', ['batch', T, D], 'f32', 'streamed'))
  const graph = bindDims({ outputs: { y }, updates: [] }, { batch: B })
  const [found] = evaluate(graphRoots(graph), (name) => values.get(name))

  const of = (name: string) => values.get(name)!
  const row = (name: string, o: number, x: ArrayLike<number>) =>
    Array.from(x).reduce((sum, v, i) => sum + v * of(name)[o * x.length + i]!, 0)
  const expected = Array.from({ length: B }, (_, b) => {
    const h = Array.from({ length: T }, (_, t) => {
      const x = of('x').subarray((b * T + t) * D, (b * T + t + 1) * D)
      const at = (o: number) => row('gate_up_proj.weight', o, x)
      return Array.from({ length: inter }, (_, c) => silu(at(c)) * at(inter + c))
    })
    return h.map((here, t) => {
      const mixed = here.map((v, c) => {
        const before = h[t - 1]?.[c] ?? 0
        return silu(before * of('dwconv.weight')[2 * c]! + v * of('dwconv.weight')[2 * c + 1]! + of('dwconv.bias')[c]!)
      })
      return Array.from({ length: D }, (_, o) => row('down_proj.weight', o, mixed))
    })
  }).flat(2)
  expect(relativeError(found!, expected)).toBeLessThan(1e-12)
})
