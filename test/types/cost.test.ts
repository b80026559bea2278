/**
 * Type-checking an architecture costs the compiler work that grows linearly with its layers, however they are put
 * together: counted in type instantiations, which are the same on every machine.
 */
import { describe, expect, it } from 'vitest'
import { families, instantiationsOf } from '../../bench/types/cost.js'

/** Equally spaced, so that a second difference of zero means a straight line. */
const LAYERS = [8, 16, 24, 32]
const differences = (values: readonly number[]): readonly number[] => values.slice(1).map((v, i) => v - values[i]!)

describe('the instantiations of', () => {
  it.each(families.filter(({ name }) => name !== 'stack'))('$name grow linearly with its layers', (family) => {
    const first = differences(instantiationsOf(family, LAYERS))
    const second = differences(first)
    expect(Math.min(...first)).toBeGreaterThan(0)
    // A quadratic that starts at nothing would have second differences of half the first and more.
    for (const bend of second) expect(Math.abs(bend), `increments ${first.join(', ')}`).toBeLessThan(0.1 * first[0]!)
  })

  it('stack hardly grow at all: 32 copies cost less than twice what one costs', () => {
    const [one, many] = instantiationsOf(families.find(({ name }) => name === 'stack')!, [1, 32])
    expect(many).toBeLessThan(2 * one!)
  })
})
