/** Initial values: the published distribution, reproducible, and independent of each other. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { init, linear, named, parameter, seq, truncatedNormal } from '../../src/nn/index.js'
import { swigluWidth } from '../../src/shape/index.js'
import { sharedPath } from '../support/oracle-ops.js'

const table = sharedPath('oracle-transforms', 'trunc_normal.json')
const widths = sharedPath('oracle-transforms', 'swiglu_inter.json')

describe('initialisation', () => {
  it.skipIf(!existsSync(table))('turns uniform numbers into the published truncated normal', () => {
    const { u, out_std1, out_std0125 } = JSON.parse(readFileSync(table, 'utf8')) as Record<string, number[]>
    u!.forEach((x, i) => {
      expect(truncatedNormal(x, 1)).toBeCloseTo(out_std1![i]!, 5)
      expect(truncatedNormal(x, 0.125)).toBeCloseTo(out_std0125![i]!, 6)
    })
  })

  it('has the standard deviation asked for, mean 0, and nothing beyond the cut', () => {
    const { w } = init({ w: parameter([400, 500], { kind: 'truncatedNormal', std: 0.5 }) }, 7)
    const mean = w!.reduce((a, b) => a + b, 0) / w!.length
    const variance = w!.reduce((a, b) => a + (b - mean) ** 2, 0) / w!.length
    // 200 000 draws: the standard error of the mean is 0.001, that of the deviation less.
    expect(Math.abs(mean)).toBeLessThan(0.005)
    expect(Math.sqrt(variance)).toBeGreaterThan(0.495)
    expect(Math.sqrt(variance)).toBeLessThan(0.505)
    expect(w!.reduce((most, x) => Math.max(most, Math.abs(x)), 0)).toBeLessThanOrEqual(2 * 0.5 * 1.13685)
  })

  it('gives the same numbers for the same seed, and others for another', () => {
    const tree = seq(linear(16, 32), linear(32, 16)).parameters
    expect(init(tree, 1)).toEqual(init(tree, 1))
    expect(init(tree, 1)['0.weight']).not.toEqual(init(tree, 2)['0.weight'])
    const firsts = Array.from(
      { length: 500 },
      (_, seed) => init({ w: parameter([1], { kind: 'truncatedNormal', std: 1 }) }, seed).w![0],
    )
    expect(new Set(firsts).size).toBe(500)
    expect(init(tree, 1)['0.weight']!.slice(0, 8)).not.toEqual(init(tree, 1)['1.weight']!.slice(0, 8))
  })

  it('does not shift the others when a parameter is added', () => {
    const before = init(seq(named('a', linear(8, 8))).parameters, 3)
    const after = init(seq(named('first', linear(8, 8)), named('a', linear(8, 8))).parameters, 3)
    expect(after['a.weight']).toEqual(before['a.weight'])
  })

  it.skipIf(!existsSync(widths))('makes SwiGLU as wide as published', () => {
    for (const c of JSON.parse(readFileSync(widths, 'utf8')) as { hidden: number; expansion: number; inter: number }[])
      expect(swigluWidth(c.hidden, c.expansion), JSON.stringify(c)).toBe(c.inter)
  })
})
