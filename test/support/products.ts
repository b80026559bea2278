/** What a matmul kernel should give: a float64 product, with an epilogue that shows what goes wrong. */
import type { MatmulSpec } from '../../kernels/matmul/index.js'
import { roundToHalf } from '../../src/ir/index.js'
import { randomNumbers } from './numbers.js'

/** Operands asked for in f16 are rounded here as well, so that what is left is the error of the sums. */
export const product = (spec: MatmulSpec, left: Float32Array, right: Float32Array): Float64Array => {
  const { layout, batch, m, n, k, precision } = spec
  const [a, b] = precision === 'f16' ? [left.map(roundToHalf), right.map(roundToHalf)] : [left, right]
  const c = new Float64Array(batch * m * n)
  for (let p = 0; p < batch; p++) {
    const a0 = spec.broadcastA ? 0 : p * m * k
    const b0 = spec.broadcastB ? 0 : p * k * n
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let q = 0; q < k; q++) {
          const x = a[a0 + (layout === 'tn' ? q * m + i : i * k + q)]!
          const y = b[b0 + (layout === 'nt' ? j * k + q : q * n + j)]!
          sum += x * y
        }
        c[(p * m + i) * n + j] = sum
      }
  }
  return c
}

/** 2·C + E₀ − E₁ …: shows a wrong place, a wrong order and a missing input. */
export const combination = (inputs: number): NonNullable<MatmulSpec['epilogue']> => ({
  key: `combination${inputs}`,
  inputs,
  apply: (value, extra, width) =>
    [
      `${width === 4 ? 'vec4f(2.0)' : '2.0'} * (${value})`,
      ...extra.map((e, i) => (i % 2 === 0 ? `+ ${e}` : `- ${e}`)),
    ].join(' '),
})

/** Random operands and epilogue inputs in the order of the bindings, and what must come out. */
export const example = (spec: MatmulSpec) => {
  const size = spec.batch * spec.m * spec.n
  const a = randomNumbers(spec.m * spec.k * (spec.broadcastA ? 1 : spec.batch), 1)
  const b = randomNumbers(spec.k * spec.n * (spec.broadcastB ? 1 : spec.batch), 2)
  const extras = Array.from({ length: spec.epilogue?.inputs ?? 0 }, (_, i) => randomNumbers(size, 3 + i))
  const sums = product(spec, a, b)
  const expected = spec.epilogue
    ? sums.map((x, i) => extras.reduce((sum, e, j) => (j % 2 === 0 ? sum + e[i]! : sum - e[i]!), 2 * x))
    : sums
  return { inputs: [a, b, ...extras], expected }
}
