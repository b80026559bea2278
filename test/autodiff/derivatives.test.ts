import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/autodiff/index.js'
import type { OpKind, Tensor } from '../../src/ir/index.js'
import * as ir from '../../src/ir/index.js'
import { evaluate } from '../../src/reference/index.js'
import { randomNumbers, relativeError } from '../support/numbers.js'

type Build = (x: Tensor, y: Tensor) => Tensor
interface Case {
  readonly build: Build
  /** Shapes of x and y for sizes a, b, c. */
  readonly shapes?: (a: number, b: number, c: number) => readonly [readonly number[], readonly number[]]
  /** Keeps x and y where the function is smooth. */
  readonly domain?: (v: number) => number
}
const positive = (v: number) => 1.2 + v
const ids = (n: number, rows: number) =>
  ir.literal(
    Int32Array.from({ length: n }, (_, i) => (i * 7) % rows),
    [n],
  )

/** At least one function for every op that lets gradients through. */
const cases: Readonly<Record<string, Case>> = {
  neg: { build: ir.neg },
  abs: { build: ir.abs, domain: (v) => v + Math.sign(v) * 0.1 },
  sign: { build: (x) => ir.mul(ir.sign(x), x), domain: (v) => v + Math.sign(v) * 0.1 },
  exp: { build: ir.exp },
  log: { build: ir.log, domain: positive },
  log1p: { build: ir.log1p, domain: (v) => v * 0.8 },
  sqrt: { build: ir.sqrt, domain: positive },
  rsqrt: { build: ir.rsqrt, domain: positive },
  reciprocal: { build: ir.reciprocal, domain: positive },
  sigmoid: { build: ir.sigmoid },
  softplus: { build: ir.softplus },
  erfinv: { build: ir.erfinv, domain: (v) => v * 0.8 },
  add: { build: ir.add },
  sub: { build: ir.sub },
  mul: { build: ir.mul },
  div: { build: ir.div, domain: positive },
  max: { build: ir.maximum },
  min: { build: ir.minimum },
  atan2: { build: ir.atan2, domain: positive },
  select: { build: (x, y) => ir.select(ir.less(x, 0), x, y) },
  broadcast: { build: (x, y) => ir.add(ir.unsqueeze(x, 0), ir.broadcastTo(y, [2, ...y.shape])) },
  reshape: { build: (x) => ir.reshape(x, [(x.shape[0] as number) * (x.shape[1] as number)]) },
  transpose: { build: (x) => ir.transpose(x, [1, 0]) },
  slice: { build: (x) => ir.slice(x, [0, 1], [x.shape[0]!, (x.shape[1] as number) - 1]) },
  pad: { build: (x) => ir.pad(x, [1, 0], [0, 2]) },
  'reduce sum': { build: (x) => ir.sum(x, [0]) },
  'reduce max': { build: (x) => ir.max(x, [1]) },
  'reduce min': { build: (x) => ir.min(x, [0]) },
  'dot, a linear layer': {
    build: (x, y) => ir.dot(x, y, [[2], [1]]),
    shapes: (a, b, c) => [
      [2, a, b],
      [c, b],
    ],
  },
  'dot, batched': {
    build: (x, y) => ir.dot(x, y, [[1], [2]], [[0], [0]]),
    shapes: (a, b, c) => [
      [2, b, a],
      [2, c, b],
    ],
  },
  'dot, two axes at once': {
    build: (x, y) =>
      ir.dot(x, y, [
        [0, 2],
        [1, 0],
      ]),
    shapes: (a, b, c) => [
      [b, a, c],
      [c, b],
    ],
  },
  gather: { build: (x) => ir.gather(x, ids(4, x.shape[0] as number)) },
  scatterAdd: { build: (x) => ir.scatterAdd(ids(x.shape[0] as number, 3), x, 3) },
  pack: { build: (x, y) => ir.pack([x, y], [0, 64], 128) },
  cast: { build: (x) => ir.cast(x, 'f32') },
  attention: { build: (x) => ir.attention(x), shapes: (a, b) => [[2, a, 3, 2, b], [1]] },
  concat: { build: (x, y) => ir.concat([x, y], 0) },
  'rms norm': {
    build: (x) => ir.mul(x, ir.unsqueeze(ir.rsqrt(ir.add(ir.mean(ir.square(x), [1]), 1e-5)), 1)),
  },
  argmax: { build: (x) => ir.mul(x, ir.unsqueeze(ir.cast(ir.argmax(x), 'f32'), 1)) },
}

/** Ops that no gradient goes through: leaves, truth values, and what is only used after differentiation. */
const WITHOUT: readonly OpKind[] = [
  'input',
  'constant',
  'literal',
  'iota',
  'logical',
  'not',
  'stopGradient',
  'scatterRows',
  'attentionStatistics',
  'attentionBackward',
]

const matrices = (a: number, b: number) =>
  [
    [a, b],
    [a, b],
  ] as const

describe('derivatives agree with central finite differences in float64', () => {
  for (const [name, { build, shapes = matrices, domain = (v: number) => v }] of Object.entries(cases))
    it(name, () => {
      fc.assert(
        fc.property(
          fc.tuple(...[2, 2, 1].map((min) => fc.integer({ min, max: 5 }))),
          fc.nat(1000),
          ([a, b, c], seed) => {
            const [sx, sy] = shapes(a!, b!, c!)
            const x = ir.input('x', sx, 'f32', 'streamed')
            const y = ir.input('y', sy, 'f32', 'streamed')
            const size = (s: readonly number[]) => s.reduce((p, q) => p * q, 1)
            const values: Record<string, Float64Array> = {
              x: Float64Array.from(randomNumbers(size(sx), seed + 1), domain),
              y: Float64Array.from(randomNumbers(size(sy), seed + 2), domain),
            }
            const out = build(x, y)
            // A fixed random direction makes the output a scalar that sees every element.
            const weights = ir.literal(randomNumbers(size(out.shape as number[]), seed + 3), out.shape)
            const loss = ir.sum(ir.mul(out, weights))
            const grads = gradients(loss, [x, y])
            const at = (v: Record<string, Float64Array>) => evaluate([loss], (n) => v[n])[0]![0]!
            const analytic = evaluate(grads, (n) => values[n])
            ;['x', 'y'].forEach((n, i) => {
              const numeric = values[n]!.map((_, k) => {
                const moved = (by: number) => at({ ...values, [n]: values[n]!.map((v, j) => (j === k ? v + by : v)) })
                return (moved(1e-5) - moved(-1e-5)) / 2e-5
              })
              const scale = Math.hypot(...numeric, 1e-3)
              const error = relativeError(analytic[i]!, numeric) * (Math.hypot(...numeric) || 1)
              expect(error / scale, `d ${name} / d ${n} for sizes ${a}, ${b}, ${c}`).toBeLessThan(1e-5)
            })
          },
        ),
        { numRuns: 8, seed: 1 },
      )
    })

  it('every op has a case or a reason to have none', () => {
    const covered = new Set<string>(WITHOUT)
    for (const { build, shapes = matrices } of Object.values(cases)) {
      const [sx, sy] = shapes(3, 2, 2)
      const out = build(ir.input('x', sx, 'f32', 'streamed'), ir.input('y', sy, 'f32', 'streamed'))
      for (const n of ir.topological([out])) covered.add(n.op.kind)
    }
    expect(Object.keys(ir.rules).filter((kind) => !covered.has(kind) && kind !== 'cast')).toEqual([])
  })
})

it('stopGradient lets nothing through', () => {
  const x = ir.input('x', [3], 'f32', 'streamed')
  const [g] = gradients(ir.sum(ir.mul(x, ir.stopGradient(x))), [x])
  const [value] = evaluate([g!], () => Float64Array.of(1, 2, 3))
  expect([...value!]).toEqual([1, 2, 3])
})
