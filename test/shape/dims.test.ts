/** Arithmetic on dims: laws of the functions, and the types agree with them (`support/printed-types`). */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addDims,
  bindDim,
  ceilDivideDims,
  ceilOf,
  type Dim,
  divideDims,
  elements,
  multiplyDims,
  productOf,
  quotientOf,
  roundUpDims,
  roundUpOf,
  type Shape,
  ShapeError,
  sumOf,
} from '../../src/shape/index.js'
import { agree, agreeOn, type Case, quoted } from '../support/printed-types.js'

const names = ['batch', 'rows', 'Row', 'row_2', 'r', 'é']
const values = { batch: 3, rows: 5, Row: 2, row_2: 7, r: 11, é: 13 }
const symbol = fc.constantFrom(...names)
const small = fc.oneof(fc.nat(3), fc.nat(700))
/** A dim in canonical text, built by the functions themselves. */
const monomial = fc
  .tuple(small, fc.array(symbol, { maxLength: 3 }))
  .map(([n, symbols]) => [n + 1, ...symbols].reduce<Dim>(productOf, 1))
const dim: fc.Arbitrary<Dim> = fc.oneof(
  small,
  symbol,
  monomial,
  fc.array(monomial, { minLength: 1, maxLength: 3 }).map((ds) => ds.reduce<Dim>(sumOf, 0)),
)
const ascii = dim.filter((d) => !`${d}`.includes('é'))
const value = (d: Dim): number => bindDim(d, values)!

describe('arithmetic on dims', () => {
  it('means what it means on numbers, whatever the symbols stand for', () => {
    fc.assert(
      fc.property(dim, dim, (a, b) => {
        expect(value(sumOf(a, b))).toBe(value(a) + value(b))
        expect(value(productOf(a, b))).toBe(value(a) * value(b))
        const quotient = quotientOf(a, b)
        if (quotient !== undefined) expect(value(quotient) * value(b)).toBe(value(a))
      }),
    )
  })

  it('writes equal dims in the same text', () => {
    fc.assert(
      fc.property(ascii, ascii, ascii, (a, b, c) => {
        expect(sumOf(a, b)).toBe(sumOf(b, a))
        expect(productOf(a, b)).toBe(productOf(b, a))
        expect(sumOf(sumOf(a, b), c)).toBe(sumOf(a, sumOf(b, c)))
        expect(productOf(productOf(a, b), c)).toBe(productOf(a, productOf(b, c)))
        expect(productOf(a, sumOf(b, c))).toBe(sumOf(productOf(a, b), productOf(a, c)))
      }),
    )
  })

  it('divides out what was multiplied in', () => {
    fc.assert(
      fc.property(ascii, ascii, (a, b) => {
        fc.pre(b !== 0)
        expect(quotientOf(productOf(a, b), b)).toBe(a)
      }),
    )
  })

  it('writes a sum by its symbols, the constant last', () => {
    expect(sumOf(sumOf(3, 'rows'), productOf(2, 'batch'))).toBe('2·batch + rows + 3')
    expect(productOf(sumOf('rows', 1), sumOf('batch', 2))).toBe('batch·rows + batch + 2·rows + 2')
    expect(elements([sumOf('batch', 1), 81, 'rows'])).toBe('81·batch·rows + 81·rows')
  })

  it('knows no value while a symbol has none', () => {
    expect(bindDim('2·batch + rows + 1', { batch: 4 })).toBeUndefined()
    expect(bindDim('2·batch + rows + 1', { batch: 4, rows: 5 })).toBe(14)
  })
})

describe('types and functions agree on', () => {
  const large = fc.oneof(
    fc.nat(20),
    fc.nat(2000),
    fc.nat(10_000_000),
    fc.constantFrom(0, 1, 9, 10, 99, 100, 999_999, 1_000_000, 9_999_999, 10_000_000),
  )
  const shown = (d: Dim | undefined): string => (d === undefined ? 'never' : typeof d === 'string' ? quoted(d) : `${d}`)
  const text = (d: Dim): string => shown(d)
  const operations = [
    ['DimSum', sumOf],
    ['DimProduct', productOf],
    ['DimQuotient', quotientOf],
    ['DimCeil', ceilOf],
    ['DimRoundUp', roundUpOf],
  ] as const
  const of = (name: string, compute: (a: Dim, b: Dim) => Dim | undefined, a: Dim, b: Dim): Case => ({
    type: `${name}<${text(a)}, ${text(b)}>`,
    value: shown(compute(a, b)),
  })

  it.each(operations)('%s of numbers up to ten million', (name, compute) => {
    agree(
      fc.tuple(large, large).map(([a, b]) => of(name, compute, a, b)),
      120,
    )
  })

  it('exact quotients of products up to ten million squared', () => {
    agree(
      fc.tuple(large, large).map(([a, b]) => of('DimQuotient', quotientOf, a * (b + 1), b + 1)),
      100,
    )
  })

  it.each(operations)('%s of symbols', (name, compute) => {
    agree(
      fc.tuple(dim, dim).map(([a, b]) => of(name, compute, a, b)),
      80,
    )
  })

  it('quotients of symbols that come out, or nearly', () => {
    agree(
      fc
        .tuple(dim, dim, fc.boolean())
        .map(([a, b, exact]) => of('DimQuotient', quotientOf, sumOf(productOf(a, b), exact ? 0 : 1), b)),
      80,
    )
  })

  it('what only run time knows', () => {
    agreeOn([
      { type: 'DimSum<number, 1>', value: 'number' },
      { type: 'DimProduct<number, number>', value: 'number' },
      { type: 'DimQuotient<number, 8>', value: 'number' },
      { type: 'DimRoundUp<number, 8>', value: 'number' },
      { type: "DimProduct<'batch', number>", value: 'string' },
      { type: 'DimSum<string, 1>', value: 'string' },
      { type: "DimQuotient<string, 'batch'>", value: 'Dim' },
      { type: "DimSum<'?', 1>", value: '"?"' },
    ])
  })
})

describe('sizes in programs', () => {
  it('keep their literal types', () => {
    const hidden = 512
    const inter: 1280 = roundUpDims(divideDims(multiplyDims(hidden, 9), 4), 256)
    const padded: 'batch + 1' = addDims('batch', 1)
    const tokens: '81·batch + 81' = multiplyDims(padded, 81)
    const groups: 11 = ceilDivideDims(81, 8)
    expect([inter, padded, tokens, groups]).toEqual([1280, 'batch + 1', '81·batch + 81', 11])
  })

  const refused: readonly (readonly [() => unknown, string])[] = [
    // @ts-expect-error: 512 / 7 does not come out
    [() => divideDims(512, 7), 'divideDims cannot take 512 and 7: the remainder is 1'],
    // @ts-expect-error: nothing is divided by 0
    [() => ceilDivideDims(512, 0), 'ceilDivideDims cannot take 512 and 0: the second is 0'],
    [
      // @ts-expect-error: the batch may not be a multiple of 8
      () => ceilDivideDims('batch', 8),
      'ceilDivideDims cannot take batch and 8: batch is known only when the model runs',
    ],
    [
      // @ts-expect-error: the batch may not be a multiple of 8
      () => roundUpDims('batch', 8),
      'roundUpDims cannot take batch and 8: batch is known only when the model runs',
    ],
    [
      // @ts-expect-error: the batch may not divide 512
      () => divideDims(512, 'batch'),
      'divideDims cannot take 512 and batch: batch is known only when the model runs',
    ],
    // @ts-expect-error: no size is negative
    [() => addDims(-1, 2), 'addDims cannot take -1 and 2: -1 is not a whole number from 0 on'],
    // @ts-expect-error: no size is broken
    [() => multiplyDims(2, 1.5), 'multiplyDims cannot take 2 and 1.5: 1.5 is not a whole number from 0 on'],
  ]
  it.each(refused.map(([compute, sentence]) => [sentence, compute] as const))(
    'are refused: %s',
    (sentence, compute) => {
      expect(compute).toThrow(new ShapeError(sentence))
    },
  )

  it('known only at run time are checked there', () => {
    const widths: Shape = [512, 7]
    expect(() => divideDims(widths[0]!, widths[1]!)).toThrow('the remainder is 1')
  })
})
