/**
 * Random numbers in a graph: distributed as they say, the same on every device, and a function of their row's key alone.
 * Held against the moments and quantiles of the normal distribution, and a generator written out in big integers.
 */
import { describe, expect, test } from 'vitest'
import { input, literal, type Tensor, unary, uniform } from '../../src/ir/index.js'
import { drawsOf } from '../../src/nn/index.js'
import { backendsForTests } from '../support/backends.js'
import { compute } from '../support/compute.js'

const SHAPE = ['batch', 5, 12] as const
const BATCH = 40
const keys = (batch: number) => Int32Array.from({ length: batch }, (_, b) => (b * 0x9e3779b1) | 0)
const sample = async (build: (keys: Tensor) => Tensor, batch = BATCH, values = keys(batch)) => {
  const backend = backendsForTests()[0]!
  const opened = (await backend.open())!
  const executable = await opened.load(
    { outputs: { out: build(input('keys', ['batch'], 'i32', 'streamed')) }, updates: [] },
    { batch },
  )
  await executable.run({ keys: values })
  return Array.from((await executable.read(['out'])).out!)
}
const moment = (xs: readonly number[], power: number) => xs.reduce((s, x) => s + x ** power, 0) / xs.length

/** The same bits in big integers, as the file says they are made. */
const bitsOf = (words: readonly number[]): number => {
  const u32 = (x: bigint) => BigInt.asUintN(32, x)
  return Number(
    words.reduce((h, word) => {
      let x = u32((h ^ u32(BigInt(word))) * 0x9e3779b1n)
      x = u32((x ^ (x >> 16n)) * 0x85ebca6bn)
      x = u32((x ^ (x >> 13n)) * 0xc2b2ae35n)
      return x ^ (x >> 16n)
    }, 0x2545f491n),
  )
}

describe('uniform', () => {
  test('is the upper 24 bits of a digest of key and counter, centred', async () => {
    const words = [0, 1, -1, 12345, -2147483648, 2147483647, 1 << 30]
    const pairs = words.flatMap((key) => words.map((counter) => [key, counter] as const))
    const column = (i: 0 | 1) =>
      literal(
        Int32Array.from(pairs, (pair) => pair[i]),
        [pairs.length],
      )
    const { out } = await compute({ out: uniform(column(0), column(1)) })
    expect(Array.from(out)).toEqual(pairs.map((pair) => (2 * Math.floor(bitsOf(pair) / 256) + 1 - 2 ** 24) / 2 ** 24))
  })
})

describe('erfinv', () => {
  /** erf by its Taylor series, which converges everywhere. */
  const erf = (x: number): number => {
    let [term, sum] = [x, x]
    for (let n = 1; n < 200; n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  test('undoes erf', () => {
    for (let x = -3.5; x <= 3.5; x += 0.125) {
      // How far the seventh digit of erf x moves x where erf is flat.
      const slack = 1e-6 * (1 + Math.abs(x)) + 1e-15 * Math.exp(x * x)
      expect(Math.abs(unary.erfinv.evaluate(erf(x)) - x), `${x}`).toBeLessThan(slack)
    }
  })
})

describe('draws', () => {
  test('are standard normal', async () => {
    const xs = await sample((k) => drawsOf(k).normal(SHAPE))
    expect(Math.abs(moment(xs, 1))).toBeLessThan(4 / Math.sqrt(xs.length))
    expect(moment(xs, 2)).toBeCloseTo(1, 1)
    expect(moment(xs, 4)).toBeGreaterThan(2.5)
    // Quantiles of a table: P(x < 0.674490) = 3/4, P(x < 1.644854) = 19/20.
    const share = (limit: number) => xs.filter((x) => x < limit).length / xs.length
    expect(Math.abs(share(0.67449) - 0.75)).toBeLessThan(0.04)
    expect(Math.abs(share(1.644854) - 0.95)).toBeLessThan(0.02)
  })

  test('cut at two standard deviations keep theirs', async () => {
    const xs = await sample((k) => drawsOf(k).truncatedNormal(SHAPE, 0.5))
    expect(Math.sqrt(moment(xs, 2))).toBeCloseTo(0.5, 1)
    // Before it is cut, the distribution is 1.13684 times as wide.
    expect(Math.max(...xs.map(Math.abs))).toBeLessThanOrEqual(2 * 0.5 * 1.136848)
  })

  test('follow one another without repeating, and rows do not repeat each other', async () => {
    const first = await sample((k) => drawsOf(k).normal(SHAPE))
    const second = await sample((k) => {
      const draws = drawsOf(k)
      draws.normal(SHAPE)
      return draws.normal(SHAPE)
    })
    const further = await sample((k) => drawsOf(k, 5 * 12).normal(SHAPE))
    expect(second).toEqual(further)
    // 24 bits: of 4800 numbers a few are equal by chance.
    expect(new Set([...first, ...second]).size).toBeGreaterThan(4790)
    const correlation = first.reduce((s, x, i) => s + x * second[i]!, 0) / first.length
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(first.length))
  })

  test('of a row depend on its key alone', async () => {
    const whole = await sample((k) => drawsOf(k).normal(SHAPE))
    const half = await sample((k) => drawsOf(k).normal(SHAPE), BATCH / 2, keys(BATCH).subarray(BATCH / 2))
    expect(half).toEqual(whole.slice(whole.length / 2))
  })

  test('are the same on every device', async () => {
    const outputs = (k: Tensor) => ({
      normal: drawsOf(k).normal(SHAPE),
      odd: drawsOf(k, 1 << 30).truncatedNormal(['batch', 3, 7], 1),
    })
    const results = []
    for (const { open } of backendsForTests()) {
      const backend = await open()
      if (backend === undefined) continue
      const graph = { outputs: outputs(input('keys', ['batch'], 'i32', 'streamed')), updates: [] }
      const executable = await backend.load(graph, { batch: BATCH })
      await executable.run({ keys: keys(BATCH) })
      results.push(await executable.read(['normal', 'odd']))
      backend.dispose()
    }
    const [reference, ...others] = results
    for (const other of others)
      for (const name of ['normal', 'odd'])
        expect(Math.max(...Array.from(other[name]!, (x, i) => Math.abs(x - reference![name]![i]!)))).toBeLessThan(2e-5)
  })
})
