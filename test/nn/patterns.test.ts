/** `einsum` and `rearrange` compute what their patterns say: against loops over every index, and by differences. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/autodiff/index.js'
import type { Tensor } from '../../src/ir/index.js'
import * as ir from '../../src/ir/index.js'
import * as nn from '../../src/nn/index.js'
import { evaluate } from '../../src/reference/index.js'
import { randomNumbers, relativeError } from '../support/numbers.js'

// Patterns are made up at run time here.
const einsum = nn.einsum as unknown as (pattern: string, ...tensors: readonly Tensor[]) => Tensor
const rearrange = nn.rearrange as unknown as (
  x: Tensor,
  pattern: string,
  sizes?: Readonly<Record<string, number>>,
) => Tensor

const sizeOf: Readonly<Record<string, number>> = { a: 2, b: 3, c: 1, d: 4, e: 2 }
const letters = Object.keys(sizeOf)
const sizes = (names: readonly string[]): number[] => names.map((name) => sizeOf[name]!)
const count = (names: readonly string[]): number => sizes(names).reduce((p, q) => p * q, 1)
type Index = Readonly<Record<string, number>>

/** Every index of the named axes, the last fastest. */
const indices = (names: readonly string[]): readonly Index[] =>
  names.reduce<readonly Index[]>(
    (all, name) => all.flatMap((index) => Array.from({ length: sizeOf[name]! }, (_, i) => ({ ...index, [name]: i }))),
    [{}],
  )
/** Where an element lies in a tensor with these axes. */
const offset = (names: readonly string[], index: Index): number =>
  names.reduce((at, name) => at * sizeOf[name]! + index[name]!, 0)

const named = (least: number, most = 4): fc.Arbitrary<readonly string[]> =>
  fc.shuffledSubarray(letters, { minLength: least, maxLength: most })

interface Sum {
  readonly operands: readonly (readonly string[])[]
  readonly output: readonly string[]
}
const sums: fc.Arbitrary<Sum> = fc
  .array(named(0), { minLength: 1, maxLength: 4 })
  .chain((operands) => fc.shuffledSubarray([...new Set(operands.flat())]).map((output): Sum => ({ operands, output })))
const patternOf = ({ operands, output }: Sum): string =>
  `${operands.map((names) => names.join(' ')).join(', ')} -> ${output.join(' ')}`
const tensorsOf = ({ operands }: Sum): readonly Tensor[] =>
  operands.map((names, i) => ir.input(`x${i}`, sizes(names), 'f32', 'streamed'))
const valuesOf = ({ operands }: Sum, seed: number): Record<string, Float64Array> =>
  Object.fromEntries(
    operands.map((names, i) => [`x${i}`, Float64Array.from(randomNumbers(count(names), seed + i + 1))]),
  )

const byLoops = ({ operands, output }: Sum, values: Record<string, Float64Array>): Float64Array => {
  const out = new Float64Array(count(output))
  for (const index of indices([...new Set(operands.flat())])) {
    const term = operands.reduce((product, names, i) => product * values[`x${i}`]![offset(names, index)]!, 1)
    out[offset(output, index)]! += term
  }
  return out
}

describe('einsum', () => {
  it('is the loop over all indices', () => {
    fc.assert(
      fc.property(sums, fc.nat(1000), (sum, seed) => {
        const values = valuesOf(sum, seed)
        const out = einsum(patternOf(sum), ...tensorsOf(sum))
        expect(out.shape, patternOf(sum)).toEqual(sizes(sum.output))
        const [actual] = evaluate([out], (name) => values[name])
        const expected = byLoops(sum, values)
        // Terms may cancel: what is rounded is as large as they are.
        const magnitudes = byLoops(
          sum,
          Object.fromEntries(Object.entries(values).map(([k, v]) => [k, v.map(Math.abs)])),
        )
        const distance = Math.hypot(...expected.map((x, i) => x - actual![i]!))
        expect(distance, patternOf(sum)).toBeLessThan(1e-14 * Math.hypot(...magnitudes))
      }),
      {
        numRuns: 300,
        examples: [[{ operands: [[], ['e'], ['a']], output: [] }, 694]],
      },
    )
  })

  it('with dots is the same with names', () => {
    const sum: Sum = {
      operands: [
        ['a', 'b', 'd'],
        ['d', 'e'],
        ['a', 'b'],
      ],
      output: ['e', 'a', 'b'],
    }
    const tensors = tensorsOf(sum)
    const values = valuesOf(sum, 7)
    const [actual] = evaluate([einsum('... d, d e, ... -> e ...', ...tensors)], (name) => values[name])
    expect(relativeError(actual!, byLoops(sum, values))).toBeLessThan(1e-12)
  })

  it('has the gradient that differences find', () => {
    fc.assert(
      fc.property(sums, fc.nat(1000), (sum, seed) => {
        const tensors = tensorsOf(sum)
        const values = valuesOf(sum, seed)
        const out = einsum(patternOf(sum), ...tensors)
        // A fixed random direction makes the output a scalar that sees every element.
        const loss = ir.sum(ir.mul(out, ir.literal(randomNumbers(count(sum.output), seed + 99), out.shape)))
        const at = (v: Record<string, Float64Array>) => evaluate([loss], (name) => v[name])[0]![0]!
        const analytic = evaluate(gradients(loss, tensors), (name) => values[name])
        for (const i of tensors.keys()) {
          const name = `x${i}`
          const numeric = values[name]!.map((_, k) => {
            const moved = (by: number) => at({ ...values, [name]: values[name]!.map((v, j) => (j === k ? v + by : v)) })
            return (moved(1e-5) - moved(-1e-5)) / 2e-5
          })
          const distance = Math.hypot(...numeric.map((v, k) => v - analytic[i]![k]!))
          expect(distance / Math.max(Math.hypot(...numeric), 1e-3), patternOf(sum)).toBeLessThan(1e-6)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('of a linear layer is one matrix product, and nothing else', () => {
    const x = ir.input('x', ['batch', 81, 512], 'f32', 'streamed')
    const w = ir.input('w', [512, 11], 'f32', 'resident')
    const out = nn.einsum('b t d, d v -> b t v', x, w)
    expect([out.op.kind, out.inputs, out.shape]).toEqual(['dot', [x, w], ['batch', 81, 11]])
  })
})

describe('rearrange', () => {
  /** The names in groups, a new one begun where a cut is. */
  const cut = (names: readonly string[]): fc.Arbitrary<readonly (readonly string[])[]> =>
    fc.array(fc.boolean(), { minLength: names.length, maxLength: names.length }).map((cuts) => {
      const starts = names.flatMap((_, i) => (i === 0 || cuts[i] ? [i] : []))
      return starts.map((start, k) => names.slice(start, starts[k + 1]))
    })
  const side = (groups: readonly (readonly string[])[]): string => groups.map((g) => `(${g.join(' ')})`).join(' ')
  const arrangements = named(1).chain((from) =>
    fc.tuple(cut(from), fc.shuffledSubarray([...from], { minLength: from.length }).chain(cut)),
  )

  it('moves every element to where its indices say, and back', () => {
    fc.assert(
      fc.property(arrangements, fc.nat(1000), ([from, to], seed) => {
        const values = Float64Array.from(randomNumbers(count(from.flat()), seed))
        const x = ir.input('x', from.map(count), 'f32', 'streamed')
        const pattern = `${side(from)} -> ${side(to)}`
        const there = rearrange(x, pattern, given(from))
        expect(there.shape, pattern).toEqual(to.map(count))
        const back = rearrange(there, `${side(to)} -> ${side(from)}`, given(to))
        const [actual, same] = evaluate([there, back], () => values)
        const expected = new Float64Array(values.length)
        for (const index of indices(from.flat()))
          expected[offset(to.flat(), index)] = values[offset(from.flat(), index)]!
        expect([...actual!], pattern).toEqual([...expected])
        expect([...same!], pattern).toEqual([...values])
      }),
      { numRuns: 200 },
    )
  })
  /** The sizes that have to be given: of every bracket, all but the first. */
  const given = (groups: readonly (readonly string[])[]): Index =>
    Object.fromEntries(groups.flatMap((g) => g.slice(1).map((name) => [name, sizeOf[name]!])))

  it('lets gradients through to where they came from', () => {
    const x = ir.input('x', [6, 4], 'f32', 'streamed')
    const weights = randomNumbers(24, 3)
    const moved = nn.rearrange(x, '(a b) d -> b d a', { a: 2 })
    const [gradient] = gradients(ir.sum(ir.mul(moved, ir.literal(weights, moved.shape))), [x])
    const [actual] = evaluate([gradient!], () => new Float64Array(24))
    const expected = new Float64Array(24)
    for (const { a, b, d } of indices(['a', 'b', 'd']) as readonly Record<'a' | 'b' | 'd', number>[])
      expected[(a * 3 + b) * 4 + d] = weights[(b * 4 + d) * 2 + a]!
    expect([...actual!]).toEqual([...expected])
  })

  it('keeps the type of the elements and symbols in the shape', () => {
    const ids = ir.input('ids', ['batch', 81], 'i32', 'streamed')
    const out = nn.rearrange(ids, 'b (r c) -> r (b c)', { r: 9 })
    expect([out.shape, out.dtype]).toEqual([[9, '9·batch'], 'i32'])
  })

  it('adds no node where nothing moves', () => {
    const x = ir.input('x', ['batch', 81, 512], 'f32', 'streamed')
    expect(nn.rearrange(x, 'b t d -> b t d')).toBe(x)
    expect(nn.rearrange(x, 'b t (h d) -> b t h d', { h: 8 }).inputs).toEqual([x])
    expect(nn.rearrange(x, 'b t d -> d b t').inputs).toEqual([x])
  })
})
