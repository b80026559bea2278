/** Random cases put to the rules as types and as functions (`support/printed-types`). */
import * as fc from 'fast-check'
import { describe, it } from 'vitest'
import {
  broadcastRule,
  concatRule,
  gatherRule,
  linearRule,
  matmulRule,
  reduceRule,
  reshapeRule,
  type Shape,
  sliceRule,
  swigluWidth,
  transposeRule,
} from '../../src/shape/index.js'
import { agree, type Case, shown, tuple } from '../support/printed-types.js'

const small = fc.integer({ min: 1, max: 6 })
const dim = fc.oneof({ weight: 3, arbitrary: small }, { weight: 1, arbitrary: fc.constantFrom('batch', 'rows') })
const shape = (least: number, most: number): fc.Arbitrary<Shape> => fc.array(dim, { minLength: least, maxLength: most })
const natural = fc.oneof(fc.nat(20), fc.nat(2000), fc.nat(99_999))

describe('types and functions agree on', () => {
  it('sums, products, differences, quotients, remainders and roundings', () => {
    const positive = natural.map((n) => n + 1)
    agree(
      fc.tuple(natural, positive, fc.nat(6)).map(([a, b, which]): Case => {
        const [type, value] = (
          [
            ['Add', a + b],
            ['Multiply', a * b],
            ['Subtract', a < b ? 'never' : a - b],
            ['FloorDivide', Math.floor(a / b)],
            ['Modulo', a % b],
            ['CeilDivide', Math.ceil(a / b)],
            ['Divide', a % b === 0 ? a / b : 'never'],
          ] as const
        )[which]!
        return { type: `${type}<${a}, ${b}>`, value: `${value}` }
      }),
      140,
    )
  })

  it('the width of SwiGLU', () => {
    agree(
      fc
        .tuple(fc.integer({ min: 1, max: 2048 }), fc.integer({ min: 1, max: 8 }))
        .map(([d, e]) => ({ type: `SwigluWidth<${d}, ${e}>`, value: `${swigluWidth(d, e)}` })),
      30,
    )
  })

  it('linear', () => {
    agree(
      fc.tuple(shape(0, 4), small, small).map(([s, i, o]) => ({
        type: `LinearOut<${tuple(s)}, ${i}, ${o}>`,
        value: shown(linearRule(i, o)(s)),
      })),
    )
  })

  it('broadcasting', () => {
    // Mostly shapes that fit: one is a tail of the other with some dims set to 1.
    const pair = shape(0, 4).chain((a) =>
      fc
        .tuple(fc.nat(a.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.boolean(), shape(0, 3))
        .map(
          ([from, ones, random, other]) =>
            [a, random ? other : a.slice(from).map((d, i) => (ones[i] ? 1 : d))] as const,
        ),
    )
    agree(
      pair.map(([a, b]) => ({
        type: `Broadcast<'add', ${tuple(a)}, ${tuple(b)}>`,
        value: shown(broadcastRule('add', a, b)),
      })),
    )
  })

  it('concatenation', () => {
    agree(
      fc.tuple(shape(1, 3), fc.nat(2), small, fc.boolean(), shape(1, 3)).map(([a, axis, n, random, other]) => {
        const b = random ? other : a.map((d, i) => (i === axis ? n : d))
        return { type: `Concat<${axis}, ${tuple(a)}, ${tuple(b)}>`, value: shown(concatRule(axis, a, b)) }
      }),
    )
  })

  it('matrix products', () => {
    agree(
      fc.tuple(shape(2, 4), shape(1, 1), fc.nat(2), shape(1, 4)).map(([a, [n], kind, other]) => {
        const inner = a.at(-1)!
        const b = kind === 0 ? [inner, n!] : kind === 1 ? [...a.slice(0, -2), inner, n!] : other
        return { type: `Matmul<${tuple(a)}, ${tuple(b)}>`, value: shown(matmulRule(a, b)) }
      }),
    )
  })

  it('slices', () => {
    agree(
      fc.tuple(shape(1, 3), fc.nat(3), fc.nat(3), small).map(([s, axis, start, size]) => ({
        type: `Slice<${tuple(s)}, ${axis}, ${start}, ${size}>`,
        value: shown(sliceRule(s, axis, start, size)),
      })),
    )
  })

  it('reshapes', () => {
    const pair = fc
      .tuple(shape(0, 4), fc.boolean(), shape(0, 3))
      .map(([s, random, other]) => [s, random ? other : merged(s)] as const)
    agree(pair.map(([a, b]) => ({ type: `Reshape<${tuple(a)}, ${tuple(b)}>`, value: shown(reshapeRule(a, b)) })))
  })

  it('transpositions', () => {
    agree(
      shape(0, 4)
        .chain((s) => fc.tuple(fc.constant(s), permutations(s.length)))
        .map(([s, p]) => ({ type: `Transpose<${tuple(s)}, ${tuple(p)}>`, value: shown(transposeRule(s, p)) })),
    )
  })

  it('reductions and gathers', () => {
    agree(
      fc.tuple(shape(0, 4), fc.nat(4)).map(([s, axis]) => ({
        type: `Reduce<'sum', ${tuple(s)}, ${axis}>`,
        value: shown(reduceRule('sum', s, axis)),
      })),
    )
    agree(
      fc.tuple(shape(0, 3), shape(0, 3)).map(([table, ids]) => ({
        type: `Gather<${tuple(table)}, ${tuple(ids)}>`,
        value: shown(gatherRule(table, ids)),
      })),
    )
  })
})

/** The numbers of a shape in one dim, the symbols before it. */
const merged = (s: Shape): Shape => [
  ...s.filter((d) => typeof d === 'string'),
  s.reduce<number>((n, d) => (typeof d === 'number' ? n * d : n), 1),
]
/** A permutation of the axes, or sometimes a list of axes that is none. */
const permutations = (rank: number): fc.Arbitrary<readonly number[]> =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.shuffledSubarray(
        Array.from({ length: rank }, (_, i) => i),
        { minLength: rank },
      ),
    },
    { weight: 1, arbitrary: fc.array(fc.nat(4), { minLength: rank, maxLength: rank }) },
  )
