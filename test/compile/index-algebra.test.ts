import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  addIndex,
  constantIndex,
  divIndex,
  type Index,
  indexAlignment,
  indexMax,
  laneStep,
  linearIndex,
  modIndex,
  renderIndex,
  scaleIndex,
  unlinearIndex,
  variable,
} from '../../src/compile/index-algebra.js'
import { planMemory } from '../../src/compile/memory.js'

interface Both {
  readonly index: Index
  readonly value: (x: number, y: number) => number
}
const X = 24
const Y = 15
/** An expression of x (the 4-vector's variable) and y, symbolically and as plain arithmetic. */
const expressions: fc.Arbitrary<Both> = fc.letrec<{ e: Both }>((tie) => ({
  e: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Both>(
      { index: variable('x', X, 4, 1), value: (x) => x },
      { index: variable('y', Y), value: (_, y) => y },
    ),
    fc.nat(9).map((n): Both => ({ index: constantIndex(n), value: () => n })),
    fc.tuple(tie('e'), tie('e')).map(
      ([a, b]): Both => ({
        index: addIndex(a.index, b.index),
        value: (x, y) => a.value(x, y) + b.value(x, y),
      }),
    ),
    fc
      .tuple(tie('e'), fc.nat(12))
      .map(([a, n]): Both => ({ index: scaleIndex(a.index, n), value: (x, y) => a.value(x, y) * n })),
    fc
      .tuple(tie('e'), fc.integer({ min: 1, max: 12 }))
      .map(([a, n]): Both => ({ index: divIndex(a.index, n), value: (x, y) => Math.floor(a.value(x, y) / n) })),
    fc
      .tuple(tie('e'), fc.integer({ min: 1, max: 12 }))
      .map(([a, n]): Both => ({ index: modIndex(a.index, n), value: (x, y) => a.value(x, y) % n })),
  ),
})).e

/** What the WGSL text means: u32 arithmetic, in which every division is exact to the integer below. */
const run = (index: Index, x: number, y: number): number =>
  index.terms.reduce((total, { atom, coefficient }) => {
    if (atom.kind === 'variable') return total + coefficient * (atom.name === 'x' ? x : y)
    const inner = run(atom.of, x, y)
    return total + coefficient * (atom.kind === 'div' ? Math.floor(inner / atom.by) : inner % atom.by)
  }, index.constant)

const points = Array.from({ length: X }, (_, x) => Array.from({ length: Y }, (_, y) => [x, y] as const)).flat()

it('simplified index expressions have the value of the arithmetic they came from, within their stated range', () => {
  fc.assert(
    fc.property(expressions, ({ index, value }) => {
      for (const [x, y] of points) {
        const v = run(index, x, y)
        expect(v).toBe(value(x, y))
        expect(v).toBeLessThanOrEqual(indexMax(index))
      }
    }),
    { numRuns: 400, seed: 1 },
  )
})

it('lane steps and alignments hold for every aligned vector', () => {
  fc.assert(
    fc.property(expressions, ({ index }) => {
      const step = laneStep(index)
      const alignment = indexAlignment(index)
      for (const [x, y] of points.filter(([x]) => x % 4 === 0)) {
        if (step !== undefined)
          for (const lane of [1, 2, 3]) expect(run(index, x + lane, y)).toBe(run(index, x, y) + lane * step)
        if (alignment !== 0) expect(run(index, x, y) % alignment).toBe(0)
      }
    }),
    { numRuns: 400, seed: 2 },
  )
})

it('the row-major address of the coordinates of an address is that address, in text too', () => {
  const i = variable('i', 2 * 17 * 64)
  const address = linearIndex(unlinearIndex(i, [2, 17, 64]), [2, 17, 64])
  expect(renderIndex(address)).toBe('i')
  expect(renderIndex(linearIndex(unlinearIndex(i, [34, 64]), [34, 64]))).toBe('i')
})

it('values that live at once never share bytes, and the plan is as tight as one value where they do not', () => {
  const lifetimes = fc.array(
    fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), first: fc.nat(20), length: fc.nat(10) }),
    { minLength: 1, maxLength: 30 },
  )
  fc.assert(
    fc.property(lifetimes, (list) => {
      const values = list.map(({ bytes, first, length }) => ({ bytes, first, last: first + length }))
      const { offsets, bytes } = planMemory(values)
      values.forEach((a, i) => {
        expect(offsets[i]! % 256).toBe(0)
        expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes)
        values.slice(i + 1).forEach((b, k) => {
          const j = i + 1 + k
          const together = a.first <= b.last && b.first <= a.last
          const overlap = offsets[i]! < offsets[j]! + b.bytes && offsets[j]! < offsets[i]! + a.bytes
          expect(together && overlap).toBe(false)
        })
      })
    }),
    { numRuns: 200, seed: 3 },
  )
  expect(
    planMemory([
      { bytes: 100, first: 0, last: 1 },
      { bytes: 100, first: 2, last: 3 },
    ]).bytes,
  ).toBe(256)
})
