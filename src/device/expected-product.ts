/** What a matmul kernel should give, looked at in enough places that a wrong tile shows, and whether it does: for tuning and self-tests. */
import type * as E from 'fp-ts/lib/Either.js'
import type { Kernel } from '../../kernels/kernel.js'
import type { MatmulSpec } from '../../kernels/matmul/index.js'
import { roundToHalf } from '../ir/index.js'
import type { Problem } from '../problem.js'
import type { Device } from './adapter.js'
import { type Range, readBack, withPlaced, write } from './buffer.js'
import { dispatch } from './dispatch.js'

/** Between −½ and ½, without a pattern that a tile could hide; the same every time. */
export const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 * seed) * 43758.5453
    return x - Math.floor(x) - 0.5
  })

/** Operands of a product, and whether a result is theirs. */
interface Example {
  readonly a: Float32Array
  readonly b: Float32Array
  readonly agrees: (c: Float32Array) => boolean
}

const exampleOf = (spec: MatmulSpec): Example => {
  const { batch, m, n, k, precision } = spec
  const a = numbers((spec.broadcastA === true ? 1 : batch) * m * k, 1)
  const b = numbers((spec.broadcastB === true ? 1 : batch) * k * n, 2)
  const round = (values: Float32Array) => (precision === 'f16' ? values.map(roundToHalf) : values)
  const expected = samples(spec, round(a), round(b))
  return {
    a,
    b,
    agrees: (c) => expected.every(({ at, value, scale }) => Math.abs(c[at]! - value) <= TOLERANCE * scale),
  }
}

/** An example whose operands lie on a device. */
interface PlacedExample {
  /** A, B, C as a kernel binds them. */
  readonly ranges: readonly Range[]
  /** Runs a kernel; whether it computes C, all of it. */
  readonly isComputedBy: (kernel: Kernel) => Promise<boolean>
}

/** Does something with the example of `spec` on a device; a problem where that has no room. */
export const withExample = async <A>(
  device: Device,
  spec: MatmulSpec,
  work: (placed: PlacedExample) => Promise<A>,
): Promise<E.Either<Problem, A>> => {
  const { a, b, agrees } = exampleOf(spec)
  const nothing = new Float32Array(spec.batch * spec.m * spec.n).fill(Number.NaN)
  return withPlaced(device, [a, b, nothing], 'the example of a product', (ranges) => {
    const isComputedBy = async (kernel: Kernel): Promise<boolean> => {
      // So that what this one leaves out is not the right answer of the one before.
      write(device, ranges[2]!.buffer, nothing)
      await dispatch(device, kernel, ranges)
      const [c] = await readBack(device, [{ ...ranges[2]!, bytes: nothing.byteLength }])
      return agrees(new Float32Array(c!))
    }
    return work({ ranges, isComputedBy })
  })
}

/** Of Σ|a·b|; sums of thousands of float32 products stay well below. */
const TOLERANCE = 1e-5

/** An element of C in float64, and Σ|a·b|, by which its error is judged. */
interface Sample {
  readonly at: number
  readonly value: number
  readonly scale: number
}

/** Lines of C that are looked at in each direction: the edges, and some between, so that every tile is met. */
const LINES = 6
const lines = (size: number): readonly number[] => [
  ...new Set(Array.from({ length: LINES }, (_, i) => Math.round((i * (size - 1)) / (LINES - 1)))),
]

const samples = (spec: MatmulSpec, a: Float32Array, b: Float32Array): readonly Sample[] => {
  const { layout, batch, m, n, k } = spec
  const all = (size: number) => Array.from({ length: size }, (_, i) => i)
  const [ofA, ofB] = [spec.broadcastA === true ? 0 : m * k, spec.broadcastB === true ? 0 : k * n]
  const sample = (product: number, row: number, column: number): Sample => {
    let [value, scale] = [0, 0]
    for (let i = 0; i < k; i++) {
      const x = a[product * ofA + (layout === 'tn' ? i * m + row : row * k + i)]!
      const y = b[product * ofB + (layout === 'nt' ? column * k + i : i * n + column)]!
      value += x * y
      scale += Math.abs(x * y)
    }
    return { at: (product * m + row) * n + column, value, scale }
  }
  return [...new Set([0, batch - 1])].flatMap((product) => [
    ...lines(m).flatMap((row) => all(n).map((column) => sample(product, row, column))),
    ...lines(n).flatMap((column) => all(m).map((row) => sample(product, row, column))),
  ])
}
