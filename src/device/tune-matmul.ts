/**
 * Tuning: every variant of a matmul that may win is compared with a float64 product, then timed in turns with the others,
 * so that a busy host hurts all alike. The first of that race is lucky as well as fast; so it meets the default once more,
 * and only what it gains there counts.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Kernel } from '../../kernels/kernel.js'
import {
  type MatmulSpec,
  type MatmulVariant,
  matmul,
  tuningCandidates,
  tuningKey,
  variantName,
} from '../../kernels/matmul/index.js'
import { problem } from '../problem.js'
import { type Device, DeviceFailure } from './adapter.js'
import { finished, type Range } from './buffer.js'
import { compileAhead } from './compile-ahead.js'
import { commandBuffer, commandOf } from './dispatch.js'
import { withExample } from './expected-product.js'

/** Rounds in which all take their turn; after the first ones those far behind drop out. */
const ROUNDS = 7
const FIRST_ROUNDS = 2
const FAR_BEHIND = 1.4
/** Seconds a turn takes about, so that the cost of submitting and waiting does not count. */
const TURN = 0.01
const MOST_REPEATS = 200
/** Another variant than the default must be faster by so much. */
const MARGIN = 1.03

export interface MatmulTimes {
  readonly byDefault: MatmulVariant
  readonly fastest: MatmulVariant
  /** Median over rounds of the default's time over the fastest's. */
  readonly speedup: number
  /** Of a dispatch of the fastest; median. */
  readonly seconds: number
  readonly wrong: readonly MatmulVariant[]
}

/** Rejects with `DeviceFailure` where the device has no room. `make` writes the kernels. */
export const tuneMatmul = async (
  device: Device,
  spec: MatmulSpec,
  make: typeof matmul = matmul,
): Promise<MatmulTimes> => {
  const variants = tuningCandidates(spec, device.target)
  const byDefault = variants[0]!
  const tuned = await withExample(device, spec, async ({ ranges, isComputedBy }): Promise<MatmulTimes> => {
    const candidates: Candidate[] = []
    const wrong: MatmulVariant[] = []
    const kernels = variants.map((variant) => make(spec, device.target, variant))
    await compileAhead(device, kernels)
    for (const [i, kernel] of kernels.entries()) {
      const variant = variants[i]!
      if (await isComputedBy(kernel)) candidates.push(await prepare(device, kernel, variant, ranges))
      else wrong.push(variant)
    }
    const usual = candidates.find(({ variant }) => variantName(variant) === variantName(byDefault))
    // The tests hold the default variant to the same product: a driver that fails there fails everywhere.
    if (usual === undefined)
      throw new DeviceFailure(
        problem(`${variantName(byDefault)} computes wrong numbers`, {
          where: tuningKey(spec),
          fix: 'update the graphics driver',
        }),
      )
    return { byDefault, wrong, ...(await duel(usual, await first(candidates, usual))) }
  })
  if (E.isLeft(tuned)) throw new DeviceFailure(tuned.left)
  return tuned.right
}

interface Candidate {
  readonly variant: MatmulVariant
  /** Seconds of a dispatch, measured over a turn. */
  readonly run: () => Promise<number>
}

/** Of a kernel that has run: nothing is compiled any more. */
const prepare = async (
  device: Device,
  kernel: Kernel,
  variant: MatmulVariant,
  ranges: readonly Range[],
): Promise<Candidate> => {
  const command = await commandOf(device, kernel, ranges)
  const seconds = async (repeats: number): Promise<number> => {
    const work = commandBuffer(device, [command], repeats)
    const start = performance.now()
    device.gpu.queue.submit([work])
    await finished(device)
    return (performance.now() - start) / 1e3 / repeats
  }
  const repeats = Math.min(MOST_REPEATS, Math.max(1, Math.round(TURN / (await seconds(1)))))
  return { variant, run: () => seconds(repeats) }
}

/** Which is the fastest of all, by the median; those far behind after the first rounds drop out. */
const first = async (candidates: readonly Candidate[], usual: Candidate): Promise<Candidate> => {
  const times = new Map<Candidate, number[]>(candidates.map((c) => [c, []]))
  const medianOf = (c: Candidate) => median(times.get(c)!)
  const fastest = (of: readonly Candidate[]) => of.reduce((best, c) => (medianOf(c) < medianOf(best) ? c : best), usual)
  let left = candidates
  for (let round = 0; round < ROUNDS; round++) {
    if (round === FIRST_ROUNDS) {
      const best = medianOf(fastest(left))
      left = left.filter((c) => c === usual || medianOf(c) <= FAR_BEHIND * best)
    }
    for (const c of left) times.get(c)!.push(await c.run())
  }
  return fastest(left)
}

/** The default against another, or against none. */
const duel = async (usual: Candidate, other: Candidate): Promise<Omit<MatmulTimes, 'byDefault' | 'wrong'>> => {
  const times = { usual: [] as number[], other: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    times.usual.push(await usual.run())
    times.other.push(other === usual ? times.usual.at(-1)! : await other.run())
  }
  const speedup = median(times.other.map((seconds, round) => times.usual[round]! / seconds))
  return speedup >= MARGIN
    ? { fastest: other.variant, speedup, seconds: median(times.other) }
    : { fastest: usual.variant, speedup: 1, seconds: median(times.usual) }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
