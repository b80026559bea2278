/** Attention along one of several axes: against plain loops in float64; positions on a grid by what they are for. */
import { describe, expect, it } from 'vitest'
import { literal, type Tensor } from '../../src/ir/index.js'
import { attention, overSymbols } from '../../src/nn/index.js'
import { rotary } from '../../src/nn/rotary.js'
import { compute } from '../support/compute.js'
import { randomNumbers, relativeError } from '../support/numbers.js'

const filled = (shape: readonly number[], seed: number): Tensor =>
  literal(
    randomNumbers(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  )
const numbers = (t: Tensor): ArrayLike<number> => (t.op.kind === 'literal' ? t.op.data : [])

const [B, C, T, D, H, W] = [2, 3, 5, 4, 2, 6]
const x = filled([B, C, T, D], 1)
const weights = { qkv_proj: { weight: filled([3 * W, D], 2) }, o_proj: { weight: filled([D, W], 3) } }
const module = attention({ hidden: D, heads: H, width: W })

/** Vectors attending to each other. [T][D] → [T][D] */
const attending = (rows: readonly (readonly number[])[]): readonly (readonly number[])[] => {
  const d = W / H
  const times = (weight: Tensor, row: readonly number[]) =>
    Array.from({ length: numbers(weight).length / row.length }, (_, o) =>
      row.reduce((s, v, i) => s + v * numbers(weight)[o * row.length + i]!, 0),
    )
  const qkv = rows.map((row) => times(weights.qkv_proj.weight, row))
  return rows.map((_, t) => {
    const mixed = Array.from({ length: H }, (_, h) => {
      const part = (s: number, k: number) => qkv[s]!.slice(k * W + h * d, k * W + (h + 1) * d)
      const scores = rows.map((_, s) =>
        Math.exp(part(t, 0).reduce((sum, q, i) => sum + q * part(s, 1)[i]!, 0) / Math.sqrt(d)),
      )
      const total = scores.reduce((a, b) => a + b, 0)
      return Array.from({ length: d }, (_, i) => scores.reduce((sum, e, s) => sum + (e / total) * part(s, 2)[i]!, 0))
    }).flat()
    return times(weights.o_proj.weight, mixed)
  })
}
const vector = (b: number, c: number, t: number) =>
  Array.from({ length: D }, (_, i) => numbers(x)[((b * C + c) * T + t) * D + i]!)

describe('attention', () => {
  it('of more axes goes over the last but one, row by row, in heads as wide as told', async () => {
    const { out } = await compute({ out: module.apply(weights as never)(x as never) as Tensor })
    const expected = Array.from({ length: B * C }, (_, row) =>
      attending(Array.from({ length: T }, (_, t) => vector(Math.floor(row / C), row % C, t))),
    ).flat(2)
    expect(relativeError(out, expected)).toBeLessThan(1e-6)
  })

  it('over symbols goes over the axis before', async () => {
    const { out } = await compute({ out: overSymbols(module).apply(weights as never)(x as never) as Tensor })
    const expected: number[] = new Array(B * C * T * D)
    for (let b = 0; b < B; b++)
      for (let t = 0; t < T; t++)
        attending(Array.from({ length: C }, (_, c) => vector(b, c, t))).forEach((row, c) => {
          row.forEach((v, i) => {
            expected[((b * C + c) * T + t) * D + i] = v
          })
        })
    expect(relativeError(out, expected)).toBeLessThan(1e-6)
  })
})

describe('rotary positions on a grid', () => {
  const [side, d] = [3, 8]
  /** q·k of one query and one key, put at every pair of places. */
  const scores = async (isGrid: boolean) => {
    const row = randomNumbers(3 * d, 5)
    const packed = literal(
      Float32Array.from({ length: side * side * 3 * d }, (_, i) => row[i % (3 * d)]!),
      [1, side * side, 3, 1, d],
    )
    const { out } = await compute({ out: rotary(side * side, d, isGrid)(packed) })
    const part = (t: number, k: number) => Array.from(out.slice((t * 3 + k) * d, (t * 3 + k + 1) * d))
    for (let t = 0; t < side * side; t++) expect(part(t, 2)).toEqual(Array.from(row.slice(2 * d)))
    return (t: number, s: number) => part(t, 0).reduce((sum, q, i) => sum + q * part(s, 1)[i]!, 0)
  }

  it('let a query see how many rows and columns a key is away, and nothing else', async () => {
    const score = await scores(true)
    const seen = new Map<string, number>()
    for (let t = 0; t < side * side; t++)
      for (let s = 0; s < side * side; s++) {
        const offset = `${Math.floor(t / side) - Math.floor(s / side)},${(t % side) - (s % side)}`
        const known = seen.get(offset) ?? score(t, s)
        expect(Math.abs(score(t, s) - known)).toBeLessThan(1e-5)
        seen.set(offset, known)
      }
    expect(new Set([...seen.values()].map((v) => v.toFixed(4))).size).toBe((2 * side - 1) ** 2)
  })

  it('are refused where the positions are no square, whose rows nobody could know', () => {
    expect(() => rotary(12, d, true)).toThrow('need a square of positions, and there are 12')
    expect(() => rotary(12, d)).not.toThrow()
  })

  it('differ from those in a line, where the end of a row is next to the beginning of another', async () => {
    const [line, grid] = [await scores(false), await scores(true)]
    expect(Math.abs(line(2, 3) - line(0, 1))).toBeLessThan(1e-5)
    expect(Math.abs(grid(2, 3) - grid(0, 1))).toBeGreaterThan(1e-3)
  })
})
