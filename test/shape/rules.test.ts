/** The rules of views, joins, attention, losses and recurrences as types against functions (see `mirror.test.ts`). */
import * as fc from 'fast-check'
import { describe, it } from 'vitest'
import {
  alongRule,
  answerRule,
  attentionRule,
  broadcastToRule,
  concatRule,
  crossEntropyRule,
  dotProductAttentionRule,
  elementwiseLossRule,
  injectionRule,
  isRefusal,
  keptState,
  linearRule,
  overPositionsRule,
  overSymbolsRule,
  padRule,
  type Refusal,
  rotatedRule,
  type Shape,
  splitRule,
  symbolOutputRule,
  unsqueezeRule,
} from '../../src/shape/index.js'
import { agree, type Case, shown, tuple } from '../support/printed-types.js'

const small = fc.integer({ min: 1, max: 6 })
const dim = fc.oneof({ weight: 3, arbitrary: small }, { weight: 1, arbitrary: fc.constantFrom('batch', 'rows') })
const shape = (least: number, most: number): fc.Arbitrary<Shape> => fc.array(dim, { minLength: least, maxLength: most })
/** A shape and one like it: mostly equal, sometimes with another dim, sometimes another. */
const alike = (least: number, most: number): fc.Arbitrary<readonly [Shape, Shape]> =>
  shape(least, most).chain((a) =>
    fc.oneof(
      fc.constant([a, a] as const),
      fc
        .tuple(fc.nat(Math.max(0, a.length - 1)), dim)
        .map(([i, d]) => [a, a.map((x, k) => (k === i ? d : x))] as const),
      shape(least, most).map((b) => [a, b] as const),
    ),
  )

describe('types and functions agree on', () => {
  it('modules over axes: attention, over symbols, logits of symbols', () => {
    agree(
      fc.tuple(shape(1, 5), fc.constantFrom(2, 4), fc.nat(3)).map(([s, d, which]): Case => {
        const row = [...s.slice(0, -1), d]
        const [rule, value] = (
          [
            ['AttentionRule<4, 2, 6>', attentionRule(4, 2, 6)(row)],
            ['SymbolOutputRule<4>', symbolOutputRule(4)(row)],
            ['OverSymbols<LinearRule<4, 3>>', overSymbolsRule(linearRule(4, 3))(row)],
            ['OverSymbols<OverPositions<LinearRule<4, 3>>>', overSymbolsRule(overPositionsRule(linearRule(4, 3)))(row)],
          ] as const
        )[which]!
        return { type: `Apply<${rule}, ${tuple(row)}>`, value: shown(value) }
      }),
      120,
    )
  })

  it('splits into equal parts and by sizes', () => {
    const parts = fc.oneof(small, fc.array(small, { minLength: 1, maxLength: 3 }))
    agree(
      fc.tuple(shape(1, 3), fc.nat(3), parts).map(([s, axis, p]) => {
        const sizes = splitRule(s, axis, p)
        const value =
          'sentence' in sizes
            ? shown(sizes)
            : `[${sizes.map((n) => tuple(s.map((d, i) => (i === axis ? n : d)))).join(', ')}]`
        return { type: `Split<${tuple(s)}, ${axis}, ${typeof p === 'number' ? p : tuple(p)}>`, value }
      }),
      100,
    )
  })

  it('padding and new axes', () => {
    agree(
      fc.tuple(shape(1, 3), fc.nat(3), fc.nat(3), fc.nat(3)).map(([s, axis, before, after]) => ({
        type: `Pad<${tuple(s)}, ${axis}, ${before}, ${after}>`,
        value: shown(padRule(s, axis, before, after)),
      })),
    )
    agree(
      fc.tuple(shape(0, 3), fc.nat(5)).map(([s, axis]) => ({
        type: `Unsqueeze<${tuple(s)}, ${axis}>`,
        value: shown(unsqueezeRule(s, axis)),
      })),
    )
  })

  it('stretching to a shape', () => {
    const pair = shape(0, 4).chain((to) =>
      fc.oneof(
        fc
          .tuple(fc.nat(to.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
          .map(([from, ones]) => [to.slice(from).map((d, i) => (ones[i] ? 1 : d)), to] as const),
        shape(0, 4).map((from) => [from, to] as const),
      ),
    )
    agree(
      pair.map(([from, to]) => ({
        type: `BroadcastTo<${tuple(from)}, ${tuple(to)}>`,
        value: shown(broadcastToRule(from, to)),
      })),
      100,
    )
  })

  it('what keeps its shape but needs an axis', () => {
    agree(
      fc.tuple(shape(0, 3), fc.nat(4)).map(([s, axis]) => ({
        type: `Along<'softmax', ${tuple(s)}, ${axis}>`,
        value: shown(alongRule('softmax', s, axis)),
      })),
    )
  })

  it('concatenation of many', () => {
    agree(
      fc.tuple(fc.nat(2), alike(1, 3), fc.array(small, { maxLength: 2 })).map(([axis, [a, b], more]) => {
        const rest = [b, ...more.map((n) => a.map((d, i) => (i === axis ? n : d)))]
        return {
          type: `ConcatAll<${axis}, ${tuple(a)}, [${rest.map(tuple).join(', ')}]>`,
          value: shown(rest.reduce<Shape | Refusal>((s, b) => (isRefusal(s) ? s : concatRule(axis, s, b)), a)),
        }
      }),
      100,
    )
  })

  it('attention over queries, keys and values', () => {
    agree(
      fc.tuple(alike(3, 4), alike(3, 4), fc.boolean()).map(([[q, k], [, other], same]) => {
        const v = same ? k : other
        return {
          type: `DotProductAttention<${tuple(q)}, ${tuple(k)}, ${tuple(v)}>`,
          value: shown(dotProductAttentionRule(q, k, v)),
        }
      }),
      100,
    )
  })

  it('turning by tables', () => {
    agree(
      fc.tuple(shape(2, 4), small, small, fc.boolean()).map(([s, t, d, fitting]) => {
        const x = fitting && s.length >= 3 ? [...s.slice(0, -3), t, s.at(-2)!, d] : s
        return { type: `Rotated<${tuple(x)}, ${t}, ${d}>`, value: shown(rotatedRule(x, t, d)) }
      }),
    )
  })

  it('losses', () => {
    agree(
      fc.tuple(alike(1, 3), small).map(([[logits, labels], v]) => ({
        type: `CrossEntropy<${tuple([...logits, v])}, ${tuple(labels)}>`,
        value: shown(crossEntropyRule([...logits, v], labels)),
      })),
      100,
    )
    agree(
      alike(0, 3).map(([logits, targets]) => ({
        type: `ElementwiseLoss<'loss', ${tuple(logits)}, ${tuple(targets)}>`,
        value: shown(elementwiseLossRule('loss', logits, targets)),
      })),
    )
  })

  it('what a recurrence asks of its steps, and an answer of its input', () => {
    agree(
      alike(1, 3).map(([state, other]) => ({
        type: `Injection<${tuple(state)}, ${tuple(other)}>`,
        value: shown(injectionRule(state, other)),
      })),
    )
    agree(
      alike(1, 3).map(([after, before]) => ({
        type: `KeptState<'z', ${tuple(after)}, ${tuple(before)}>`,
        value: shown(keptState('z', after, before)),
      })),
    )
    agree(
      alike(1, 3).map(([out, expected]) => ({
        type: `Answer<${tuple(out)}, ${tuple(expected)}>`,
        value: shown(answerRule(out, expected)),
      })),
    )
  })
})
