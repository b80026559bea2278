/** What a matmul kernel should give: a float64 product, with an epilogue that shows what goes wrong. */
import type { Epilogue, MatmulSpec } from '../../kernels/matmul/index.js'
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

/** Which pairs an epilogue of a test makes something of: one number of each pair, or two. */
export interface Pairing {
  readonly apart: number
  readonly makes: 1 | 2
}

/**
 * One number, 2x − 3y + E, or two, 2x − 3y + E and 5y: shows a wrong pair, a wrong order, a wrong place. `n` is the product's.
 */
export const pairing = ({ n }: Pick<MatmulSpec, 'n'>, { apart, makes }: Pairing): Epilogue => ({
  key: `${makes} of pairs`,
  apart,
  bindings: 2,
  usesF16: false,
  wgsl: `
@group(0) @binding(2) var<storage, read_write> E: array<f32>;
@group(0) @binding(3) var<storage, read_write> made: array<f32>;
fn finish(row: u32, group: u32, place: u32, x: f32, y: f32) {
  let pair = row * ${n / 2}u + group * ${apart}u + place;
  ${
    makes === 1
      ? 'made[pair] = 2.0 * x - 3.0 * y + E[pair];'
      : `let at = row * ${n}u + group * ${2 * apart}u + place; made[at] = 2.0 * x - 3.0 * y + E[pair]; made[at + ${apart}u] = 5.0 * y;`
  }
}`,
})

/** An operand's bytes as they lie in memory: of f16, two numbers in the place of one, the last rounded up to a whole vector. */
const kept = ({ halves }: MatmulSpec, name: 'A' | 'B', values: Float32Array): Float32Array => {
  if (halves?.includes(name) !== true) return values
  const bits = new Uint16Array(8 * Math.ceil(values.length / 8))
  bits.set(Array.from(values, halfBits))
  return new Float32Array(bits.buffer)
}

/** The bits of a number in f16 that is neither too large for it nor subnormal. */
const halfBits = (x: number): number => {
  const [bits] = new Uint32Array(Float32Array.of(roundToHalf(x)).buffer)
  const exponent = ((bits! >>> 23) & 0xff) - 112
  return ((bits! >>> 16) & 0x8000) | (exponent <= 0 ? 0 : (exponent << 10) | ((bits! >>> 13) & 0x3ff))
}

/** Random operands in the order of the bindings, and what must come out, of `paired` where the spec has its epilogue. */
export const example = (spec: MatmulSpec, paired?: Pairing) => {
  const a = randomNumbers(spec.m * spec.k * (spec.broadcastA ? 1 : spec.batch), 1)
  const b = randomNumbers(spec.k * spec.n * (spec.broadcastB ? 1 : spec.batch), 2)
  const sums = product(spec, a, b)
  const operands = [kept(spec, 'A', a), kept(spec, 'B', b)]
  if (paired === undefined) return { inputs: operands, expected: sums }
  const { apart, makes } = paired
  const extra = randomNumbers(sums.length / 2, 3)
  const expected = new Float64Array(makes === 1 ? sums.length / 2 : sums.length)
  extra.forEach((e, pair) => {
    const [group, place] = [Math.floor(pair / apart), pair % apart]
    const first = group * 2 * apart + place
    const [x, y] = [sums[first]!, sums[first + apart]!]
    expected[makes === 1 ? pair : first] = 2 * x - 3 * y + e
    if (makes === 2) expected[first + apart] = 5 * y
  })
  return { inputs: [...operands, extra], expected }
}
