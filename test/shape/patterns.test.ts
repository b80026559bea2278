/** `rearrange` and `einsum`: shapes and sentences of right and wrong patterns, as types and as functions. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dim, einsumRule, productOf, rearrangeRule, type Shape } from '../../src/shape/index.js'
import { agree, agreeOn, type Case, quoted, shown, tuple } from '../support/printed-types.js'

type Sizes = Readonly<Record<string, Dim>>
const resultOf = (plan: { readonly sentence: string } | { readonly shape: Shape }): string =>
  shown('sentence' in plan ? plan : plan.shape)
const rearranged = (shape: Shape, pattern: string, sizes: Sizes = {}): Case => ({
  type: `Rearrange<${tuple(shape)}, ${quoted(pattern)}, ${JSON.stringify(sizes)}>`,
  value: resultOf(rearrangeRule(shape, pattern, sizes)),
})
const summed = (pattern: string, ...shapes: readonly Shape[]): Case => ({
  type: `Einsum<${quoted(pattern)}, [${shapes.map(tuple).join(', ')}]>`,
  value: resultOf(einsumRule(pattern, shapes)),
})

const names = ['b', 't', 'h', 'd', 'key']
const dims: readonly Dim[] = ['batch', 5, 8, 4, 'rows']
const dimOf = (name: string): Dim => dims[names.indexOf(name)]!
const someNames = (least: number) => fc.shuffledSubarray(names, { minLength: least, maxLength: 4 })

/** The names cut into groups, some in brackets. */
const grouped = (all: readonly string[]): fc.Arbitrary<readonly (readonly string[])[]> =>
  fc.array(fc.boolean(), { minLength: all.length, maxLength: all.length }).map((cuts) => {
    const out: string[][] = []
    all.forEach((name, i) => {
      if (i === 0 || cuts[i]) out.push([name])
      else out.at(-1)!.push(name)
    })
    return out
  })
const side = (groups: readonly (readonly string[])[]): string =>
  groups.map((g) => (g.length === 1 ? g[0] : `(${g.join(' ')})`)).join(' ')

/** A pattern that fits its shape, with sizes for all names of a bracket but the first. */
const fitting = someNames(1).chain((left) =>
  fc
    .tuple(grouped(left), fc.shuffledSubarray([...left], { minLength: left.length }).chain(grouped))
    .map(([from, to]) => ({
      shape: from.map((g) => g.map(dimOf).reduce<Dim>(productOf, 1)),
      pattern: `${side(from)} -> ${side(to)}`,
      sizes: Object.fromEntries(from.flatMap((g) => g.slice(1).map((name) => [name, dimOf(name)] as const))),
    })),
)
/** One edit of a text: a token left out, doubled, or replaced. */
const edited = (text: string): fc.Arbitrary<string> => {
  const words = text.split(' ')
  return fc
    .tuple(fc.nat(words.length - 1), fc.constantFrom('', '...', '1', 'x', 'b', '(b', 'd)', '()', '(', 'b,'), fc.nat(2))
    .map(([at, word, how]) =>
      how === 0
        ? words.toSpliced(at, 1).join(' ')
        : how === 1
          ? words.toSpliced(at, 0, word).join(' ')
          : words.toSpliced(at, 1, word).join(' '),
    )
}

describe('types and functions agree on', () => {
  it('rearrangements that fit', () => {
    const cases = fitting.map(({ shape, pattern, sizes }) => rearranged(shape, pattern, sizes))
    for (const { value } of fc.sample(cases, { numRuns: 80, seed: 20_250_621 }))
      expect(value).not.toContain('ShapeError')
    agree(cases, 80)
  })

  it('rearrangements with one mistake in the pattern', () => {
    agree(
      fitting.chain(({ shape, pattern, sizes }) => edited(pattern).map((wrong) => rearranged(shape, wrong, sizes))),
      150,
    )
  })

  it('rearrangements of other shapes and sizes', () => {
    const other = fc.constantFrom<Dim>(1, 2, 8, 12, 'batch', '8·batch', 'batch + 1')
    agree(
      fitting.chain(({ shape, pattern, sizes }) =>
        fc
          .tuple(fc.nat(Math.max(0, shape.length - 1)), other, fc.constantFrom(...names, 'x'), other, fc.nat(3))
          .map(([at, dim, name, size, how]) =>
            rearranged(
              how === 0 ? shape.with(at, dim) : how === 1 ? [...shape, dim] : shape,
              pattern,
              how === 2 ? { ...sizes, [name]: size } : how === 3 ? {} : sizes,
            ),
          ),
      ),
      120,
    )
  })

  it('rearrangements with dots, ones and brackets of nothing', () => {
    agreeOn([
      rearranged(['batch', 81, 512], '... (h d) -> h ... d', { h: 8 }),
      rearranged(['batch', 81, 512], 'b ... -> ... b'),
      rearranged([512], '... d -> d ...'),
      rearranged([], '... d -> d ...'),
      rearranged([], '... -> ...'),
      rearranged([], ' -> '),
      rearranged([1, 4], '1 d -> d 1 1'),
      rearranged([2, 4], '1 d -> d'),
      rearranged(['batch', 4], '1 d -> d'),
      rearranged([1, 4], '() d -> d'),
      rearranged([4], 'd->(d)'),
      rearranged([4, 5], '(a)(b)->(a b)'),
      rearranged([4, 5], '... a ... -> a ...'),
      rearranged([4, 5], '... a -> a'),
      rearranged([4, 5], 'a b -> a b ...'),
      rearranged([4, 5], '(... a) -> a'),
      rearranged([4, 5], 'toString b -> b toString'),
      rearranged([4, 5], 'ab -> ba'),
      rearranged([4, 5], 'a b', {}),
      rearranged([12], '(a b c) -> a b c', { a: 2 }),
      rearranged([12], '(a b) -> a b', { a: 0 }),
      rearranged([12], '(a b) -> a b', { a: -2 }),
      rearranged([12], '(a b) -> a b', { a: 3, x: 1, y: 2 }),
      rearranged(['batch'], '(a b) -> a b', { a: 3 }),
      rearranged(['8·batch'], '(b h) -> b h', { h: 8 }),
      rearranged(['8·batch'], '(b h) -> b h', { b: 'batch' }),
      rearranged(['batch + 1', 8], 'b h -> (h b)'),
    ])
  })

  it('einsums, mostly of names that agree', () => {
    const operand = someNames(0).chain((own) =>
      fc.tuple(fc.nat(11), fc.nat(4), fc.constantFrom<Dim>(5, 7, 'batch')).map(([odds, at, dim]) => ({
        side: own.join(' '),
        // One in six has another dim somewhere, one a dim too many.
        shape: odds === 0 ? [...own.map(dimOf), dim] : own.map((n, i) => (odds === 1 && i === at ? dim : dimOf(n))),
      })),
    )
    agree(
      fc.tuple(fc.array(operand, { minLength: 1, maxLength: 3 }), someNames(0)).map(([operands, out]) => {
        const known = operands.map((o) => o.side).join(' ')
        const output = out.filter((name, i) => i === 3 || known.includes(name)).join(' ')
        return summed(`${operands.map((o) => o.side).join(', ')} -> ${output}`, ...operands.map((o) => o.shape))
      }),
      150,
    )
  })

  it('einsums with one mistake in the pattern', () => {
    agree(
      edited('b t d, d v -> b t v').map((pattern) => summed(pattern, ['batch', 81, 512], [512, 11])),
      80,
    )
  })

  it('einsums with dots, without blanks, of other numbers of tensors', () => {
    agreeOn([
      summed('... d, d v -> ... v', ['batch', 81, 512], [512, 11]),
      summed('... d, ... d -> ...', ['batch', 81, 512], ['batch', 81, 512]),
      summed('... d, ... d -> d', ['batch', 81, 512], ['batch', 80, 512]),
      summed('... d, ... d -> d', ['batch', 81, 512], [81, 512]),
      summed('b ... d -> b d', [3], []),
      summed('b ... d -> b d', [3]),
      summed('b ... d -> ...', [3, 4]),
      summed('... a ... -> a', [3, 4, 5]),
      summed('a -> ...', [3]),
      summed('a -> ... ...', [3]),
      summed('->'),
      summed('->', []),
      summed(', a -> a', [], [4]),
      summed('bij,bjk->bik', ['batch', 3, 4], ['batch', 4, 5]),
      summed('ab->ba', [3]),
      summed('a->a', [3, 4]),
      summed('a a -> a', [3, 3]),
      summed('a -> a a', [3]),
      summed('a b c', [3]),
      summed('b (h d) -> b', [3, 4, 5]),
      summed('b t d, d v -> b t v', ['batch', 81, 512]),
      summed('b t d, d v -> b t v', ['batch', 81, 512], [256, 11]),
      summed('a, a, a b -> b', [3], [3], [3, 4]),
    ])
  })

  it('what only run time knows', () => {
    agreeOn([
      { type: "Rearrange<[number, 81, 512], 'b t (h d) -> b h t d', { h: 8 }>", value: '[number, 8, 81, 64]' },
      {
        type: "Rearrange<['batch', 81, number], 'b t (h d) -> (b h) t d', { h: 8 }>",
        value: '["8·batch", 81, number]',
      },
      { type: "Rearrange<['batch', 512], 'b (h d) -> b h d', { h: number }>", value: '["batch", number, number]' },
      { type: "Rearrange<['batch', 512], 'b (h d) -> b h d', Record<string, number>>", value: 'Shape' },
      { type: "Rearrange<readonly (number | string)[], 'b d -> d b', {}>", value: 'Shape' },
      { type: 'Rearrange<[3, 4], string, {}>', value: 'Shape' },
      { type: "Einsum<'b d, d v -> b v', [[number, 512], [number, 11]]>", value: '[number, 11]' },
      { type: "Einsum<'b d, b v -> b', [[number, 512], [5, 11]]>", value: '[5]' },
      { type: "Einsum<'b d, d v -> b v', [(number | string)[], [512, 11]]>", value: 'Shape' },
      { type: 'Einsum<string, [[3, 4]]>', value: 'Shape' },
      { type: "Einsum<'a -> a', readonly [3][]>", value: 'Shape' },
      { type: "Rearrange<readonly ['batch', 6], 'b (h d) -> b h d', { readonly h: 2 }>", value: '["batch", 2, 3]' },
    ])
  })
})
